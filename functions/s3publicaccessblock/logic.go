package s3publicaccessblock

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is a bucket's public access block and its tags.
type State struct {
	Block *Block            `json:"block,omitempty"` // nil when none is configured, which an undo must tell from four flags off
	Tags  map[string]string `json:"tags,omitempty"`  // only read: exemptions may name them
}

// ResourceTags gives the bucket's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

// Block is a public access block, by the API's names for its flags.
type Block struct {
	BlockPublicAcls       bool
	IgnorePublicAcls      bool
	BlockPublicPolicy     bool
	RestrictPublicBuckets bool
}

// flag is one flag of a block: its name, the rule that it be on, what its being
// off permits, and where it is.
type flag struct {
	name, rule, permits string
	of                  func(*Block) *bool
}

// flags gives the flags in the order of the API's documentation.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PublicAccessBlockConfiguration.html
func flags() [4]flag {
	return [...]flag{
		{"BlockPublicAcls", "block-public-acls-off", "public ACLs can be put on the bucket and its objects", func(b *Block) *bool { return &b.BlockPublicAcls }},
		{"IgnorePublicAcls", "ignore-public-acls-off", "public ACLs of the bucket and its objects have effect", func(b *Block) *bool { return &b.IgnorePublicAcls }},
		{"BlockPublicPolicy", "block-public-policy-off", "a public bucket policy can be put", func(b *Block) *bool { return &b.BlockPublicPolicy }},
		{"RestrictPublicBuckets", "restrict-public-buckets-off", "a public bucket policy lets in other accounts and the public", func(b *Block) *bool { return &b.RestrictPublicBuckets }},
	}
}

func flagNames() []string {
	var out []string
	for _, f := range flags() {
		out = append(out, f.name)
	}
	return out
}

// check gives a violation for each required flag that is off.
func check(t Target, s State, p Params) []remedy.Violation {
	if p.allow(t.Bucket) {
		return nil
	}
	why := "is off"
	if s.Block == nil {
		why = "is off, because the bucket has no public access block"
	}
	live := s.block()
	var out []remedy.Violation
	for _, f := range flags() {
		if p.requires(f.name) && !*f.of(&live) {
			out = append(out, remedy.Violation{
				Rule:    f.rule,
				Part:    f.name,
				Message: fmt.Sprintf("%s %s: %s.", f.name, why, f.permits),
			})
		}
	}
	return out
}

// block gives the flags as they work: without a block all are off.
func (s State) block() Block {
	if s.Block == nil {
		return Block{}
	}
	return *s.Block
}

// repair turns on the required flags, and those that were on in the baseline.
// It turns none off: a flag that the change turned on beside is kept.
func repair(t Target, live State, base remedy.Baseline[State], p Params) State {
	if p.allow(t.Bucket) {
		return live
	}
	want, before := live.block(), base.State.block()
	for _, f := range flags() {
		if p.requires(f.name) || base.Known && *f.of(&before) {
			*f.of(&want) = true
		}
	}
	return State{Block: &want, Tags: live.Tags}
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
	if (from.Block == nil) == (to.Block == nil) && from.block() == to.block() {
		return nil
	}
	return []Change{{t, to.Block}}
}
