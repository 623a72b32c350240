// Package pattern matches names against the patterns of a policy: * stands for
// any characters, slashes among them, ? for one, [a-z] for one of a range.
package pattern

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// flat takes out the one character that path.Match treats in a way of its own:
// names of repositories, secrets and roles hold slashes that part nothing here.
func flat(s string) string { return strings.ReplaceAll(s, "/", "\x00") }

// Match reports whether a pattern matches all of the name. A malformed pattern
// matches nothing.
func Match(pattern, name string) bool {
	ok, err := path.Match(flat(pattern), flat(name))
	return ok && err == nil
}

// Any reports whether one of the patterns matches the name.
func Any(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return Match(p, name) })
}

// Fits reports whether a name is as the patterns ask. Without patterns every
// name is, else the empty one is not.
func Fits(patterns []string, name string) bool {
	return len(patterns) == 0 || name != "" && Any(patterns, name)
}

// Valid reports what is wrong with a pattern, or nil.
func Valid(pattern string) error {
	_, err := path.Match(flat(pattern), "")
	return err
}

// Check reports the first of a parameter's patterns that is empty or malformed.
func Check(param string, patterns []string) error {
	for i, p := range patterns {
		if p == "" {
			return fmt.Errorf("%s[%d] is empty: give a name or a pattern", param, i)
		}
		if err := Valid(p); err != nil {
			return fmt.Errorf("%s[%d]: pattern %q: %w", param, i, p, err)
		}
	}
	return nil
}

// FirstName gives the first pattern that can only mean one name, or else.
func FirstName(patterns []string, or string) string {
	for _, p := range patterns {
		if !strings.ContainsAny(p, `*?[\`) {
			return p
		}
	}
	return or
}
