package s3bucketpolicy

import (
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
)

// State is a bucket's policy, byte for byte, and its tags.
type State = resourcepolicy.State

// check gives a violation for each statement at fault. That the bucket's public
// access block may hold it off for now makes it no better: the statement works
// as soon as the block is lifted.
func check(t Target, s State, p Params) []remedy.Violation {
	return p.judge(t).Check("bucket "+t.Bucket, s)
}

func repair(t Target, live State, base remedy.Baseline[State], p Params) State {
	return p.judge(t).Repair(live, base)
}

// Change replaces a bucket's policy or deletes it. S3 has no compare-and-set
// for policies: a change that comes between the read and the call is lost, and
// its own event leads to the next read.
type Change struct {
	Target Target
	Policy policydoc.Document // zero deletes it
}

// Call gives the change as the API call that makes it.
func (c Change) Call() remedy.Call {
	if c.Policy.IsZero() {
		return remedy.Call{API: "s3:DeleteBucketPolicy", Params: call{Bucket: c.Target.Bucket, Owner: c.Target.Account}}
	}
	return remedy.Call{API: "s3:PutBucketPolicy", Params: call{c.Target.Bucket, c.Target.Account, c.Policy.String()}}
}

type call struct {
	Bucket string `json:"Bucket"`
	Owner  string `json:"ExpectedBucketOwner"`
	Policy string `json:"Policy,omitempty"`
}

func diff(t Target, from, to State) []Change {
	if from.Policy.Equivalent(to.Policy) {
		return nil
	}
	return []Change{{t, to.Policy}}
}
