package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Overlay is a policy with what operators decided beside it for a time. It is
// safe for concurrent use and implements [remedy.Policy].
//
// The policy file stays the truth: an override ends by itself, an exemption of
// the file is found first, and a mode that raises a function leaves the file's
// scopes as they are. One that lowers it holds in its scopes too.
type Overlay struct {
	*Policy
	now     func() time.Time
	current atomic.Pointer[overrides]
}

var _ remedy.Policy = (*Overlay)(nil)

// overrides are prepared for being asked, newest first.
type overrides struct {
	modes      map[string][]remedy.Override
	exemptions []exemption
}

// NewOverlay gives an overlay of p without overrides. now is the clock that they end by.
func NewOverlay(p *Policy, now func() time.Time) *Overlay {
	o := &Overlay{Policy: p, now: now}
	o.current.Store(&overrides{})
	return o
}

// Set replaces the overrides. Those that no longer hold have no effect.
func (o *Overlay) Set(all []remedy.Override) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b remedy.Override) int { return b.Created.Compare(a.Created) })
	next := &overrides{modes: map[string][]remedy.Override{}}
	for _, v := range all {
		if !v.Holds(o.now()) {
			continue
		}
		if v.Exemption == nil {
			next.modes[v.Function] = append(next.modes[v.Function], v)
			continue
		}
		next.exemptions = append(next.exemptions, compile(*v.Exemption))
	}
	o.current.Store(next)
}

func compile(x remedy.Exemption) exemption {
	out := exemption{Exemption: x, resource: newGlob(x.Resource), account: newGlob(x.Account), actor: newGlob(x.Actor)}
	out.tagKey, out.tagValue = splitTag(x.Tag)
	return out
}

// Mode gives the override of a function's mode that holds now; nil when there is none.
func (o *Overlay) Mode(function string) *remedy.Override {
	for _, v := range o.current.Load().modes[function] {
		if v.Holds(o.now()) {
			return &v
		}
	}
	return nil
}

// Decide gives what the policy says, with the mode that an operator set.
func (o *Overlay) Decide(function string, r remedy.Ref) remedy.Decision {
	d := o.Policy.Decide(function, r)
	v := o.Mode(function)
	if v == nil || o.functions[function] == nil {
		return d
	}
	if d.Scope == "" || reach(v.Mode) < reach(d.Mode) {
		d.Mode = v.Mode
	}
	return d
}

// reach ranks the modes by how far they go.
func reach(m remedy.Mode) int {
	return slices.Index([]remedy.Mode{remedy.Off, remedy.Observe, remedy.Enforce}, m)
}

// Exempt gives the policy's exemption that covers q, else an operator's, or nil.
func (o *Overlay) Exempt(q remedy.ExemptionQuery) *remedy.Exemption {
	if x := o.Policy.Exempt(q); x != nil {
		return x
	}
	for _, x := range o.current.Load().exemptions {
		if x.covers(&q) {
			return &x.Exemption
		}
	}
	return nil
}

// Check says why an override can't be made, in a sentence with the next step.
func (o *Overlay) Check(v remedy.Override) error {
	now := o.now()
	switch {
	case o.functions[v.Function] == nil:
		return fmt.Errorf("there is no function %q: choose one of %s", v.Function, strings.Join(o.Functions(), ", "))
	case strings.TrimSpace(v.Reason) == "":
		return errors.New("the reason is missing: say why, for those who read the audit trail")
	case !v.Expires.After(now):
		return errors.New("the end lies in the past: choose a later one")
	case v.Expires.Sub(now) > remedy.MaxOverride:
		return fmt.Errorf("it would hold for more than %d days: choose an earlier end, or write it in the policy file, where others review it", remedy.MaxOverride/(24*time.Hour))
	case v.Exemption == nil && reach(v.Mode) < 0:
		return fmt.Errorf("there is no mode %q: choose off, observe or enforce", v.Mode)
	case v.Exemption == nil:
		return nil
	}
	x := v.Exemption
	if cmp.Or(x.Resource, x.Account, x.Tag, x.Actor) == "" {
		return errors.New("the exemption would cover every resource: name a resource, or set the function's mode to off")
	}
	for what, pattern := range map[string]string{"resource": x.Resource, "account": x.Account, "actor": x.Actor} {
		if newGlob(pattern).isEverything() {
			return fmt.Errorf("the %s %q would cover everything: name one, or set the function's mode to off", what, pattern)
		}
	}
	return nil
}
