// Package s3bucketpolicy takes public statements out of bucket policies, and
// brings back what the change that put them there has overwritten.
package s3bucketpolicy

import (
	"fmt"
	"path"

	"github.com/ebb-ops/ebb/pkg/cloudtrail/s3event"
	"github.com/ebb-ops/ebb/pkg/remedy"
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
	AllowedBuckets []string `json:"allowed_buckets,omitempty" jsonschema:"names of buckets that may be public, such as a website's; * stands for any characters, ? for one, [a-z] for one of a range"`
}

// Validate reports the first pattern that can't be used.
func (p Params) Validate() error {
	for i, pattern := range p.AllowedBuckets {
		if pattern == "" {
			return fmt.Errorf("allowed_buckets[%d] is empty: give a bucket's name or a pattern", i)
		}
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("allowed_buckets[%d]: pattern %q: %w", i, pattern, err)
		}
	}
	return nil
}

func (p Params) allow(bucket string) bool {
	for _, pattern := range p.AllowedBuckets {
		if ok, err := path.Match(pattern, bucket); ok && err == nil {
			return true
		}
	}
	return false
}

// Target is one bucket.
type Target = s3event.Target
