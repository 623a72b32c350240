package reponame_test

import (
	"strings"
	"testing"

	"github.com/ebb-ops/ebb/pkg/reponame"
)

func TestValid(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"acme": true, "Acme-2_x.y": true, "...": true, strings.Repeat("x", 100): true,
		"": false, ".": false, "..": false, "a/b": false, "a?b": false, "a%2e": false, "a\n": false, "é": false,
		strings.Repeat("x", 101): false,
	} {
		if got := reponame.Valid(name); got != want {
			t.Errorf("Valid(%q) = %v", name, got)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		check    func([]string) error
		patterns []string
		want     string // part of the error
	}{
		"none":                {reponame.Check, nil, ""},
		"repositories":        {reponame.Check, []string{"acme/*", "*/docs-[a-z]"}, ""},
		"second_is_broken":    {reponame.Check, []string{"acme/*", "acme/[a"}, `"acme/[a": syntax error`},
		"no_owner":            {reponame.Check, []string{"site"}, `"site" is not like owner/name`},
		"empty_half":          {reponame.Check, []string{"/site"}, `"/site" is not like owner/name`},
		"too_many_halves":     {reponame.Check, []string{"a/b/c"}, `"a/b/c" is not like owner/name`},
		"owners":              {reponame.CheckOwners, []string{"acme", "team-*"}, ""},
		"broken_owner":        {reponame.CheckOwners, []string{"[a"}, `"[a": syntax error`},
		"repository_as_owner": {reponame.CheckOwners, []string{"acme/site"}, `"acme/site" is not the name of an owner`},
		"empty_owner":         {reponame.CheckOwners, []string{""}, `"" is not the name of an owner`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.check(tt.patterns)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"acme/site", "acme/site", true},
		{"Acme/SITE", "aCme/site", true},
		{"*/s?te", "acme/site", true},
		{"acme/sit", "acme/site", false},
		{"*", "acme/site", false}, // a star is no path
		{"team-*", "Team-red", true},
		{"[a", "a", false},
	} {
		if got := reponame.Match([]string{"none/such", tt.pattern}, tt.name); got != tt.want {
			t.Errorf("%s on %s: %v", tt.pattern, tt.name, got)
		}
	}
}
