package policy

import (
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// reference matches the slow and obvious way.
func reference(pattern, s string) bool {
	expr := regexp.QuoteMeta(pattern)
	expr = strings.ReplaceAll(expr, `\*`, `.*`)
	expr = strings.ReplaceAll(expr, `\?`, `.`)
	return regexp.MustCompile(`(?s)\A` + expr + `\z`).MatchString(s)
}

func TestGlobMatchesReference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringOf(rapid.SampledFrom([]rune("ab*?é\n"))).Draw(t, "pattern")
		s := rapid.StringOf(rapid.SampledFrom([]rune("abé\n*?"))).Draw(t, "s")
		if got, want := newGlob(pattern).match(s), reference(pattern, s); got != want {
			t.Errorf("%q on %q: got %t, want %t", pattern, s, got, want)
		}
	})
}

// A pattern made from a string by hiding parts of it matches the string.
func TestGlobMatchesWhatItWasMadeFrom(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var pattern, s strings.Builder
		for range rapid.IntRange(0, 8).Draw(t, "parts") {
			part := rapid.StringMatching(`[a-cé:]{0,3}`).Draw(t, "part")
			s.WriteString(part)
			switch rapid.IntRange(0, 2).Draw(t, "hide") {
			case 0:
				pattern.WriteString(part)
			case 1:
				pattern.WriteString("*")
			case 2:
				pattern.WriteString(strings.Repeat("?", len([]rune(part))))
			}
		}
		if !newGlob(pattern.String()).match(s.String()) {
			t.Errorf("%q does not match %q", pattern.String(), s.String())
		}
	})
}

// The text before the first wildcard and after the last must not overlap.
func TestGlobEndsDoNotOverlap(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern, s string
		want       bool
	}{
		{"ab*ba", "aba", false},
		{"ab*ba", "abba", true},
		{"a*a", "a", false},
		{"a?a", "aa", false},
		{"é*é", "é", false},
		{"a*", "a", true},
		{"*", "", true},
		{"?", "", false},
		{"", "", true},
		{"", "a", false},
	} {
		if got := newGlob(tc.pattern).match(tc.s); got != tc.want {
			t.Errorf("%q on %q: got %t, want %t", tc.pattern, tc.s, got, tc.want)
		}
	}
}

func TestGlobIsNotExponential(t *testing.T) {
	t.Parallel()
	start := time.Now()
	if newGlob(strings.Repeat("*a", 500) + "*b").match(strings.Repeat("a", 5000)) {
		t.Error("matches without a b")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
}

func FuzzGlob(f *testing.F) {
	f.Add("arn:aws:s3:::*", "arn:aws:s3:::site")
	f.Add("a?c*", "aéc")
	f.Add("**", "")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		got := newGlob(pattern).match(s)
		if !utf8.ValidString(pattern) || !utf8.ValidString(s) {
			return // the file is UTF-8; of other strings only a panic would be wrong
		}
		if want := reference(pattern, s); got != want {
			t.Errorf("%q on %q: got %t, want %t", pattern, s, got, want)
		}
	})
}
