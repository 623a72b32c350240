package githubrepositoryvisibility

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

const samples = "../../events/github-webhook/"

func event(name string, detail []byte) remedy.Event {
	return remedy.Event{ID: "1", Source: "github", Name: name, Detail: detail}
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	mine := Target{Host: "github.com", Owner: "Codertocat", Name: "Hello-World", ID: 186853002}
	mineForApp := mine
	mineForApp.Installation = 1
	inOrg := mine
	inOrg.Owner = "Octocoders"
	fork := Target{Host: "github.com", Owner: "Octocoders", Name: "Hello-World", ID: 186853261}
	forkForApp := fork
	forkForApp.Installation = 1
	for _, tt := range []struct {
		file, name string
		want       []Target
	}{
		{"publicized.json", "repository.publicized", []Target{mine}},
		{"publicized-in-organization.json", "repository.publicized", []Target{inOrg}},
		{"public.json", "public", []Target{mine}},
		{"public-for-app.json", "public", []Target{mineForApp}},
		{"created.json", "repository.created", []Target{fork}},
		{"created-for-app.json", "repository.created", []Target{forkForApp}},
		{"privatized.json", "repository.privatized", nil},
		{"privatized.json", "repository.created", []Target{mine}}, // the live state decides, whatever the event says
	} {
		t.Run(tt.file+"_as_"+tt.name, func(t *testing.T) {
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
				t.Error(diff)
			}
		})
	}
}

func TestDecodeOtherSource(t *testing.T) {
	t.Parallel()
	ev := event("public", []byte(`{}`))
	ev.Source = "gitea"
	if got, err := decode(ev); err != nil || got != nil {
		t.Errorf("got %v, %v, want nothing", got, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	const good = `{"repository":{"id":7,"name":"site","html_url":"https://github.com/acme/site","owner":{"login":"acme"}}}`
	if _, err := decode(event("public", []byte(good))); err != nil {
		t.Fatal(err)
	}
	change := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	for name, body := range map[string]string{
		"nothing":                      "",
		"truncated":                    good[:60],
		"null":                         "null",
		"list":                         "[]",
		"no_repository":                "{}",
		"repository_of_another_type":   `{"repository":"acme/site"}`,
		"no_id":                        change(`"id":7,`, ""),
		"id_zero":                      change(`7`, "0"),
		"negative_id":                  change(`7`, "-7"),
		"id_of_another_type":           change(`7`, `"7"`),
		"id_that_overflows":            change(`7`, `99999999999999999999`),
		"no_owner":                     change(`"acme"`, `""`),
		"no_name":                      change(`"site"`, `""`),
		"name_with_a_slash":            change(`"site"`, `"site/../other"`),
		"name_that_is_a_path":          change(`"site"`, `".."`),
		"name_with_a_query":            change(`"site"`, `"site?x"`),
		"name_with_a_percent":          change(`"site"`, `"%2e%2e"`),
		"owner_with_a_line_break":      change(`"login":"acme"`, `"login":"ac\nme"`),
		"name_beyond_ascii":            change(`"site"`, `"sité"`),
		"name_too_long":                change(`"site"`, `"`+strings.Repeat("x", 101)+`"`),
		"no_page":                      change(`https://github.com/acme/site`, ""),
		"page_without_a_host":          change(`https://github.com/acme/site`, "/acme/site"),
		"page_that_is_no_url":          change(`https://github.com/acme/site`, "https://[::1"),
		"installation_of_another_type": change(`{"repository"`, `{"installation":{"id":"1"},"repository"`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := decode(event("public", []byte(body))); err == nil {
				t.Errorf("got %+v, want an error", got)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	got := Target{Host: "github.acme.com", Owner: "acme", Name: "site", ID: 7}.Ref()
	want := remedy.Ref{Type: "GitHub::Repository", ID: "github.acme.com/acme/site", Account: "acme"}
	if diff := cmp.Diff(want, got); diff != "" {
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
		targets, err := decode(event("public", detail))
		if err != nil {
			return
		}
		if len(targets) != 1 {
			t.Fatalf("got %d targets", len(targets))
		}
		for _, part := range []string{targets[0].Owner, targets[0].Name} {
			if !reponame.Valid(part) || strings.ContainsAny(part, "/?#%\\ ") {
				t.Errorf("%q passed for a name", part)
			}
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
	raw, err := os.ReadFile(samples + "publicized.json")
	if err != nil {
		b.Fatal(err)
	}
	ev, s, p := event("repository.publicized", raw), State{Owner: "acme", Name: "site", Visibility: public}, Defaults()
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil || len(check(targets[0], s, p)) != 1 {
			b.Fatal(err)
		}
	}
}
