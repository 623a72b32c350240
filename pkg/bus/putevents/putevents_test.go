package putevents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ebb-ops/ebb/pkg/bus"
)

// busy is an error that says when to try again.
type busy struct{ wait time.Duration }

func (b busy) Error() string             { return "the inbox is full" }
func (b busy) RetryAfter() time.Duration { return b.wait }

// store is an Accept that keeps what it gets, after so many refusals.
type store struct {
	refusals []error
	calls    int
	events   []Event
}

func (s *store) accept(_ context.Context, events []Event) error {
	s.calls++
	if len(s.refusals) > 0 {
		err := s.refusals[0]
		s.refusals = s.refusals[1:]
		return err
	}
	s.events = append(s.events, events...)
	return nil
}

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func handler(s *store) *Handler {
	return &Handler{
		Accept: s.accept, Account: "111122223333", Region: "eu-west-1",
		Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	}
}

// client gives AWS's own SDK, pointed at h.
func client(t *testing.T, h http.Handler) *eventbridge.Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return eventbridge.New(eventbridge.Options{
		BaseEndpoint: aws.String(srv.URL),
		Region:       "us-west-2",
		Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	})
}

func TestSDKPutsEvents(t *testing.T) {
	t.Parallel()
	s := &store{}
	c := client(t, handler(s))
	out, err := c.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		{
			Source: aws.String("acme"), DetailType: aws.String("x"), Detail: aws.String(`{"a": "<é>"}`),
			Resources: []string{"arn:1"}, Time: aws.Time(now.Add(-time.Hour)), EventBusName: aws.String("any"), TraceHeader: aws.String("Root=1-2-3"),
		},
		{Source: aws.String("acme"), DetailType: aws.String("x"), Detail: aws.String(`{"a":`)},
		{Source: aws.String("acme"), Detail: aws.String(`{}`)},
		{Source: aws.String("aws.s3"), DetailType: aws.String("y"), Detail: aws.String(`{}`)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.events) != 2 {
		t.Fatalf("got %d events, want 2", len(s.events))
	}
	wantOut := &eventbridge.PutEventsOutput{
		FailedEntryCount: 2,
		Entries: []types.PutEventsResultEntry{
			{EventId: aws.String(s.events[0].ID)},
			{ErrorCode: aws.String("MalformedDetail"), ErrorMessage: aws.String("Detail is malformed: detail: truncated: the text ends at byte 5")},
			{ErrorCode: aws.String("InvalidArgument"), ErrorMessage: aws.String("Parameter DetailType is not valid. Reason: DetailType is a required argument.")},
			{EventId: aws.String(s.events[1].ID)},
		},
	}
	if d := cmp.Diff(wantOut, out, cmpopts.IgnoreUnexported(eventbridge.PutEventsOutput{}, types.PutEventsResultEntry{}), cmpopts.IgnoreFields(eventbridge.PutEventsOutput{}, "ResultMetadata")); d != "" {
		t.Errorf("answer (-want +got):\n%s", d)
	}
	want := []Event{
		{
			ID: s.events[0].ID, Carrier: map[string]string{"X-Amzn-Trace-Id": "Root=1-2-3"},
			Payload: []byte(`{"version":"0","id":"` + s.events[0].ID + `","detail-type":"x","source":"acme","account":"111122223333",` +
				`"time":"2026-01-02T02:04:05Z","region":"us-west-2","resources":["arn:1"],"detail":{"a": "<é>"}}`),
		},
		{
			ID: s.events[1].ID,
			Payload: []byte(`{"version":"0","id":"` + s.events[1].ID + `","detail-type":"y","source":"aws.s3","account":"111122223333",` +
				`"time":"2026-01-02T03:04:05Z","region":"us-west-2","resources":[],"detail":{}}`),
		},
	}
	if d := cmp.Diff(want, s.events); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
	for _, ev := range s.events {
		if m, err := bus.Decode(ev.Payload); err != nil || m.Event.ID != ev.ID {
			t.Errorf("decode the envelope: got event %s and error %v, want %s", m.Event.ID, err, ev.ID)
		}
	}
	if s.events[0].ID == s.events[1].ID {
		t.Error("two events have the same id")
	}
}

