package githubrepositoryvisibility

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func site(visibility string) State {
	return State{Owner: "acme", Name: "site", Visibility: visibility, Topics: []string{"web"}}
}

func allowing(patterns ...string) Params { return Params{AllowedPublic: patterns, Fallback: private} }

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		state  State
		params Params
		bad    bool
	}{
		{"private", site(private), Defaults(), false},
		{"internal", site(internal), Defaults(), false},
		{"public", site(public), Defaults(), true},
		{"archived_public", State{Owner: "acme", Name: "site", Visibility: public, Archived: true}, Defaults(), true},
		{"public_fork", State{Owner: "acme", Name: "site", Visibility: public, Fork: true}, Defaults(), true},
		{"allowed_by_name", site(public), allowing("acme/site"), false},
		{"allowed_in_another_case", site(public), allowing("Acme/SITE"), false},
		{"allowed_by_pattern", site(public), allowing("acme/*"), false},
		{"allowed_by_the_second_pattern", site(public), allowing("acme/docs", "*/s?te"), false},
		{"another_owner", site(public), allowing("other/*"), true},
		{"a_name_that_only_begins_so", site(public), allowing("acme/sit"), true},
		{"a_star_is_no_path", site(public), allowing("*"), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var want []remedy.Violation
			if tt.bad {
				want = []remedy.Violation{{Rule: "public-repository", Message: "The repository acme/site is public, and no pattern of allowed_public covers it."}}
				if tt.state.Fork {
					want[0].Message += " It is a fork: GitHub keeps forks of public repositories public, so only its owner can remove it."
				}
			}
			if diff := cmp.Diff(want, check(Target{}, tt.state, tt.params)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRepair(t *testing.T) {
	t.Parallel()
	known := func(visibility string) remedy.Baseline[State] {
		return remedy.Baseline[State]{State: site(visibility), Known: true}
	}
	toInternal := Params{Fallback: internal}
	for _, tt := range []struct {
		name   string
		state  State
		base   remedy.Baseline[State]
		params Params
		want   State
	}{
		{"nothing_known", site(public), remedy.Baseline[State]{}, Defaults(), site(private)},
		{"nothing_known_internal_fallback", site(public), remedy.Baseline[State]{}, toInternal, site(internal)},
		{"was_internal", site(public), known(internal), Defaults(), site(internal)},
		{"was_private", site(public), known(private), toInternal, site(private)},
		{"was_public_while_that_was_allowed", site(public), known(public), Defaults(), site(private)},
		{"compliant_stays", site(internal), known(private), Defaults(), site(internal)},
		{"allowed_stays", site(public), known(private), allowing("acme/site"), site(public)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, repair(Target{}, tt.state, tt.base, tt.params)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	other := State{Owner: "acme", Name: "old", Visibility: public, Archived: true}
	for _, tt := range []struct {
		name     string
		from, to State
		want     []Change
	}{
		{"same", site(public), site(public), nil},
		{"only_what_is_read_differs", site(public), other, nil},
		{"visibility", site(public), site(private), []Change{{Owner: "acme", Repo: "site", Visibility: private}}},
		{"undo", site(private), site(public), []Change{{Owner: "acme", Repo: "site", Visibility: public}}},
		{"under_the_live_name", site(private), other, []Change{{Owner: "acme", Repo: "site", Visibility: public}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, diff(Target{}, tt.from, tt.to)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRepairIsCompliantAndDiffLeadsThere(t *testing.T) {
	t.Parallel()
	visibility := rapid.SampledFrom([]string{public, private, internal})
	state := rapid.Custom(func(t *rapid.T) State {
		return State{
			Owner: rapid.SampledFrom([]string{"acme", "Acme", "other"}).Draw(t, "owner"), Name: rapid.SampledFrom([]string{"site", "docs"}).Draw(t, "name"),
			Visibility: visibility.Draw(t, "visibility"), Archived: rapid.Bool().Draw(t, "archived"), Fork: rapid.Bool().Draw(t, "fork"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		s := state.Draw(t, "live")
		base := remedy.Baseline[State]{State: state.Draw(t, "baseline"), Known: rapid.Bool().Draw(t, "known")}
		p := Params{
			AllowedPublic: rapid.SliceOf(rapid.SampledFrom([]string{"acme/site", "*/docs", "other/*"})).Draw(t, "allowed"),
			Fallback:      rapid.SampledFrom([]string{private, internal}).Draw(t, "fallback"),
		}
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		repaired := repair(Target{}, s, base, p)
		if left := check(Target{}, repaired, p); len(left) > 0 {
			t.Fatalf("repaired to %+v, which still breaks %v", repaired, left)
		}
		if len(check(Target{}, s, p)) == 0 && !cmp.Equal(s, repaired) {
			t.Fatalf("a compliant state was repaired to %+v", repaired)
		}
		model := s
		for _, c := range diff(Target{}, s, repaired) {
			if c.Owner != model.Owner || c.Repo != model.Name {
				t.Fatalf("%+v is another repository", c)
			}
			model.Visibility = c.Visibility
		}
		if !cmp.Equal(model, repaired) {
			t.Fatalf("the changes lead to %+v, want %+v", model, repaired)
		}
	})
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		params Params
		err    string
	}{
		{"defaults", Defaults(), ""},
		{"patterns", allowing("acme/*", "*/docs-[a-z]"), ""},
		{"internal_fallback", Params{Fallback: internal}, ""},
		{"public_fallback", Params{Fallback: public}, `fallback: "public"`},
		{"no_fallback", Params{}, `fallback: ""`},
		{"broken_pattern", allowing("acme/[a"), `allowed_public: "acme/[a"`},
		{"no_owner", allowing("site"), `"site" is not like owner/name`},
		{"empty_half", allowing("acme/"), `"acme/" is not like owner/name`},
		{"too_many_parts", allowing("acme/site/x"), `"acme/site/x" is not like owner/name`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.params.Validate()
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("got %v, want %q", err, tt.err)
			}
		})
	}
}

func TestResourceTags(t *testing.T) {
	t.Parallel()
	got := State{Topics: []string{"web", "open-source"}}.ResourceTags()
	if diff := cmp.Diff(map[string]string{"web": "", "open-source": ""}, got); diff != "" {
		t.Error(diff)
	}
}
