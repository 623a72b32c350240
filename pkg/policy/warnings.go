package policy

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// ExpiresSoon is how long before its end an exemption is warned of.
const ExpiresSoon = 14 * 24 * time.Hour

// warn fills in the warnings, in the order of the file.
func (p *Policy) warn(file string, now time.Time) {
	var found problems
	found.file = file
	for _, x := range p.exemptions {
		if x.Function != "" && p.functions[x.Function] == nil {
			continue // another host's
		}
		switch until := x.Expires.UTC().Format(time.RFC3339); {
		case !now.Before(x.Expires):
			found.add(x.line, x.column, "exemption %s expired at %s and no longer applies: remove it, or decide anew", x.ID, until)
		case x.Expires.Sub(now) <= ExpiresSoon:
			found.add(x.line, x.column, "exemption %s expires soon, at %s: its owner is %s", x.ID, until, x.Owner)
		}
	}
	for _, f := range p.functions {
		for i, s := range f.scopes {
			for _, earlier := range f.scopes[:i] {
				if earlier.shadows(s) {
					found.add(s.line, s.column, "scope %s can never match: scope %s before it matches all of it",
						s.decision.Scope, earlier.decision.Scope)
					break
				}
			}
		}
	}
	slices.SortFunc(found.all, func(a, b *Error) int { return cmp.Compare(a.Line, b.Line) })
	for _, w := range found.all {
		p.warnings = append(p.warnings, fmt.Sprint(w))
	}
}

// shadows reports whether s plainly matches all that the other does. It
// compares patterns as text, so it misses cleverer overlaps.
func (s scope) shadows(other scope) bool {
	return holds(s.accounts, other.accounts) && holds(s.regions, other.regions) && holds(s.resources, other.resources)
}

func holds(outer, inner []glob) bool {
	if len(outer) == 0 || slices.ContainsFunc(outer, glob.isEverything) {
		return true
	}
	return len(inner) > 0 && !slices.ContainsFunc(inner, func(g glob) bool { return !slices.Contains(outer, g) })
}
