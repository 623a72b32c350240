package s3accountaccessblock

import (
	"github.com/ebb-ops/ebb/pkg/accessblock"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Block is a public access block.
type Block = accessblock.Block

// State is an account's public access block.
type State struct {
	Block *Block `json:"block,omitempty"` // nil when none is configured, which an undo must tell from four flags off
}

// check gives a violation for each required flag that is off.
func check(t Target, s State, p Params) []remedy.Violation {
	return s.Block.Violations(p.Required, "account "+t.Account, "its buckets and objects")
}

// repair turns on the required flags, and those that were on in the baseline.
func repair(_ Target, live State, base remedy.Baseline[State], p Params) State {
	var before *Block
	if base.Known {
		before = base.State.Block
	}
	return State{live.Block.Repaired(p.Required, before)}
}

// Change puts an account's public access block or deletes it.
type Change struct {
	Target Target
	Block  *Block // nil deletes it
}

// Call gives the change as the API call that makes it.
func (c Change) Call() remedy.Call {
	api := "s3control:PutPublicAccessBlock"
	if c.Block == nil {
		api = "s3control:DeletePublicAccessBlock"
	}
	return remedy.Call{API: api, Params: call{c.Target.Account, c.Block}}
}

type call struct {
	Account string `json:"AccountId"`
	Block   *Block `json:"PublicAccessBlockConfiguration,omitempty"`
}

func diff(t Target, from, to State) []Change {
	if from.Block.Same(to.Block) {
		return nil
	}
	return []Change{{t, to.Block}}
}
