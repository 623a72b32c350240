package host

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/webhook"
)

// events is an EventBridge that gives one answer and notes what it was sent.
type eventBridge struct {
	status int
	answer string
	sent   []map[string]any
}

func (e *eventBridge) Do(r *http.Request) (*http.Response, error) {
	var in struct{ Entries []map[string]any }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	e.sent = append(e.sent, in.Entries...)
	return &http.Response{
		StatusCode: e.status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
		Body: io.NopCloser(strings.NewReader(e.answer)),
	}, nil
}

func (e *eventBridge) publisher() func(context.Context, remedy.Event) error {
	return Publisher(aws.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		HTTPClient: e, Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}, "ebb")
}

func TestPublisher_puts_an_event_that_comes_back_as_it_was(t *testing.T) {
	t.Parallel()
	fake := &eventBridge{status: 200, answer: `{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}`}
	ev := remedy.Event{
		ID: "d1", Source: "github", Name: "repository.publicized", Account: "acme",
		Actor: remedy.Actor{ID: "ann"}, Time: time.Date(2026, 3, 2, 10, 15, 30, 0, time.UTC),
		Received: time.Date(2026, 3, 2, 10, 15, 31, 0, time.UTC), Detail: json.RawMessage(`{"a":1}`),
	}
	if err := fake.publisher()(t.Context(), ev); err != nil {
		t.Fatal(err)
	}
	if len(fake.sent) != 1 {
		t.Fatalf("%d entries were sent, want one", len(fake.sent))
	}
	sent := fake.sent[0]
	envelope, err := bus.Entry{
		Source: sent["Source"].(string), DetailType: sent["DetailType"].(string), Detail: []byte(sent["Detail"].(string)),
	}.Envelope("e1", "111122223333", "us-east-1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	msg, err := bus.Decode(envelope)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ev, msg.Event); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	delete(sent, "Detail")
	want := map[string]any{
		"EventBusName": "ebb", "Source": "github", "DetailType": "repository.publicized", "Time": float64(ev.Time.Unix()),
	}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
}

func TestPublisher_errors(t *testing.T) {
	t.Parallel()
	ev := remedy.Event{ID: "d1", Source: "github", Name: "public"}
	large := ev
	large.Detail = json.RawMessage(`"` + strings.Repeat("x", MaxEntry) + `"`)
	tests := map[string]struct {
		event           remedy.Event
		status          int
		answer          string
		text            string
		busy, permanent bool
		calls           int
	}{
		"refused entry": {ev, 200, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"NotAuthorizedForSourceException","ErrorMessage":"no"}]}`,
			"put event d1 on bus ebb: NotAuthorizedForSourceException: no", false, false, 1},
		"throttled entry": {ev, 200, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"ThrottlingException","ErrorMessage":"slow down"}]}`,
			"ThrottlingException", true, false, 1},
		"throttled call": {ev, 400, `{"__type":"ThrottlingException","message":"slow down"}`, "ThrottlingException", true, false, 1},
		"no such bus":    {ev, 400, `{"__type":"ResourceNotFoundException","message":"no"}`, "ResourceNotFoundException", false, false, 1},
		"too large":      {large, 200, "", "event d1 is too large for a bus", false, true, 0},
		"AWS's source":   {remedy.Event{ID: "1", Source: "aws.ec2", Name: "x"}, 200, "", "aws.", false, true, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := &eventBridge{status: tt.status, answer: tt.answer}
			err := fake.publisher()(t.Context(), tt.event)
			if err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error = %v, want one with %q", err, tt.text)
			}
			if busy := errors.Is(err, webhook.ErrBusy); busy != tt.busy {
				t.Errorf("busy = %t, want %t: %v", busy, tt.busy, err)
			}
			if permanent := remedy.IsPermanent(err); permanent != tt.permanent {
				t.Errorf("permanent = %t, want %t: %v", permanent, tt.permanent, err)
			}
			if len(fake.sent) != tt.calls {
				t.Errorf("%d entries were sent, want %d", len(fake.sent), tt.calls)
			}
		})
	}
}

func TestResults_leave_the_states_out(t *testing.T) {
	t.Parallel()
	var got remedy.Event
	rec := remedy.Record{
		ID: "r1", Outcome: remedy.Reverted, Resource: remedy.Ref{ID: "x", Account: "111122223333", Region: "us-east-1"},
		Before: json.RawMessage(`"secret"`), After: json.RawMessage(`"secret"`),
		Event: remedy.EventRef{Actor: remedy.Actor{ID: "ann"}}, Times: remedy.Times{Recorded: time.Unix(1, 0).UTC()},
	}
	err := results(func(_ context.Context, ev remedy.Event) error { got = ev; return nil })(t.Context(), rec)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(got.Detail), "secret") || rec.Before == nil {
		t.Errorf("detail = %s, and the record's own state is %s", got.Detail, rec.Before)
	}
	var told remedy.Record
	if err := json.Unmarshal(got.Detail, &told); err != nil || told.ID != "r1" || told.Outcome != remedy.Reverted {
		t.Errorf("detail = %s, %v; want the record", got.Detail, err)
	}
	got.Detail = nil
	want := remedy.Event{
		ID: "r1", Source: "ebb", Name: "remediation.reverted", Account: "111122223333", Region: "us-east-1",
		Actor: remedy.Actor{ID: "ann"}, Time: time.Unix(1, 0).UTC(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}
