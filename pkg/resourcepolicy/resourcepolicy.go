// Package resourcepolicy is what functions share whose resource's setting is one
// policy document: a queue's, a topic's, a bucket's. Statements at fault are taken
// out of it, or what was overwritten comes back.
package resourcepolicy

import (
	"fmt"
	"strings"

	"github.com/ebb-ops/ebb/pkg/pattern"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is a resource's policy, byte for byte, and its tags. Two states are the
// same when their policies are equivalent.
type State struct {
	Policy policydoc.Document `json:"policy,omitzero"` // zero when the resource has none
	Tags   map[string]string  `json:"tags,omitempty"`  // only read: exemptions may name them
}

// ResourceTags gives the resource's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

// Judge says what breaks the policy in one resource's document.
type Judge struct {
	policydoc.Judge
	Open  bool               // the resource may be open to everybody: nothing is judged
	Empty policydoc.Document // what stands where no statement is left; zero for no policy
}

// Check gives a violation for each statement at fault, in the order of the policy.
// what names the resource whose policy it is.
func (j Judge) Check(what string, s State) []remedy.Violation {
	if j.Open {
		return nil
	}
	var out []remedy.Violation
	for i, st := range s.Policy.Statements {
		fault, why := j.Statement(st)
		if fault == policydoc.Fine {
			continue
		}
		out = append(out, remedy.Violation{
			Rule:    string(fault),
			Part:    label(st, i),
			Message: fmt.Sprintf("Statement %s (%s) of the policy of %s %s.", label(st, i), actions(st), what, why),
		})
	}
	return out
}

// label names a statement: its Sid, else its number from 1.
func label(st policydoc.Statement, index int) string {
	if st.Sid != "" {
		return st.Sid
	}
	return fmt.Sprintf("#%d", index+1)
}

func actions(st policydoc.Statement) string {
	list := strings.Join(st.Actions, ", ")
	if st.NotAction {
		return "all actions but " + list
	}
	return list
}

// Repair takes the statements at fault out and keeps all others, each byte of
// them. But a put replaces the whole document: where a statement of the
// baseline is missing from the live policy, the change has overwritten
// something good, and the baseline comes back as it was. New statements that
// came with such a change go with it; they are in the record's before-image.
func (j Judge) Repair(live State, base remedy.Baseline[State]) State {
	if j.Open {
		return live
	}
	want := State{Policy: j.good(live.Policy), Tags: live.Tags}
	if base.Known {
		// The baseline was compliant when it was taken, under the parameters of
		// that day: what is at fault in it today does not come back.
		good := j.good(base.State.Policy)
		if !live.Policy.Holds(good) || want.Policy.Equivalent(good) {
			want.Policy = good
		}
	}
	if want.Policy.IsZero() {
		want.Policy = j.Empty
	}
	return want
}

func (j Judge) good(d policydoc.Document) policydoc.Document {
	return d.Without(func(i int) bool {
		fault, _ := j.Statement(d.Statements[i])
		return fault != policydoc.Fine
	})
}

// Rule gives the pure half of a function. judge says how a resource is judged,
// and call how a policy, zero for none, is put on it.
func Rule[T remedy.Target, P any](
	decode func(remedy.Event) ([]T, error), judge func(T, P) Judge, call func(T, policydoc.Document) remedy.Call,
) remedy.Rule[T, State, Change, P] {
	return remedy.Rule[T, State, Change, P]{
		Decode: decode,
		Check:  func(t T, s State, p P) []remedy.Violation { return judge(t, p).Check(t.Ref().ID, s) },
		Repair: func(t T, live State, base remedy.Baseline[State], p P) State { return judge(t, p).Repair(live, base) },
		Diff: func(t T, from, to State) []Change {
			if from.Policy.Equivalent(to.Policy) {
				return nil
			}
			return []Change{{to.Policy, call(t, to.Policy)}}
		},
	}
}

// Change replaces a resource's whole policy. No service has a compare-and-set
// for it: a change that comes between the read and the call is lost, and its own
// event leads to the next read.
type Change struct {
	Policy policydoc.Document // zero for none
	call   remedy.Call
}

// Call gives the change as the API call that makes it.
func (c Change) Call() remedy.Call { return c.call }

// Names are patterns of the names of resources that may be open to everybody.
type Names []string

// Has reports whether a pattern matches the name.
func (n Names) Has(name string) bool { return pattern.Any(n, name) }

// Validate reports the first pattern that can't be used, of the parameter called so.
func (n Names) Validate(parameter string) error { return pattern.Check(parameter, n) }

// Params are the parameters that functions for such resources have in common.
type Params struct {
	Allowed policydoc.Allowed `json:"allowed,omitzero" jsonschema:"whom policies may let in beside the account of the resource. An empty list means that what it is about is not judged, and only public statements are"`
	Bound   []string          `json:"bound_services,omitempty" jsonschema:"patterns of services that a statement may let in only with a condition that says for which resource or account they act, such as aws:SourceArn or aws:SourceAccount. Without one such a service acts for any AWS customer"`
}

// Validate reports the first parameter that can't be used.
func (p Params) Validate() error {
	if err := p.Allowed.Validate(); err != nil {
		return fmt.Errorf("allowed.%w", err)
	}
	if err := policydoc.ValidateBound(p.Bound); err != nil {
		return fmt.Errorf("bound_services%w", err)
	}
	return nil
}

// Judge gives the judge for a resource in this account, which may be open.
func (p Params) Judge(account string, open bool) Judge {
	return Judge{Judge: policydoc.Judge{Account: account, Allowed: p.Allowed, Bound: p.Bound}, Open: open}
}
