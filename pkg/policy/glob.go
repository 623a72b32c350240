package policy

import (
	"strings"
	"unicode/utf8"
)

// wildcards of a glob: "*" stands for any characters, none included, "?" for
// exactly one. There is no escape.
const wildcards = "*?"

// glob is a pattern that matches a whole string, case and all.
type glob struct {
	text           string
	prefix, suffix string // before the first and after the last wildcard
	middle         string // the rest, wildcards at both ends; empty when there are none
}

func newGlob(text string) glob {
	first, last := strings.IndexAny(text, wildcards), strings.LastIndexAny(text, wildcards)
	if first < 0 {
		return glob{text: text, prefix: text}
	}
	return glob{text, text[:first], text[last+1:], text[first : last+1]}
}

// match reports whether the pattern matches s. Nearly all that does not match
// differs at an end already, so the ends are compared first.
func (g glob) match(s string) bool {
	if g.middle == "" {
		return s == g.text
	}
	return len(s) >= len(g.prefix)+len(g.suffix) &&
		strings.HasSuffix(s, g.suffix) && strings.HasPrefix(s, g.prefix) &&
		matchAll(g.middle, s[len(g.prefix):len(s)-len(g.suffix)])
}

// matchAll matches all of s. A mismatch returns to the last star only, so the
// time is at most the product of the lengths.
func matchAll(p, s string) bool {
	star, mark := -1, 0 // where the last star is, and how much of s it leaves
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && p[i] == '?':
			i++
			j += width(s[j:])
		case i < len(p) && p[i] == s[j]:
			i++
			j++
		case star >= 0:
			mark += width(s[mark:])
			i, j = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(p[i:], "*") == ""
}

// width is the length of the first character of s in bytes.
func width(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// isEverything reports whether the pattern matches every string.
func (g glob) isEverything() bool { return g.text != "" && strings.Trim(g.text, "*") == "" }
