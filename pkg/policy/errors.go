package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Error is one problem in a policy file.
type Error struct {
	File    string
	Line    int // from 1; 0 when the problem has no place
	Column  int // in characters, from 1
	Message string
}

// Error gives "policy.yaml:12:5: what is wrong".
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// The bounds of what is reported of one file.
const (
	MaxProblems = 100 // problems
	MaxMessage  = 500 // bytes of one problem's message, which may quote the file
)

// problems collects what is wrong with a file.
type problems struct {
	file string
	all  []*Error
}

func (p *problems) add(line, column int, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if len(message) > MaxMessage {
		message = strings.ToValidUTF8(message[:MaxMessage], "") + "…"
	}
	p.all = append(p.all, &Error{p.file, line, column, message})
}

// err joins the problems in the order of the file; nil when there are none.
func (p *problems) err() error {
	slices.SortStableFunc(p.all, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	var errs []error
	for i, e := range p.all {
		if i == MaxProblems {
			errs = append(errs, &Error{File: p.file, Message: fmt.Sprintf("%d more problems are not shown", len(p.all)-i)})
			break
		}
		errs = append(errs, e)
	}
	return errors.Join(errs...)
}

// suggest gives ": did you mean …?" for the known word nearest to one that is
// not known, or "" when none is near.
func suggest(word string, known []string) string {
	best, least := "", 2+len(word)/4
	if len(word) > maxSuggest {
		return ""
	}
	for _, k := range known {
		if n := distance(word, k); n < least {
			best, least = k, n
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(": did you mean %q?", best)
}

// maxSuggest is the length in bytes past which no word is a typo of a known one.
const maxSuggest = 100

// distance is how many bytes must be added, removed or replaced to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
