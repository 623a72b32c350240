package bus

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// TestEncodeRoundTrip holds that an event comes off the bus as it was put on it.
func TestEncodeRoundTrip(t *testing.T) {
	t.Parallel()
	word := rapid.String()
	name := rapid.StringN(1, 40, -1)
	when := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "none") {
			return time.Time{}
		}
		return time.Unix(rapid.Int64Range(0, maxUnix).Draw(t, "s"), rapid.Int64Range(0, 999999999).Draw(t, "ns")).UTC()
	})
	detail := rapid.OneOf(
		rapid.SampledFrom([]string{"", "null", "7", `[ 1,  2 ]`, "{\n \"html\": \"<a href='x'>&\\u003c\", \"n\": 1.0e2 }", `{"ebb":{"id":"x"},"payload":1}`}),
		rapid.Custom(func(t *rapid.T) string {
			b, err := json.Marshal(rapid.MapOf(word, word).Draw(t, "map"))
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}),
	)
	rapid.Check(t, func(t *rapid.T) {
		want := remedy.Event{
			ID: name.Draw(t, "id"), Source: name.Filter(notAWS).Draw(t, "source"), Name: name.Draw(t, "name"),
			Account: word.Draw(t, "account"), Region: word.Draw(t, "region"),
			Actor: remedy.Actor{
				Type: word.Draw(t, "type"), ID: word.Draw(t, "actor"), Name: word.Draw(t, "login"),
				Session: word.Draw(t, "session"), Via: word.Draw(t, "via"), IP: word.Draw(t, "ip"),
			},
			Time: when.Draw(t, "time"), Received: when.Draw(t, "received"),
			Detail: json.RawMessage(detail.Draw(t, "detail")),
		}
		carrier := rapid.MapOf(word, word).Draw(t, "carrier")
		entry, err := Encode(want, carrier)
		if err != nil {
			t.Fatal(err)
		}
		payload, err := entry.Envelope("env-1", "111122223333", "eu-west-1", time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(payload)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(Message{Event: want, Carrier: carrier, Payload: payload}, got, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("message (-want +got):\n%s", d)
		}
	})
}

func TestEncodeCarriesTheTrace(t *testing.T) {
	t.Parallel()
	carrier := map[string]string{"traceparent": "00-1-2-01", "x-amzn-trace-id": "Root=1-2-3"}
	entry, err := Encode(remedy.Event{ID: "1", Source: "github", Name: "push"}, carrier)
	if err != nil {
		t.Fatal(err)
	}
	want := Entry{
		Source: "github", DetailType: "push", TraceHeader: "Root=1-2-3",
		Detail: []byte(`{"ebb":{"id":"1","carrier":{"traceparent":"00-1-2-01","x-amzn-trace-id":"Root=1-2-3"}}}`),
	}
	if d := cmp.Diff(want, entry); d != "" {
		t.Errorf("entry (-want +got):\n%s", d)
	}
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	good := remedy.Event{ID: "1", Source: "github", Name: "push"}
	tests := map[string]struct {
		change func(*remedy.Event)
		says   string
	}{
		"no_id":           {func(ev *remedy.Event) { ev.ID = "" }, "none may be empty"},
		"no_source":       {func(ev *remedy.Event) { ev.Source = "" }, "none may be empty"},
		"no_name":         {func(ev *remedy.Event) { ev.Name = "" }, "none may be empty"},
		"aws's_own":       {func(ev *remedy.Event) { ev.Source = "aws.s3" }, `"aws."`},
		"not_utf8":        {func(ev *remedy.Event) { ev.Actor.Name = "\xff" }, "not UTF-8"},
		"detail_not_json": {func(ev *remedy.Event) { ev.Detail = []byte(`{`) }, "truncated"},
		"two_details":     {func(ev *remedy.Event) { ev.Detail = []byte(`1}{"a":2`) }, "not JSON"},
		"detail_too_deep": {func(ev *remedy.Event) {
			ev.Detail = []byte(strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth))
		}, "too deep"},
		"detail_too_large": {func(ev *remedy.Event) { ev.Detail = []byte(`"` + strings.Repeat("a", MaxEvent) + `"`) }, "too large"},
		"year_10000":       {func(ev *remedy.Event) { ev.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "year"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ev := good
			tt.change(&ev)
			got, err := Encode(ev, nil)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got error %v, want one that says %q", err, tt.says)
			}
			if d := cmp.Diff(Entry{}, got); d != "" {
				t.Errorf("entry beside an error (-want +got):\n%s", d)
			}
		})
	}
}

func TestEnvelope(t *testing.T) {
	t.Parallel()
	e := Entry{Source: "acme", DetailType: "x <y>", Detail: []byte(`{"a": "<"}`), Resources: []string{"arn:1"}}
	got, err := e.Envelope("id-1", "111122223333", "eu-west-1", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"version":"0","id":"id-1","detail-type":"x \u003cy\u003e","source":"acme","account":"111122223333",` +
		`"time":"2026-01-02T03:04:05Z","region":"eu-west-1","resources":["arn:1"],"detail":{"a": "<"}}`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("envelope (-want +got):\n%s", d)
	}
	for detail, kind := range map[string]error{``: ErrTruncated, `[]`: ErrWrongType, `{"a":1`: ErrTruncated, `{}x`: ErrSyntax, "{\"a\":\"\xff\"}": ErrNotUTF8} {
		e.Detail = []byte(detail)
		if got, err := e.Envelope("id-1", "", "", time.Time{}); !errors.Is(err, kind) || got != nil {
			t.Errorf("detail %q: got %s and error %v, want one that is %q", detail, got, err, kind)
		}
	}
}

// notAWS leaves out the sources that are AWS's own.
func notAWS(source string) bool { return !strings.HasPrefix(source, "aws.") }
