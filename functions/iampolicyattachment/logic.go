package iampolicyattachment

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/cloudtrail/iamevent"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is whether the policy is attached to the principal. All else is only read.
type State struct {
	Attached bool               `json:"attached"`
	Document policydoc.Identity `json:"document,omitzero"` // the policy's default version; zero for a policy of AWS
	ARN      string             `json:"arn"`               // the principal's, with its path
	Tags     map[string]string  `json:"tags,omitempty"`    // the principal's
}

// ResourceTags gives the principal's tags. A group has none.
func (s State) ResourceTags() map[string]string { return s.Tags }

func check(t Target, s State, p Params) []remedy.Violation {
	if !s.Attached || iamevent.OfAWS(s.ARN) || p.AllowedPrincipals.Match(iamevent.Tail(s.ARN)) {
		return nil
	}
	if p.ForbiddenPolicies.Match(t.name()) {
		return []remedy.Violation{{
			Rule: "forbidden-policy", Part: t.Policy,
			Message: fmt.Sprintf("Policy %s is attached to %s and must not be.", t.Policy, t.Principal),
		}}
	}
	if admin, why := s.Document.Admin(); admin {
		return []remedy.Violation{{
			Rule: "administrator-policy", Part: t.Policy,
			Message: fmt.Sprintf("Policy %s makes an administrator of %s: %s.", t.Policy, t.Principal, why),
		}}
	}
	return nil
}

// repair detaches. The baseline does not matter: it can only say that the policy
// was attached while that was allowed.
func repair(t Target, live State, _ remedy.Baseline[State], p Params) State {
	if len(check(t, live, p)) > 0 {
		live.Attached = false
	}
	return live
}

func diff(t Target, from, to State) []Change {
	if from.Attached == to.Attached {
		return nil
	}
	return []Change{{t, to.Attached}}
}

// Change attaches the policy or detaches it.
type Change struct {
	Target Target
	Attach bool
}

// Call gives iam:DetachRolePolicy and its like.
func (c Change) Call() remedy.Call {
	return remedy.Call{API: "iam:" + c.verb() + c.Target.Word() + "Policy", Params: map[string]any{
		c.Target.Word() + "Name": c.Target.Name, "PolicyArn": c.Target.Policy,
	}}
}

func (c Change) verb() string {
	if c.Attach {
		return "Attach"
	}
	return "Detach"
}
