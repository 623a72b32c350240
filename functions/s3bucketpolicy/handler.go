// Package s3bucketpolicy takes public statements out of bucket policies, and
// brings back what the change that put them there has overwritten.
package s3bucketpolicy

import (
	"github.com/ebb-ops/ebb/pkg/cloudtrail/s3event"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
)

// Function removes the statements of a bucket policy that let the public in.
// What is public is S3's own meaning of the word: see policydoc.Statement.Public.
// A policy that is deleted breaks nothing, but is no longer the one to bring back:
// so its deletion starts the function too.
var Function = remedy.Function{
	Name:     "s3-bucket-policy",
	Title:    "Removes the public statements of S3 bucket policies",
	Severity: remedy.Critical,
	Triggers: []remedy.Trigger{{Source: "aws.s3", Names: []string{"DeleteBucketPolicy", "PutBucketPolicy"}}},
	Actions: []string{
		"s3:DeleteBucketPolicy",
		"s3:GetBucketPolicy",
		"s3:GetBucketTagging",
		"s3:PutBucketPolicy",
	},
	Params: Params{},
	Doc: remedy.Doc{
		Bad: "A statement that lets the public in breaks the policy: one that allows something to every principal, with no condition that holds it to known accounts, networks or services. " +
			"That is S3's own meaning of the word. A public access block that holds the statement off for now makes it no better, because it works as soon as the block is lifted. " +
			"A statement for named accounts, however foreign, is a violation only where the parameter allowed says who may be let in; one that denies never is.",
		Repair: "PutBucketPolicy puts the policy without its public statements, DeleteBucketPolicy deletes it when none is left. " +
			"When a statement of the last compliant policy is missing too, the change has overwritten something good: then that policy comes back as it was, without what would be public in it today.",
		Keeps: "All other statements stay byte for byte, in their order. ACLs, the public access block and objects are not touched.",
		Limits: []string{
			"S3 has no compare-and-set for policies: of two changes in the same moment one may be lost, and its own event leads to the next look.",
			"New statements that came in one change with the loss of good ones go with it. They are in the record's before-image, and an undo brings them back.",
			"A principal of the last compliant policy that was deleted since makes S3 refuse it: the record says so, and no retry will help.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status",
			"https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: s3event.Decode, Check: check, Repair: repair, Diff: diff,
}

// Params are the function's parameters.
type Params struct {
	AllowedBuckets resourcepolicy.Names `json:"allowed_buckets,omitempty" jsonschema:"names of buckets that may be public, such as a website's; * stands for any characters, ? for one, [a-z] for one of a range"`
	resourcepolicy.Params
}

// Validate reports the first parameter that can't be used.
func (p Params) Validate() error {
	if err := p.AllowedBuckets.Validate("allowed_buckets"); err != nil {
		return err
	}
	return p.Params.Validate()
}

func (p Params) judge(t Target) resourcepolicy.Judge {
	return p.Judge(t.Account, p.AllowedBuckets.Has(t.Bucket))
}

// Target is one bucket.
type Target = s3event.Target
