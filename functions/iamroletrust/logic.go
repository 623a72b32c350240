package iamroletrust

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/cloudtrail/iamevent"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is a role's trust policy, byte for byte. Two states are the same when
// their policies are equivalent. All else is only read.
type State struct {
	Trust policydoc.Document `json:"trust"`
	ARN   string             `json:"arn"`           // with the role's path
	Own   bool               `json:"own,omitempty"` // it is one of Ebb's
	Tags  map[string]string  `json:"tags,omitempty"`
}

// ResourceTags gives the role's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

// check gives a violation for each principal that must not be trusted.
func check(t Target, s State, p Params) []remedy.Violation {
	if s.Own || iamevent.OfAWS(s.ARN) || p.AllowedRoles.Match(iamevent.Tail(s.ARN)) {
		return nil
	}
	var out []remedy.Violation
	for i, st := range s.Trust.Statements {
		for _, o := range st.Outsiders(p.circle(t)) {
			out = append(out, remedy.Violation{
				Rule: o.What, Part: st.Principals[o.Index].Value,
				Message: fmt.Sprintf("Statement %s of the trust policy of %s %s.", st.Label(i), t.Principal, o.Why),
			})
		}
	}
	return out
}

// nobody is what a role trusts that nobody is left to be trusted by.
const nobody = `{"Version":"2012-10-17","Statement":[{"Sid":"Nobody","Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`

// repair takes the outsiders out and keeps all others. But an update replaces
// the whole policy: where a statement of the baseline is missing from the live
// one, the change has overwritten something good, and the baseline comes back.
func repair(t Target, live State, base remedy.Baseline[State], p Params) State {
	if len(check(t, live, p)) == 0 {
		return live
	}
	want := live
	want.Trust = inside(live.Trust, p.circle(t))
	if base.Known {
		// The baseline was compliant when it was taken, under the parameters of
		// that day: whom it must not trust today does not come back.
		good := inside(base.State.Trust, p.circle(t))
		if !live.Trust.Holds(good) || want.Trust.Equivalent(good) {
			want.Trust = good
		}
	}
	if want.Trust.IsZero() {
		_ = want.Trust.UnmarshalText([]byte(nobody)) // it is a policy
	}
	return want
}

// inside gives the policy without outsiders, and without principals that were
// deleted: IAM takes none that names such.
func inside(d policydoc.Document, c policydoc.Circle) policydoc.Document {
	out := make([]map[int]bool, len(d.Statements))
	for i, st := range d.Statements {
		out[i] = map[int]bool{}
		for _, o := range st.Outsiders(c) {
			out[i][o.Index] = true
		}
	}
	return d.WithoutPrincipals(func(i, j int) bool { return out[i][j] || d.Statements[i].Principals[j].Deleted() })
}

// Change replaces a role's trust policy.
type Change struct {
	Role  string
	Trust policydoc.Document
}

// Call gives iam:UpdateAssumeRolePolicy.
func (c Change) Call() remedy.Call {
	return remedy.Call{API: "iam:UpdateAssumeRolePolicy", Params: map[string]any{"RoleName": c.Role, "PolicyDocument": c.Trust.String()}}
}

func diff(t Target, from, to State) []Change {
	if from.Trust.Equivalent(to.Trust) {
		return nil
	}
	return []Change{{t.Name, to.Trust}}
}
