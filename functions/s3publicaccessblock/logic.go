package s3publicaccessblock

import (
	"github.com/ebb-ops/ebb/pkg/accessblock"
	"github.com/ebb-ops/ebb/pkg/pattern"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is a bucket's public access block and its tags.
type State struct {
	Block *Block            `json:"block,omitempty"` // nil when none is configured, which an undo must tell from four flags off
	Tags  map[string]string `json:"tags,omitempty"`  // only read: exemptions may name them
}

// ResourceTags gives the bucket's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

// Block is a public access block.
type Block = accessblock.Block

// check gives a violation for each required flag that is off.
func check(t Target, s State, p Params) []remedy.Violation {
	if pattern.Any(p.AllowedBuckets, t.Bucket) {
		return nil
	}
	return s.Block.Violations(p.Required, "bucket "+t.Bucket, "it and its objects")
}

// repair turns on the required flags, and those that were on in the baseline.
// It turns none off: a flag that the change turned on beside is kept.
func repair(t Target, live State, base remedy.Baseline[State], p Params) State {
	if pattern.Any(p.AllowedBuckets, t.Bucket) {
		return live
	}
	var before *Block
	if base.Known {
		before = base.State.Block
	}
	return State{Block: live.Block.Repaired(p.Required, before), Tags: live.Tags}
}

// Change puts a bucket's public access block or deletes it.
type Change struct {
	Target Target
	Block  *Block // nil deletes it
}

// Call gives the change as the API call that makes it.
func (c Change) Call() remedy.Call {
	api := "s3:PutPublicAccessBlock"
	if c.Block == nil {
		api = "s3:DeletePublicAccessBlock"
	}
	return remedy.Call{API: api, Params: call{c.Target.Bucket, c.Target.Account, c.Block}}
}

type call struct {
	Bucket string
	Owner  string `json:"ExpectedBucketOwner"`
	Block  *Block `json:"PublicAccessBlockConfiguration,omitempty"`
}

func diff(t Target, from, to State) []Change {
	if from.Block.Same(to.Block) {
		return nil
	}
	return []Change{{t, to.Block}}
}
