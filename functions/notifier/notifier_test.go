package notifier_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/functions/notifier"
	"github.com/ebb-ops/ebb/pkg/notify"
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
		"no JSON":            {[]byte(`{`), "decode event"},
		"of another source":  {event("github", "remediation.reverted", body), "is no result of a remediation"},
		"of another name":    {event("ebb", "digest.due", body), "is no result of a remediation"},
		"of another outcome": {event("ebb", "remediation.failed", `{"id":"e1","outcome":"reverted"}`), "holds another record"},
		"of another record":  {event("ebb", "remediation.reverted", `{"id":"e2","outcome":"reverted"}`), "holds another record"},
		"of another form":    {event("ebb", "remediation.reverted", `{"id":7}`), "read result"},
		"as Ebb puts it":     {event("ebb", "remediation.reverted", body), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec, err := notifier.Result(tt.payload)
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

func FuzzResult(f *testing.F) {
	f.Add(event("ebb", "remediation.reverted", body))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		rec, err := notifier.Result(payload)
		if (err == nil) == (rec.ID == "") {
			t.Errorf("record %+v, error %v", rec, err)
		}
	})
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
