package iampolicyversion

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is which version of a policy is the default. All else is only read.
type State struct {
	Default  string            `json:"default"`            // "v2"
	Versions []Version         `json:"versions"`           // the newest first
	Boundary bool              `json:"boundary,omitempty"` // it bounds permissions, and is attached to nobody
	Tags     map[string]string `json:"tags,omitempty"`
}

// Version is one version of a policy.
type Version struct {
	ID     string             `json:"id"`
	Policy policydoc.Identity `json:"policy"`
}

// ResourceTags gives the policy's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

// version gives the one with the id.
func (s State) version(id string) (Version, bool) {
	for _, v := range s.Versions {
		if v.ID == id {
			return v, true
		}
	}
	return Version{}, false
}

// harmless gives the newest version that makes no administrator.
func (s State) harmless() (Version, bool) {
	for _, v := range s.Versions {
		if !v.admin() {
			return v, true
		}
	}
	return Version{}, false
}

func (v Version) admin() bool {
	admin, _ := v.Policy.Admin()
	return admin
}

func check(t Target, s State, p Params) []remedy.Violation {
	if s.Boundary || p.AllowedPolicies.Match(t.name()) {
		return nil
	}
	v, _ := s.version(s.Default)
	admin, why := v.Policy.Admin()
	if !admin {
		return nil
	}
	message := fmt.Sprintf("Version %s of policy %s, the default, makes an administrator of whoever has it: %s.", v.ID, t.name(), why)
	if _, ok := s.harmless(); !ok {
		message += " No version is without that, so detach the policy, delete it, or make such a version."
	}
	return []remedy.Violation{{Rule: "administrator-version", Part: v.ID, Message: message}}
}

// repair takes the baseline's default version if it still says the same, or the
// newest harmless one. Without any the policy stays as it is; the engine then
// says that there is no repair.
func repair(t Target, live State, base remedy.Baseline[State], p Params) State {
	if len(check(t, live, p)) == 0 {
		return live
	}
	if base.Known {
		old, known := base.State.version(base.State.Default)
		now, there := live.version(old.ID)
		if known && there && now.Policy.Equal(old.Policy.Document) && !now.admin() {
			live.Default = now.ID
			return live
		}
	}
	if v, ok := live.harmless(); ok {
		live.Default = v.ID
	}
	return live
}

// Change sets the default version.
type Change struct {
	Policy, Version string
}

// Call gives iam:SetDefaultPolicyVersion.
func (c Change) Call() remedy.Call {
	return remedy.Call{API: "iam:SetDefaultPolicyVersion", Params: map[string]any{"PolicyArn": c.Policy, "VersionId": c.Version}}
}

func diff(t Target, from, to State) []Change {
	if from.Default == to.Default {
		return nil
	}
	return []Change{{t.Policy, to.Default}}
}
