// Package bucketname is about patterns for the names of buckets, as a policy
// has them.
package bucketname

import (
	"fmt"
	"path"
	"slices"
)

// Check reports the first of the patterns that can't be used, by its place in
// the list that field names.
func Check(field string, patterns []string) error {
	for i, pattern := range patterns {
		if pattern == "" {
			return fmt.Errorf("%s[%d] is empty: give a bucket's name or a pattern", field, i)
		}
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("%s[%d]: pattern %q: %w", field, i, pattern, err)
		}
	}
	return nil
}

// Match reports whether one of the patterns matches the name: * stands for any
// characters, ? for one and [a-z] for one of a range.
func Match(patterns []string, bucket string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, bucket)
		return ok && err == nil
	})
}
