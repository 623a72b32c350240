package pattern_test

import (
	"strings"
	"testing"

	"github.com/ebb-ops/ebb/pkg/pattern"
)

func TestFits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		patterns, name string
		want           bool
	}{
		{"", "anything", true},
		{"", "", true},
		{"acme-*", "acme-logs", true},
		{"acme-*", "evil-acme-logs", false},
		{"acme-?", "acme-12", false},
		{"old new", "new", true},
		{"*", "", false},
		{"key/*", "key/a/b", true},
		{"acme-[", "acme-[", false},
	} {
		if got := pattern.Fits(strings.Fields(tt.patterns), tt.name); got != tt.want {
			t.Errorf("Fits(%q, %q) = %v, want %v", tt.patterns, tt.name, got, tt.want)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		patterns []string
		want     string
	}{
		"none":        {nil, ""},
		"patterns":    {[]string{"www.example.com", "site-*", "[a-c]?", "prod/*"}, ""},
		"empty":       {[]string{"a", ""}, "allowed[1] is empty"},
		"bad pattern": {[]string{"[a"}, `allowed[0]: pattern "[a": syntax error in pattern`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := pattern.Check("allowed", c.patterns)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("Check = %v, want %q", err, c.want)
			}
		})
	}
}

func TestAny(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		patterns []string
		want     bool
	}{
		"none":          {nil, false},
		"the name":      {[]string{"x", "a/www"}, true},
		"stars":         {[]string{"a/w*"}, true},
		"across":        {[]string{"a*w"}, true},
		"one character": {[]string{"a/w?w"}, true},
		"a slash":       {[]string{"a?www"}, true},
		"a range":       {[]string{"a/[u-w]ww"}, true},
		"its beginning": {[]string{"a/ww"}, false},
		"other case":    {[]string{"A/WWW"}, false},
		"no pattern":    {[]string{"[a"}, false},
		"empty":         {[]string{""}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := pattern.Any(c.patterns, "a/www"); got != c.want {
				t.Errorf("Any(%q, a/www) = %v, want %v", c.patterns, got, c.want)
			}
		})
	}
}

func TestFirstName(t *testing.T) {
	t.Parallel()
	for patterns, want := range map[string]string{"": "or", "a-* b? c[d] e": "e", "a-*": "or", "a b": "a"} {
		if got := pattern.FirstName(strings.Fields(patterns), "or"); got != want {
			t.Errorf("FirstName(%q) = %q, want %q", patterns, got, want)
		}
	}
}