func TestSDKRetries(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]error{"when_busy": fmt.Errorf("accept: %w", busy{time.Millisecond}), "when_broken": errors.New("disk is full")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &store{refusals: []error{refusal, refusal}}
			out, err := client(t, handler(s)).PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
				{Source: aws.String("acme"), DetailType: aws.String("x"), Detail: aws.String(`{}`)},
			}})
			if err != nil || out.FailedEntryCount != 0 {
				t.Fatalf("got %+v and error %v, want success at the third attempt", out, err)
			}
			if s.calls != 3 || len(s.events) != 1 {
				t.Errorf("got %d calls and %d events, want 3 and 1", s.calls, len(s.events))
			}
		})
	}
}

const good = `{"Source":"acme","DetailType":"x","Detail":"{}"}`

func TestFaults(t *testing.T) {
	t.Parallel()
	big := `{"Entries":[{"Source":"acme","DetailType":"x","Detail":"{\"a\":\"` + strings.Repeat("a", MaxSize) + `\"}"}]}`
	tests := map[string]struct {
		method, target, body string
		refusal              error
		status               int
		code, says           string
		retryAfter           string
	}{
		"another_operation":  {"POST", "AWSEvents.PutRule", `{}`, nil, 400, "UnknownOperationException", "AWSEvents.PutEvents", ""},
		"another_method":     {"GET", target, ``, nil, 400, "UnknownOperationException", "POST", ""},
		"no_body":            {"POST", target, ``, nil, 400, "SerializationException", "EOF", ""},
		"no_json":            {"POST", target, `hello`, nil, 400, "SerializationException", "invalid character", ""},
		"truncated":          {"POST", target, `{"Entries":[`, nil, 400, "SerializationException", "unexpected EOF", ""},
		"wrong_type":         {"POST", target, `{"Entries":[{"Source":7}]}`, nil, 400, "SerializationException", "Entries.Source", ""},
		"something_after_it": {"POST", target, `{"Entries":[` + good + `]}{}`, nil, 400, "SerializationException", "after the request", ""},
		"not_utf8":           {"POST", target, "{\"Entries\":[{\"Source\":\"\xff\"}]}", nil, 400, "SerializationException", "UTF-8", ""},
		"no_time":            {"POST", target, `{"Entries":[{"Source":"acme","DetailType":"x","Detail":"{}","Time":-1}]}`, nil, 400, "SerializationException", "Time is -1", ""},
		"no_entries":         {"POST", target, `{"Entries":[]}`, nil, 400, "ValidationException", "it must have 1 to 10", ""},
		"too_many_entries":   {"POST", target, `{"Entries":[` + strings.Repeat(good+",", 10) + good + `]}`, nil, 400, "ValidationException", "has 11 members", ""},
		"too_large":          {"POST", target, big, nil, 400, "ValidationException", "less than 1048576", ""},
		"body_too_large":     {"POST", target, strings.Repeat(" ", MaxBody+1), nil, 413, "RequestEntityTooLargeException", "8388608", ""},
		"busy":               {"POST", target, `{"Entries":[` + good + `]}`, busy{1500 * time.Millisecond}, 503, "ThrottlingException", "the inbox is full", "2"},
		"broken":             {"POST", target, `{"Entries":[` + good + `]}`, errors.New("secret path"), 500, "InternalException", "try again", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &store{}
			if tt.refusal != nil {
				s.refusals = []error{tt.refusal}
			}
			r := httptest.NewRequest(tt.method, "/", strings.NewReader(tt.body))
			r.Header.Set("X-Amz-Target", tt.target)
			w := httptest.NewRecorder()
			handler(s).ServeHTTP(w, r)
			var got struct {
				Type    string `json:"__type"`
				Message string `json:"message"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatalf("answer %q: %v", w.Body, err)
			}
			if w.Code != tt.status || got.Type != tt.code || !strings.Contains(got.Message, tt.says) {
				t.Errorf("got %d %s: %s, want %d %s that says %q", w.Code, got.Type, got.Message, tt.status, tt.code, tt.says)
			}
			if strings.Contains(got.Message, "secret") {
				t.Errorf("the answer tells what went wrong inside: %s", got.Message)
			}
			if got := w.Header().Get("Retry-After"); got != tt.retryAfter {
				t.Errorf("got Retry-After %q, want %q", got, tt.retryAfter)
			}
			if got := w.Header().Get("Content-Type"); got != "application/x-amz-json-1.1" {
				t.Errorf("got content type %q", got)
			}
			if w.Header().Get("X-Amzn-Requestid") == "" {
				t.Error("the answer has no request id")
			}
			if len(s.events) != 0 {
				t.Errorf("%d events were accepted beside a fault", len(s.events))
			}
		})
	}
}

func TestCarrierAndRegion(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		entry       string
		headers     map[string]string
		wantCarrier map[string]string
		wantRegion  string
	}{
		"none": {good, nil, nil, "eu-west-1"},
		"headers": {
			good,
			map[string]string{"Traceparent": "00-1-2-01", "X-Amzn-Trace-Id": "Root=1"},
			map[string]string{"traceparent": "00-1-2-01", "X-Amzn-Trace-Id": "Root=1"}, "eu-west-1",
		},
		"the_entrys_own_wins": {
			`{"Source":"acme","DetailType":"x","Detail":"{}","TraceHeader":"Root=2"}`,
			map[string]string{"Traceparent": "00-1-2-01", "X-Amzn-Trace-Id": "Root=1"},
			map[string]string{"X-Amzn-Trace-Id": "Root=2"}, "eu-west-1",
		},
		"signed": {
			good,
			map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/ap-south-1/events/aws4_request, SignedHeaders=host, Signature=0"},
			nil, "ap-south-1",
		},
		"signed_for_something_else": {
			good,
			map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/ap-south-1/s3/aws4_request, SignedHeaders=host"},
			nil, "eu-west-1",
		},
		"a_bearer": {good, map[string]string{"Authorization": "Bearer a/b/c/d/e"}, nil, "eu-west-1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &store{}
			r := httptest.NewRequest("POST", "/", strings.NewReader(`{"Entries":[`+tt.entry+`]}`))
			r.Header.Set("X-Amz-Target", target)
			for k, v := range tt.headers {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			handler(s).ServeHTTP(w, r)
			if w.Code != http.StatusOK || len(s.events) != 1 {
				t.Fatalf("got status %d and %d events: %s", w.Code, len(s.events), w.Body)
			}
			m, err := bus.Decode(s.events[0].Payload)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.wantCarrier, s.events[0].Carrier); d != "" {
				t.Errorf("carrier (-want +got):\n%s", d)
			}
			if m.Event.Region != tt.wantRegion {
				t.Errorf("got region %s, want %s", m.Event.Region, tt.wantRegion)
			}
		})
	}
}

func TestNothingIsHandedOnWhenEveryEntryIsRefused(t *testing.T) {
	t.Parallel()
	s := &store{}
	r := httptest.NewRequest("POST", "/", strings.NewReader(`{"Entries":[{},null]}`))
	r.Header.Set("X-Amz-Target", target)
	w := httptest.NewRecorder()
	handler(s).ServeHTTP(w, r)
	const refused = `{"ErrorCode":"InvalidArgument","ErrorMessage":"Parameter Source is not valid. Reason: Source is a required argument."}`
	if want := `{"FailedEntryCount":2,"Entries":[` + refused + "," + refused + `]}`; w.Code != http.StatusOK || w.Body.String() != want {
		t.Errorf("got %d %s, want 200 %s", w.Code, w.Body, want)
	}
	if s.calls != 0 {
		t.Error("Accept was called with nothing")
	}
}
