package bucketname_test

import (
	"strings"
	"testing"

	"github.com/ebb-ops/ebb/pkg/bucketname"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		patterns []string
		want     string
	}{
		"none":        {nil, ""},
		"patterns":    {[]string{"www.example.com", "site-*", "[a-c]?"}, ""},
		"empty":       {[]string{"a", ""}, "allowed_buckets[1] is empty"},
		"bad pattern": {[]string{"[a"}, `allowed_buckets[0]: pattern "[a": syntax error in pattern`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := bucketname.Check("allowed_buckets", c.patterns)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("Check = %v, want %q", err, c.want)
			}
		})
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		patterns []string
		want     bool
	}{
		"none":          {nil, false},
		"the name":      {[]string{"x", "www"}, true},
		"stars":         {[]string{"w*"}, true},
		"one character": {[]string{"w?w"}, true},
		"a range":       {[]string{"[u-w]ww"}, true},
		"its beginning": {[]string{"ww"}, false},
		"other case":    {[]string{"WWW"}, false},
		"no pattern":    {[]string{"[w"}, false},
		"empty":         {[]string{""}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := bucketname.Match(c.patterns, "www"); got != c.want {
				t.Errorf("Match(%q, www) = %v, want %v", c.patterns, got, c.want)
			}
		})
	}
}
