package gitearepositoryvisibility

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/reponame"
)

const samples = "../../events/gitea-webhook/"

func event(name string, detail []byte) remedy.Event {
	return remedy.Event{ID: "1", Source: "gitea", Name: name, Detail: detail}
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	plans := []Target{{Owner: "acme", Name: "plans", ID: 2}}
	for _, tt := range []struct {
		file, name string
		want       []Target
	}{
		{"created.json", "repository.created", plans},
		{"created-private.json", "repository.created", []Target{{"acme", "drafts", 3}}}, // the live state decides
		{"created-fork.json", "repository.created", []Target{{"acme", "plans-fork", 4}}},
		{"push.json", "push", plans},
		{"release.json", "release.published", plans},
		{"deleted.json", "repository.deleted", nil},
	} {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(samples + tt.file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := decode(event(tt.name, raw))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecode_other_source(t *testing.T) {
	t.Parallel()
	ev := event("push", []byte(`{}`))
	ev.Source = "github"
	if got, err := decode(ev); err != nil || got != nil {
		t.Errorf("got %v, %v, want nothing", got, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	const good = `{"repository":{"id":7,"name":"site","owner":{"login":"acme"}}}`
	if _, err := decode(event("push", []byte(good))); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string][2]string{
		"truncated":              {`}}}`, ""},
		"list":                   {good, "[]"},
		"null":                   {good, "null"},
		"no repository":          {good, "{}"},
		"id zero":                {"7", "0"},
		"id of another type":     {"7", `"7"`},
		"id that overflows":      {"7", "99999999999999999999"},
		"no owner":               {"acme", ""},
		"name with a slash":      {"site", "site/../other"},
		"name that is a path":    {"site", ".."},
		"owner with a percent":   {"acme", "%2e%2e"},
		"name with a line break": {"site", `si\nte`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := decode(event("push", []byte(strings.Replace(good, edit[0], edit[1], 1)))); err == nil {
				t.Errorf("got %+v, want an error", got)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{Type: "Gitea::Repository", ID: "acme/site", Account: "acme"}
	if diff := cmp.Diff(want, Target{Owner: "acme", Name: "site", ID: 7}.Ref()); diff != "" {
		t.Error(diff)
	}
}

// FuzzDecode holds that whatever decodes can be put into a path and survives
// its recorded form.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob(samples + "*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no samples", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, detail []byte) {
		targets, err := decode(event("push", detail))
		if err != nil {
			return
		}
		if len(targets) != 1 || !reponame.Valid(targets[0].Owner) || !reponame.Valid(targets[0].Name) || targets[0].ID <= 0 {
			t.Fatalf("targets %+v", targets)
		}
		raw, err := json.Marshal(targets[0])
		if err != nil {
			t.Fatal(err)
		}
		var back Target
		if err := json.Unmarshal(raw, &back); err != nil || back != targets[0] {
			t.Errorf("%+v became %+v, %v", targets[0], back, err)
		}
	})
}

func BenchmarkDecodeAndCheck(b *testing.B) {
	raw, err := os.ReadFile(samples + "push.json")
	if err != nil {
		b.Fatal(err)
	}
	ev, s, p := event("push", raw), site(false), Defaults()
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil || len(check(targets[0], s, p)) != 1 {
			b.Fatal(err)
		}
	}
}
