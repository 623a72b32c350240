// Package reponame is about the names that forges (GitHub, Gitea) give to
// repositories: which there can be, and patterns for them. Case never counts.
package reponame

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// maxName is the longest name of an owner or a repository, in bytes.
const maxName = 100

// Valid reports whether s can be an owner or a repository. It becomes part of a
// path, so nothing else may pass.
func Valid(s string) bool {
	return s != "" && len(s) <= maxName && s != "." && s != ".." && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	})
}

// Check reports the first of the patterns that is not like owner/name.
func Check(patterns []string) error {
	for _, pattern := range patterns {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("%q: %w", pattern, err)
		}
		if owner, name, ok := strings.Cut(pattern, "/"); !ok || owner == "" || name == "" || strings.Contains(name, "/") {
			return fmt.Errorf("%q is not like owner/name", pattern)
		}
	}
	return nil
}

// CheckOwners reports the first of the patterns that is none for an owner.
func CheckOwners(patterns []string) error {
	for _, pattern := range patterns {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("%q: %w", pattern, err)
		}
		if pattern == "" || strings.Contains(pattern, "/") {
			return fmt.Errorf("%q is not the name of an owner", pattern)
		}
	}
	return nil
}

// Match reports whether one of the patterns matches the name: owner/name or an
// owner, as the patterns are. In each half * stands for any characters, ? for
// one and [a-z] for one of a range.
func Match(patterns []string, name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(strings.ToLower(pattern), name)
		return ok && err == nil
	})
}

// Tags gives a repository's topics as tags without values, so that exemptions
// can name one.
func Tags(topics []string) map[string]string {
	tags := make(map[string]string, len(topics))
	for _, topic := range topics {
		tags[topic] = ""
	}
	return tags
}
