package iaminlinepolicy

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/cloudtrail/iamevent"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is an inline policy, byte for byte. Two states are the same when their
// policies are equivalent. All else is only read.
type State struct {
	Policy policydoc.Identity `json:"policy,omitzero"` // zero when the principal has none of the name
	ARN    string             `json:"arn"`             // the principal's, with its path
	Tags   map[string]string  `json:"tags,omitempty"`  // the principal's
}

// ResourceTags gives the principal's tags. A group has none.
func (s State) ResourceTags() map[string]string { return s.Tags }

// check gives a violation for each statement that makes an administrator.
func check(t Target, s State, p Params) []remedy.Violation {
	if iamevent.OfAWS(s.ARN) || p.AllowedPrincipals.Match(iamevent.Tail(s.ARN)) {
		return nil
	}
	var out []remedy.Violation
	for i, st := range s.Policy.Statements {
		if admin, why := st.Admin(); admin {
			out = append(out, remedy.Violation{
				Rule: "administrator-statement", Part: st.Label(i),
				Message: fmt.Sprintf("Policy %s makes an administrator of %s: statement %s %s.", t.Policy, t.Principal, st.Label(i), why),
			})
		}
	}
	return out
}

// repair takes the bad statements out and keeps all others, each byte of them.
// But a put replaces the whole document: where a statement of the baseline is
// missing from the live policy, the change has overwritten something good, and
// the baseline comes back as it was.
func repair(t Target, live State, base remedy.Baseline[State], p Params) State {
	if len(check(t, live, p)) == 0 {
		return live
	}
	want := live
	want.Policy = withoutAdmin(live.Policy)
	if !base.Known {
		return want
	}
	// The baseline was compliant when it was taken, under the parameters of that
	// day: what makes an administrator in it does not come back.
	good := withoutAdmin(base.State.Policy)
	if !live.Policy.Holds(good.Document) || want.Policy.Equivalent(good.Document) {
		want.Policy = good
	}
	return want
}

func withoutAdmin(d policydoc.Identity) policydoc.Identity {
	return d.Without(func(i int) bool {
		admin, _ := d.Statements[i].Admin()
		return admin
	})
}

// Change puts an inline policy or deletes it.
type Change struct {
	Target Target
	Policy policydoc.Identity // zero deletes it
}

// Call gives iam:PutRolePolicy, iam:DeleteRolePolicy and their like.
func (c Change) Call() remedy.Call {
	params := map[string]any{c.Target.Word() + "Name": c.Target.Name, "PolicyName": c.Target.Policy}
	if c.Policy.IsZero() {
		return remedy.Call{API: "iam:Delete" + c.Target.Word() + "Policy", Params: params}
	}
	params["PolicyDocument"] = c.Policy.String()
	return remedy.Call{API: "iam:Put" + c.Target.Word() + "Policy", Params: params}
}

func diff(t Target, from, to State) []Change {
	if from.Policy.Equivalent(to.Policy.Document) {
		return nil
	}
	return []Change{{t, to.Policy}}
}
