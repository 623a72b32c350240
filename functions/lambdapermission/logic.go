package lambdapermission

import (
	"fmt"
	"slices"

	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is the permissions on a function, or on one version or alias of it, in the
// order of their ids, which are unique.
type State struct {
	Grants   []Grant           `json:"grants,omitempty"`
	Revision string            `json:"revision,omitempty"` // of the policy; Lambda assigns it
	Tags     map[string]string `json:"tags,omitempty"`     // the function's; only read
}

// ResourceTags gives the function's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

// fault gives what is wrong with a permission.
func fault(t Target, p Params, g Grant) (policydoc.Fault, string) {
	j := p.Judge(t.Account, p.AllowedFunctions.Has(t.Function))
	if j.Open {
		return policydoc.Fine, ""
	}
	return j.Statement(g.statement())
}

func check(t Target, s State, p Params) []remedy.Violation {
	var out []remedy.Violation
	for _, g := range s.Grants {
		if f, why := fault(t, p, g); f != policydoc.Fine {
			out = append(out, remedy.Violation{
				Rule: string(f), Part: g.ID,
				Message: fmt.Sprintf("Permission %s (%s) on function %s %s.", g.ID, g.Action, t, why),
			})
		}
	}
	return out
}

// repair takes the permissions at fault out. AddPermission refuses an id that is
// taken, so it has overwritten none, and whatever else the baseline has was removed
// by somebody: nothing of it comes back.
func repair(t Target, live State, _ remedy.Baseline[State], p Params) State {
	live.Grants = slices.DeleteFunc(slices.Clone(live.Grants), func(g Grant) bool {
		f, _ := fault(t, p, g)
		return f != policydoc.Fine
	})
	return live
}

// diff removes first: that is what ends the exposure, and what frees an id.
func diff(t Target, from, to State) []Change {
	var out []Change
	for _, g := range from.Grants {
		if !slices.Contains(to.Grants, g) {
			c := Change{Target: t, Grant: g, Remove: true}
			if len(out) == 0 {
				c.Revision = from.Revision // the next one's revision is not known yet
			}
			out = append(out, c)
		}
	}
	for _, g := range to.Grants {
		if !slices.Contains(from.Grants, g) {
			out = append(out, Change{Target: t, Grant: g})
		}
	}
	return out
}

// Change removes or adds one permission.
type Change struct {
	Target   Target
	Grant    Grant
	Remove   bool   // else it is added
	Revision string // of the policy that it is removed from; empty means that it must be looked up
}

// Call gives the change as the API call that makes it.
func (c Change) Call() remedy.Call {
	if c.Remove {
		return remedy.Call{API: "lambda:RemovePermission", Params: removal{c.Target.Function, c.Target.Qualifier, c.Grant.ID, c.Revision}}
	}
	return remedy.Call{API: "lambda:AddPermission", Params: addition{c.Target.Function, c.Target.Qualifier, c.Grant}}
}

type removal struct {
	Function  string `json:"FunctionName"`
	Qualifier string `json:"Qualifier,omitempty"`
	ID        string `json:"StatementId"`
	Revision  string `json:"RevisionId,omitempty"`
}

type addition struct {
	Function  string `json:"FunctionName"`
	Qualifier string `json:"Qualifier,omitempty"`
	Grant
}
