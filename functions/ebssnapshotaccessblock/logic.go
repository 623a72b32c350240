package ebssnapshotaccessblock

import (
	"fmt"
	"slices"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// States of the block, by the API's names.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetSnapshotBlockPublicAccessState.html
const (
	unblocked = "unblocked"
	blockNew  = "block-new-sharing"
	blockAll  = "block-all-sharing"
)

// strength gives how much a state blocks; -1 for one that is not known.
func strength(state string) int { return slices.Index([]string{unblocked, blockNew, blockAll}, state) }

// State is how much of public sharing is blocked.
type State struct {
	Block    string `json:"block"`              // unblocked, block-new-sharing or block-all-sharing
	ByPolicy bool   `json:"by_policy,omitzero"` // a declarative policy of the organization says so; only read
}

func check(t Target, s State, p Params) []remedy.Violation {
	if strength(s.Block) >= strength(p.minimum()) {
		return nil
	}
	message := fmt.Sprintf("Public sharing of EBS snapshots of account %s in %s is in state %s, where %s is wanted.", t.Account, t.Region, s.Block, p.minimum())
	if s.ByPolicy {
		message += " A declarative policy of the organization says so: change it there."
	}
	return []remedy.Violation{{Rule: "public-sharing-not-blocked", Message: message}}
}

// repair leaves what a declarative policy manages: EC2 refuses to change it.
func repair(_ Target, live State, base remedy.Baseline[State], p Params) State {
	switch {
	case live.ByPolicy || strength(live.Block) >= strength(p.minimum()):
	case base.Known && strength(base.State.Block) >= strength(p.minimum()):
		live.Block = base.State.Block
	default:
		live.Block = p.minimum()
	}
	return live
}

// Change brings the block into a state.
type Change struct{ Block string }

// Call gives the call that does.
func (c Change) Call() remedy.Call {
	if c.Block == unblocked {
		return remedy.Call{API: "ec2:DisableSnapshotBlockPublicAccess", Params: map[string]any{}}
	}
	return remedy.Call{API: "ec2:EnableSnapshotBlockPublicAccess", Params: map[string]any{"State": c.Block}}
}

func diff(_ Target, from, to State) []Change {
	if from.Block == to.Block {
		return nil
	}
	return []Change{{to.Block}}
}
