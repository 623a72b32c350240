// Package sharing is what functions have in common that take back what is
// shared with other accounts.
package sharing

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// ValidateAccounts reports the first entry of the parameter param that is not
// an AWS account id.
func ValidateAccounts(param string, accounts []string) error {
	for _, a := range accounts {
		if len(a) != 12 || strings.Trim(a, "0123456789") != "" {
			return fmt.Errorf("%s: %q is not an AWS account id of twelve digits", param, a)
		}
	}
	return nil
}

// Lacking gives the entries of list that other lacks, sorted, each once, in
// parts of at most size.
func Lacking(list, other []string, size int) iter.Seq[[]string] {
	left := slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
	slices.Sort(left)
	return slices.Chunk(slices.Compact(left), size)
}
