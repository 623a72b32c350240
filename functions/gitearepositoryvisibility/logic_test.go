package gitearepositoryvisibility

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// site is the repository of the tests.
func site(private bool) State {
	return State{Owner: "acme", Name: "site", OwnerVisibility: public, Private: private, Topics: []string{"web"}}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const message = "The repository acme/site is public, and no pattern of allowed_public covers it."
	with := func(edit func(*State)) State {
		s := site(false)
		edit(&s)
		return s
	}
	for name, tt := range map[string]struct {
		state  State
		params Params
		want   string
	}{
		"private":             {site(true), Defaults(), ""},
		"public":              {site(false), Defaults(), message},
		"archived":            {with(func(s *State) { s.Archived = true }), Defaults(), message},
		"mirror":              {with(func(s *State) { s.Mirror = true }), Defaults(), message},
		"fork":                {with(func(s *State) { s.Fork = true }), Defaults(), message + " It is a fork: Gitea keeps it as visible as the repository that it was forked from."},
		"of a limited owner":  {with(func(s *State) { s.OwnerVisibility = "limited" }), Defaults(), ""},
		"of a private owner":  {with(func(s *State) { s.OwnerVisibility = "private" }), Defaults(), ""},
		"allowed":             {site(false), Params{AllowedPublic: []string{"acme/docs", "Acme/*"}}, ""},
		"another is allowed":  {site(false), Params{AllowedPublic: []string{"acme/docs", "other/*"}}, message},
		"watched":             {site(false), Params{Owners: []string{"other", "AC*"}}, message},
		"not watched":         {site(false), Params{Owners: []string{"other"}}, ""},
		"watched and allowed": {site(false), Params{Owners: []string{"acme"}, AllowedPublic: []string{"acme/site"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want []remedy.Violation
			if tt.want != "" {
				want = []remedy.Violation{{Rule: "public-repository", Message: tt.want}}
			}
			if diff := cmp.Diff(want, check(Target{}, tt.state, tt.params)); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRepair_is_compliant_and_diff_leads_there(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
		live := State{
			Owner: draw("owner", "acme", "Acme", "other"), Name: draw("name", "site", "docs"), OwnerVisibility: draw("visibility", "public", "limited", "private"),
			Private: rapid.Bool().Draw(t, "private"), Archived: rapid.Bool().Draw(t, "archived"), Fork: rapid.Bool().Draw(t, "fork"),
		}
		p := Params{
			Owners:        rapid.SliceOf(rapid.SampledFrom([]string{"acme", "oth*"})).Draw(t, "owners"),
			AllowedPublic: rapid.SliceOf(rapid.SampledFrom([]string{"acme/site", "*/docs"})).Draw(t, "allowed"),
		}
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		want := live
		if len(check(Target{}, live, p)) > 0 {
			want.Private = true
		}
		got := repair(Target{}, live, remedy.Baseline[State]{}, p)
		if !cmp.Equal(want, got) || len(check(Target{}, got, p)) > 0 {
			t.Fatalf("repaired to %+v, want %+v", got, want)
		}
		for _, c := range diff(Target{}, live, got) {
			if c.Owner != live.Owner || c.Repo != live.Name {
				t.Fatalf("%+v is another repository", c)
			}
			live.Private = c.Private
		}
		if !cmp.Equal(live, got) {
			t.Fatalf("the changes lead to %+v, want %+v", live, got)
		}
	})
}

func TestDiff(t *testing.T) {
	t.Parallel()
	renamed := State{Owner: "other", Name: "old", OwnerVisibility: "limited", Archived: true}
	for name, tt := range map[string]struct {
		from, to State
		want     []Change
	}{
		"same":                             {site(true), site(true), nil},
		"only what is merely read differs": {site(false), renamed, nil},
		"to private":                       {site(false), site(true), []Change{{"acme", "site", true}}},
		"undo, under the live name":        {site(true), renamed, []Change{{"acme", "site", false}}},
	} {
		if diff := cmp.Diff(tt.want, diff(Target{}, tt.from, tt.to)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]Params{
		"":                              Defaults(),
		`owners: "acme/site"`:           {Owners: []string{"acme/site"}},
		`allowed_public: "site" is not`: {AllowedPublic: []string{"site"}},
	} {
		err := p.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+v: %v, want %q", p, err, want)
		}
	}
}
