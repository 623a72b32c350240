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
var Function = remedy.Function{
	Name:     "s3-bucket-policy",
	Title:    "Removes the public statements of S3 bucket policies",
	Severity: remedy.Critical,
	Triggers: []remedy.Trigger{{Source: "aws.s3", Names: []string{"PutBucketPolicy"}}},
	Actions: []string{
		"s3:DeleteBucketPolicy",
		"s3:GetBucketPolicy",
		"s3:GetBucketTagging",
		"s3:PutBucketPolicy",
	},
	Params: Params{},
	New:    open,
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
