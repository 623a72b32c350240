// Package pattern matches names against the patterns of a policy: * stands for
// any characters but a slash, ? for one, [a-z] for one of a range.
package pattern

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Validate reports the first pattern that is empty or malformed, or that does
// not begin with prefix. param is the parameter's name, like an example of a pattern.
func Validate(param, prefix, like string, patterns []string) error {
	for _, p := range patterns {
		if _, err := path.Match(p, ""); err != nil || p == "" || !strings.HasPrefix(p, prefix) {
			return fmt.Errorf("%s: %q is not a pattern such as %s", param, p, like)
		}
	}
	return nil
}

// Fits reports whether a name matches one of the patterns. Without patterns
// every name does, else the empty one does not. Patterns that Validate refuses
// match nothing.
func Fits(patterns []string, name string) bool {
	return len(patterns) == 0 || name != "" && slices.ContainsFunc(patterns, func(p string) bool {
		ok, _ := path.Match(p, name)
		return ok
	})
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
