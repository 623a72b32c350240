package githubwebhook_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/functions/githubwebhook"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/webhook"
)

const samples = "../../events/github-webhook/"

var received = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func header(event string) http.Header {
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("X-GitHub-Event", event)
	h.Set("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
	return h
}

func sample(t testing.TB, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(samples + file)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	person := remedy.Actor{Type: "User", ID: "Codertocat", Name: "Codertocat", Via: "github"}
	at := func(clock string) time.Time {
		d, err := time.Parse(time.RFC3339, "2019-05-15T"+clock+"Z")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, tt := range []struct {
		file, event, name, account string
		time                       time.Time
	}{
		{"publicized.json", "repository", "repository.publicized", "Codertocat", at("15:21:03")},
		{"publicized-in-organization.json", "repository", "repository.publicized", "Octocoders", at("15:21:03")},
		{"created.json", "repository", "repository.created", "Octocoders", at("15:20:41")},
		{"public.json", "public", "public", "Codertocat", at("15:21:03")},
		{"public-for-app.json", "public", "public", "Codertocat", at("15:21:03")},
		{"public.json", "push", "push", "Codertocat", at("15:20:57")},
		{"public.json", "member", "member", "Codertocat", received}, // a repository's times don't tell when a member came
	} {
		t.Run(tt.file+"_as_"+tt.event, func(t *testing.T) {
			t.Parallel()
			raw := sample(t, tt.file)
			got, err := githubwebhook.Forge().Decode(header(tt.event), raw, received)
			if err != nil {
				t.Fatal(err)
			}
			want := remedy.Event{
				ID: "72d3162e-cc78-11e3-81ab-4c9367dc0958", Source: "github", Name: tt.name, Account: tt.account,
				Actor: person, Time: tt.time, Received: received, Detail: raw,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeForm(t *testing.T) {
	t.Parallel()
	raw := sample(t, "publicized.json")
	h := header("repository")
	h.Set("Content-Type", "application/x-www-form-urlencoded")
	got, err := githubwebhook.Forge().Decode(h, []byte("payload="+url.QueryEscape(string(raw))), received)
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "repository.publicized" || !bytes.Equal(got.Detail, raw) {
		t.Errorf("got %s with %d bytes, want repository.publicized with the payload's %d", got.Name, len(got.Detail), len(raw))
	}
}

func TestDecodeTime(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Time{
		`"2026-03-01T11:59:00Z"`:      received.Add(-time.Minute),
		`"2026-03-01T12:59:00+01:00"`: received.Add(-time.Minute),
		`1772366340`:                  received.Add(-time.Minute),
		`"2026-03-01T12:05:00Z"`:      received, // the clocks disagree
		`"yesterday"`:                 received,
		`-1`:                          received,
		`0`:                           received,
		`null`:                        received,
		`{}`:                          received,
	} {
		body := fmt.Sprintf(`{"action":"publicized","repository":{"updated_at":%s}}`, value)
		got, err := githubwebhook.Forge().Decode(header("repository"), []byte(body), received)
		if err != nil || !got.Time.Equal(want) {
			t.Errorf("%s: got %v, %v, want %v", value, got.Time, err, want)
		}
	}
}

func TestDecodeKeepsLittleOfALargePayload(t *testing.T) {
	t.Parallel()
	kept := map[string]any{
		"action": "publicized", "repository": map[string]any{"id": 7.0, "owner": map[string]any{"login": "acme"}},
		"organization": map[string]any{"login": "acme"}, "enterprise": map[string]any{"id": 1.0}, "installation": map[string]any{"id": 3.0},
		"sender": map[string]any{"login": "ann", "type": "User"}, "changes": map[string]any{"a": "b"},
	}
	body := func(commits int) []byte {
		all := map[string]any{"commits": strings.Repeat("x", commits)}
		for k, v := range kept {
			all[k] = v
		}
		raw, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	spare := webhook.MaxDetail - len(body(0))

	whole := body(spare)
	got, err := githubwebhook.Forge().Decode(header("repository"), whole, received)
	if err != nil || !bytes.Equal(got.Detail, whole) {
		t.Errorf("at the limit: got %d bytes, %v, want all %d", len(got.Detail), err, len(whole))
	}
	got, err = githubwebhook.Forge().Decode(header("repository"), body(spare+1), received)
	if err != nil {
		t.Fatal(err)
	}
	var left map[string]any
	if err := json.Unmarshal(got.Detail, &left); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kept, left); diff != "" {
		t.Error(diff)
	}
	if got.Name != "repository.publicized" || got.Account != "acme" || got.Actor.Name != "ann" {
		t.Errorf("got %+v", got)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	const good = `{"action":"publicized","repository":{"id":7}}`
	with := func(name, value string) http.Header {
		h := header("repository")
		h.Set(name, value)
		return h
	}
	form := with("Content-Type", "application/x-www-form-urlencoded")
	nested := strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000)
	for _, tt := range []struct {
		name   string
		header http.Header
		body   string
		status int
		text   string
	}{
		{"no_delivery_id", with("X-GitHub-Delivery", ""), good, 400, "X-GitHub-Delivery"},
		{"delivery_id_with_a_line_break", with("X-GitHub-Delivery", "a\nb"), good, 400, "X-GitHub-Delivery"},
		{"delivery_id_too_long", with("X-GitHub-Delivery", strings.Repeat("a", 129)), good, 400, "X-GitHub-Delivery"},
		{"no_event", with("X-GitHub-Event", ""), good, 400, "X-GitHub-Event"},
		{"no_content_type", with("Content-Type", ""), good, 415, "Content-Type"},
		{"xml", with("Content-Type", "text/xml"), good, 415, "text/xml"},
		{"empty", header("repository"), "", 400, "not a JSON object"},
		{"null", header("repository"), "null", 400, "not a JSON object"},
		{"list", header("repository"), "[" + good + "]", 400, "not a JSON object"},
		{"text", header("repository"), `"hello"`, 400, "not a JSON object"},
		{"truncated", header("repository"), good[:30], 400, "not JSON after byte"},
		{"two_documents", header("repository"), good + good, 400, "not JSON after byte"},
		{"not_utf8", header("repository"), "{\"action\":\"\xff\"}", 400, "not UTF-8"},
		{"deeply_nested", header("repository"), nested, 400, "exceeded max depth"},
		{"action_of_another_type", header("repository"), `{"action":7}`, 400, "field action of the payload is a number"},
		{"repository_of_another_type", header("repository"), `{"repository":"acme/site"}`, 400, "field repository of the payload is a string"},
		{"login_of_another_type", header("repository"), `{"sender":{"login":[]}}`, 400, "field sender.login of the payload is a array"},
		{"form_without_payload", form, "x=1", 400, "no single field named payload"},
		{"form_with_two_payloads", form, "payload={}&payload={}", 400, "no single field named payload"},
		{"form_that_is_none", form, "payload=%zz", 400, "no single field named payload"},
		{"form_with_a_broken_payload", form, "payload=%7B", 400, "not JSON after byte"},
		{"json_sent_as_form", form, good, 400, "no single field named payload"},
		{"too_large_even_when_shortened", header("repository"), `{"changes":"` + strings.Repeat("x", webhook.MaxDetail) + `"}`, 413, "at most 204800 are handled"},
		{"ping_that_is_no_json", header("ping"), "pong", 400, "not a JSON object"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := githubwebhook.Forge().Decode(tt.header, []byte(tt.body), received)
			e, ok := errors.AsType[*webhook.Error](err)
			if !ok {
				t.Fatalf("got %+v, %v, want a *webhook.Error", got, err)
			}
			if e.Status() != tt.status || !strings.Contains(e.Text, tt.text) {
				t.Errorf("got %d %q, want %d %q", e.Status(), e.Text, tt.status, tt.text)
			}
			if diff := cmp.Diff(remedy.Event{}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodePing(t *testing.T) {
	t.Parallel()
	if _, err := githubwebhook.Forge().Decode(header("ping"), []byte(`{"zen":"Keep it logically awesome.","hook_id":1}`), received); !errors.Is(err, webhook.ErrPing) {
		t.Errorf("got %v, want ErrPing", err)
	}
}

// FuzzDecode holds that what decodes has all that the bus needs, and that the
// Detail is JSON and within its bound.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob(samples + "*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no samples", err)
	}
	for _, file := range files {
		f.Add("repository", "id", "application/json", sample(f, filepath.Base(file)))
	}
	f.Add("push", "id", "application/x-www-form-urlencoded", []byte("payload=%7B%22repository%22%3A%7B%22pushed_at%22%3A1%7D%7D"))
	f.Add("", "", "", []byte("{"))
	f.Fuzz(func(t *testing.T, event, id, kind string, body []byte) {
		h := http.Header{"X-Github-Event": {event}, "X-Github-Delivery": {id}, "Content-Type": {kind}}
		ev, err := githubwebhook.Forge().Decode(h, body, received)
		if err != nil {
			if _, ok := errors.AsType[*webhook.Error](err); !ok && !errors.Is(err, webhook.ErrPing) {
				t.Errorf("got %v, which has no status", err)
			}
			return
		}
		if ev.ID == "" || ev.Source != "github" || ev.Name == "" || ev.Time.IsZero() || ev.Time.After(received) {
			t.Errorf("got %+v", ev)
		}
		if !json.Valid(ev.Detail) || len(ev.Detail) > webhook.MaxDetail {
			t.Errorf("the detail has %d bytes, valid %v", len(ev.Detail), json.Valid(ev.Detail))
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	raw, h := sample(b, "publicized.json"), header("repository")
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := githubwebhook.Forge().Decode(h, raw, received); err != nil {
			b.Fatal(err)
		}
	}
}
