package s3bucketpolicy

import (
	"fmt"
	"strings"

	"github.com/ebb-ops/ebb/pkg/bucketname"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is a bucket's policy, byte for byte, and its tags. Two states are the
// same when their policies are equivalent.
type State struct {
	Policy policydoc.Document `json:"policy,omitzero"` // zero when the bucket has none
	Tags   map[string]string  `json:"tags,omitempty"`  // only read: exemptions may name them
}

// ResourceTags gives the bucket's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

// check gives a violation for each public statement. That the bucket's public
// access block may hold it off for now makes it no better: the statement works
// as soon as the block is lifted.
func check(t Target, s State, p Params) []remedy.Violation {
	if bucketname.Match(p.AllowedBuckets, t.Bucket) {
		return nil
	}
	var out []remedy.Violation
	for i, st := range s.Policy.Statements {
		public, why := st.Public()
		if !public {
			continue
		}
		out = append(out, remedy.Violation{
			Rule:    "public-statement",
			Part:    label(st, i),
			Message: fmt.Sprintf("Statement %s %s; it covers %s.", label(st, i), why, actions(st)),
		})
	}
	return out
}

// label names a statement: its Sid, else its number from 1.
func label(st policydoc.Statement, index int) string {
	if st.Sid != "" {
		return st.Sid
	}
	return fmt.Sprintf("#%d", index+1)
}

func actions(st policydoc.Statement) string {
	list := strings.Join(st.Actions, ", ")
	if st.NotAction {
		return "all actions but " + list
	}
	return list
}

// repair takes the public statements out and keeps all others, each byte of
// them. But a put replaces the whole document: where a statement of the
// baseline is missing from the live policy, the change has overwritten
// something good, and the baseline comes back as it was. New statements that
// came with such a change go with it; they are in the record's before-image.
func repair(t Target, live State, base remedy.Baseline[State], p Params) State {
	if bucketname.Match(p.AllowedBuckets, t.Bucket) {
		return live
	}
	want := State{Policy: withoutPublic(live.Policy), Tags: live.Tags}
	if !base.Known {
		return want
	}
	// The baseline was compliant when it was taken, under the parameters of
	// that day: what is public in it today does not come back.
	good := withoutPublic(base.State.Policy)
	if !live.Policy.Holds(good) || want.Policy.Equivalent(good) {
		want.Policy = good
	}
	return want
}

func withoutPublic(d policydoc.Document) policydoc.Document {
	return d.Without(func(i int) bool {
		public, _ := d.Statements[i].Public()
		return public
	})
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
