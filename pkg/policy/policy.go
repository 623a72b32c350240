// Package policy reads policy.yaml: which functions act where, with which
// parameters and caps, and what is exempt from them.
package policy

import (
	"maps"
	"slices"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// What holds where the file says nothing.
const (
	// DefaultMode records what would be done and changes nothing.
	DefaultMode = remedy.Observe
	// DefaultUndoHold is how long an undone resource is left alone.
	DefaultUndoHold = 24 * time.Hour
	// DefaultTracedNoops is the share of no-ops whose trace is exported.
	DefaultTracedNoops = 0.05
)

// DefaultBlast gives the cap on one function's reverts in one account.
func DefaultBlast() remedy.Cap { return remedy.Cap{Limit: 20, Window: 10 * time.Minute} }

// DefaultFight gives the cap on the reverts of one resource.
func DefaultFight() remedy.Cap { return remedy.Cap{Limit: 3, Window: time.Hour} }

// Policy is a policy file that has been read and checked. It is immutable and
// safe for concurrent use, and implements [remedy.Policy].
type Policy struct {
	functions  map[string]*function
	exemptions []exemption            // in the file's order
	byFunction map[string][]exemption // of each known function: those that may cover it, in the file's order
	noops      float64                // see TracedNoops
	warnings   []string
}

var _ remedy.Policy = (*Policy)(nil)

// function is what the policy says of one function.
type function struct {
	base   remedy.Decision
	scopes []scope
}

// scope is one part of the world in which a function is treated differently.
type scope struct {
	accounts, regions, resources []glob
	decision                     remedy.Decision
	line, column                 int
}

// Default gives the policy that holds when there is no file: every function
// observes, with its default parameters and safe caps.
func Default(functions []remedy.Function) *Policy {
	p := &Policy{functions: map[string]*function{}, noops: DefaultTracedNoops}
	for _, f := range functions {
		d := defaults()
		d.Params = f.Params
		p.functions[f.Name] = &function{base: d}
	}
	return p
}

func defaults() remedy.Decision {
	return remedy.Decision{Mode: DefaultMode, Blast: DefaultBlast(), Fight: DefaultFight(), UndoHold: DefaultUndoHold}
}

// Decide gives what holds when the function handles an event about r: the
// first scope that matches r, else the function's own settings. A function
// that the policy was not loaded with is off.
func (p *Policy) Decide(name string, r remedy.Ref) remedy.Decision {
	f := p.functions[name]
	if f == nil {
		return remedy.Decision{Mode: remedy.Off}
	}
	for i := range f.scopes {
		if f.scopes[i].matches(r) {
			return f.scopes[i].decision
		}
	}
	return f.base
}

func (s *scope) matches(r remedy.Ref) bool {
	return anyMatches(s.accounts, r.Account) && anyMatches(s.regions, r.Region) && anyMatches(s.resources, r.ID)
}

// anyMatches reports whether one of the patterns matches; a list that is not
// given does not narrow.
func anyMatches(patterns []glob, s string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(g glob) bool { return g.match(s) })
}

// TracedNoops gives the share, from 0 to 1, of the events that led to nothing
// whose trace is exported. Traces of what left a record always are.
func (p *Policy) TracedNoops() float64 { return p.noops }

// Warnings gives what is allowed but probably not meant, each with its place
// in the file: exemptions that have expired or soon will, scopes that can
// never match. They are as of the time the policy was loaded.
func (p *Policy) Warnings() []string { return slices.Clone(p.warnings) }

// Description is what the policy says of one function, for people.
type Description struct {
	Function   string
	Decision   remedy.Decision // where no scope matches
	Scopes     []ScopeDescription
	Exemptions []remedy.Exemption // that may cover the function, expired ones included
}

// ScopeDescription is one scope of a function. Lists that are not given are empty.
type ScopeDescription struct {
	Accounts, Regions, Resources []string
	Decision                     remedy.Decision // its Scope is the scope's name
}

// Describe gives what the policy says of a function, scopes in the order in
// which they are tried; false when the policy was not loaded with it.
func (p *Policy) Describe(name string) (Description, bool) {
	f := p.functions[name]
	if f == nil {
		return Description{}, false
	}
	d := Description{Function: name, Decision: f.base}
	for _, s := range f.scopes {
		d.Scopes = append(d.Scopes, ScopeDescription{texts(s.accounts), texts(s.regions), texts(s.resources), s.decision})
	}
	for _, x := range p.byFunction[name] {
		d.Exemptions = append(d.Exemptions, x.Exemption)
	}
	return d, true
}

// Functions gives the names of the functions that the policy was loaded with, sorted.
func (p *Policy) Functions() []string { return slices.Sorted(maps.Keys(p.functions)) }

func texts(gs []glob) []string {
	var out []string
	for _, g := range gs {
		out = append(out, g.text)
	}
	return out
}
