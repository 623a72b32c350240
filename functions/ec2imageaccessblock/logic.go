package ec2imageaccessblock

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// States of the block, by the API's names.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetImageBlockPublicAccessState.html
const (
	unblocked = "unblocked"
	blockNew  = "block-new-sharing"
)

// State is whether images can be shared with everybody.
type State struct {
	Block    string `json:"block"`              // unblocked or block-new-sharing
	ByPolicy bool   `json:"by_policy,omitzero"` // a declarative policy of the organization says so; only read
}

func check(t Target, s State, _ struct{}) []remedy.Violation {
	if s.Block != unblocked {
		return nil
	}
	message := fmt.Sprintf("Machine images of account %s in %s can be shared with everybody.", t.Account, t.Region)
	if s.ByPolicy {
		message += " A declarative policy of the organization says so: change it there."
	}
	return []remedy.Violation{{Rule: "public-sharing-not-blocked", Message: message}}
}

// repair leaves what a declarative policy manages: EC2 refuses to change it.
func repair(_ Target, live State, _ remedy.Baseline[State], _ struct{}) State {
	if !live.ByPolicy {
		live.Block = blockNew
	}
	return live
}

// Change brings the block into a state.
type Change struct{ Block string }

// Call gives the call that does.
func (c Change) Call() remedy.Call {
	if c.Block == unblocked {
		return remedy.Call{API: "ec2:" + disable, Params: map[string]any{}}
	}
	return remedy.Call{API: "ec2:" + enable, Params: map[string]any{"ImageBlockPublicAccessState": c.Block}}
}

func diff(_ Target, from, to State) []Change {
	if from.Block == to.Block {
		return nil
	}
	return []Change{{to.Block}}
}
