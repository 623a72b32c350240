package notifier_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/functions/notifier"
	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/notify"
	"github.com/ebb-ops/ebb/pkg/notify/digest"
	"github.com/ebb-ops/ebb/pkg/notify/outbox"
	"github.com/ebb-ops/ebb/pkg/notify/outbox/sqlite"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// event gives a result as the bus delivers it.
func event(source, name, detail string) []byte {
	return fmt.Appendf(nil, `{"version":"0","id":"e1","source":%q,"detail-type":%q,"account":"111122223333","time":"2026-11-21T09:00:00Z","detail":%s}`,
		source, name, detail)
}

// body is a record as Ebb puts it on the bus.
const body = `{"ebb":{"id":"e1","account":"111122223333"},"payload":{"id":"e1","outcome":"reverted"}}`

func TestResult(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		payload []byte
		err     string
	}{
		"of another source":  {event("github", "remediation.reverted", body), "is no result of a remediation"},
		"of another name":    {event("ebb", "digest.due", body), "is no result of a remediation"},
		"of another outcome": {event("ebb", "remediation.failed", `{"id":"e1","outcome":"reverted"}`), "holds another record"},
		"of another record":  {event("ebb", "remediation.reverted", `{"id":"e2","outcome":"reverted"}`), "holds another record"},
		"of another form":    {event("ebb", "remediation.reverted", `{"id":7}`), "read result"},
		"as Ebb puts it":     {event("ebb", "remediation.reverted", body), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec, err := notifier.Result(decoded(t, tt.payload))
			if tt.err == "" {
				if diff := cmp.Diff(remedy.Record{ID: "e1", Outcome: remedy.Reverted}, rec); diff != "" || err != nil {
					t.Errorf("%v (-want +got):\n%s", err, diff)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.err) || !remedy.IsPermanent(err) {
				t.Errorf("got %v, want a permanent error with %q", err, tt.err)
			}
		})
	}
}

// decoded is the event in a payload.
func decoded(t *testing.T, payload []byte) remedy.Event {
	t.Helper()
	m, err := bus.Decode(payload)
	if err != nil {
		t.Fatal(err)
	}
	return m.Event
}

func FuzzResult(f *testing.F) {
	f.Add(event("ebb", "remediation.reverted", body))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		m, err := bus.Decode(payload)
		if err != nil {
			return
		}
		rec, err := notifier.Result(m.Event)
		if (err == nil) == (rec.ID == "") {
			t.Errorf("record %+v, error %v", rec, err)
		}
	})
}

const file = `version: 1
channels:
  ops: {slack: {webhook: HOOK}}
  mail: {sns: {topic: "arn:aws:sns:us-east-1:111122223333:ebb"}}
routes: [{channels: [ops]}]
digests: [{channels: [mail]}]
grouping: {window: 1s}
`

// TestCollector has what the bus delivers sent to those who are to know.
func TestCollector(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)
	told, err := json.Marshal(digest.Digest{
		ID: digest.ID("daily", until), Report: "daily", Since: until.AddDate(0, 0, -1), Until: until,
		Parts: []digest.Part{{Text: "Nothing happened."}}, Where: "s3://reports/daily.html",
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		payload []byte
		err     string
		want    []string
	}{
		"a result":           {event("ebb", "remediation.reverted", body), "", []string{"ops: reverted"}},
		"a report":           {event("ebb", digest.Event, string(told)), "", []string{"mail: daily"}},
		"no report":          {event("ebb", digest.Event, `{"id":7}`), "read the digest", nil},
		"a report of others": {event("acme", digest.Event, string(told)), "is no result", nil},
		"no JSON":            {[]byte(`{`), "decode event", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := notify.Load([]byte(file), "notify.yaml")
			if err != nil {
				t.Fatal(err)
			}
			store, err := sqlite.Open(t.Context(), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
			var got []string
			in := notifier.Collector(c, outbox.New(store, c, outbox.Options{
				Send: func(_ context.Context, channel string, n notify.Notice, _ string) (string, error) {
					if n.Digest != nil {
						got = append(got, channel+": "+n.Digest.Report)
					}
					for _, item := range n.Items {
						got = append(got, channel+": "+string(item.Outcome))
					}
					return "", nil
				},
			}))
			err = in.Take(t.Context(), host.Delivery{Payload: tt.payload, Received: time.Now().Add(-2 * time.Second)})
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err) || !remedy.IsPermanent(err)) {
				t.Errorf("got %v, want a permanent error with %q", err, tt.err)
			}
			if err := in.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

// vault is a secret that is read anew when its value was refused.
type vault struct {
	kept, stored map[string]string
	err          error
}

func (v *vault) read(_ context.Context, id string, refused bool) (map[string]string, error) {
	if refused {
		if v.err != nil {
			return nil, v.err
		}
		v.kept = v.stored
	}
	return v.kept, nil
}

func TestSecrets_that_were_replaced_have_a_second_chance(t *testing.T) {
	t.Parallel()
	before, after := map[string]string{"TOKEN": "old-0ne"}, map[string]string{"TOKEN": "new-0ne"}
	refusal := remedy.Permanent(errors.New("invalid_auth"))
	for name, tt := range map[string]struct {
		stored    map[string]string
		unread    error
		err       error
		permanent bool
	}{
		"sent":                 {after, nil, nil, false},
		"failed":               {after, nil, errors.New("busy"), false},
		"refused":              {before, nil, refusal, true},
		"refused and replaced": {after, nil, refusal, false},
		"refused and unread":   {after, errors.New("no answer"), refusal, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &vault{kept: before, stored: tt.stored, err: tt.unread}
			s := notifier.Secrets{ID: "ebb/notify", Read: v.read}
			send := s.Renewing(func(context.Context, string, notify.Notice, string) (string, error) {
				if tt.err != nil {
					return "", tt.err
				}
				return "thread", nil
			})
			next, err := send(t.Context(), "ops", notify.Notice{}, "")
			if (err == nil) != (tt.err == nil) || remedy.IsPermanent(err) != tt.permanent || (err == nil) != (next == "thread") {
				t.Errorf("got %q, %v", next, err)
			}
			if err != nil && strings.Contains(err.Error(), "0ne") {
				t.Errorf("the error holds a secret: %v", err)
			}
		})
	}
}

func TestSecrets_says_which_is_missing(t *testing.T) {
	t.Parallel()
	s := notifier.Secrets{ID: "ebb/notify", Read: (&vault{kept: map[string]string{"TOKEN": "x"}}).read}
	if v, err := s.Value(t.Context(), "TOKEN"); v != "x" || err != nil {
		t.Errorf("got %q, %v", v, err)
	}
	if _, err := s.Value(t.Context(), "OTHER"); err == nil || !strings.Contains(err.Error(), "secret ebb/notify has no member OTHER") {
		t.Errorf("got %v", err)
	}
}
