// Package s3bucketlogging turns the server access logs of buckets back on.
package s3bucketlogging

import (
	"errors"

	"github.com/ebb-ops/ebb/pkg/cloudtrail/s3event"
	"github.com/ebb-ops/ebb/pkg/pattern"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function turns access logging that was turned off back on, to where it went
// before. Where that is not known, to the bucket that the policy names.
var Function = remedy.Function{
	Name:     "s3-bucket-logging",
	Title:    "Turns the access logging of S3 buckets back on",
	Severity: remedy.Medium,
	Triggers: []remedy.Trigger{{Source: "aws.s3", Names: []string{"PutBucketLogging"}}},
	Actions:  []string{"s3:GetBucketLogging", "s3:GetBucketTagging", "s3:PutBucketLogging"},
	Params:   Params{},
	Doc: remedy.Doc{
		Bad: "A bucket whose server access logging is off breaks the policy once somebody has called PutBucketLogging for it. " +
			"A bucket that never had logging causes no such call and is not judged. Where the logs go is not judged either.",
		Repair: "PutBucketLogging brings back the last compliant configuration: target bucket, prefix, key format and grants. " +
			"Without a baseline logs go to target_bucket, below target_prefix and the bucket's name. With neither Ebb can't put logging back, and the record says that a person must.",
		Keeps: "Logging that is on stays as it is. The target bucket, its policy and the logs in it are not touched.",
		Limits: []string{
			"What was requested while logging was off is not logged.",
			"S3 takes only a target bucket of the same account and region that lets S3's log delivery write. When that is gone or no longer lets it, the record says so, and no retry will help.",
			"Logging that is sent to another bucket is seen as logging that is on.",
			"A bucket that collects the logs of others should be in allowed_buckets: it would log itself.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html",
			"https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLogging.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: s3event.Decode, Check: check, Repair: repair, Diff: diff,
}

// Params are the function's parameters.
type Params struct {
	AllowedBuckets []string `json:"allowed_buckets,omitempty" jsonschema:"names of buckets that may do without access logs; * stands for any characters, ? for one, [a-z] for one of a range"`
	TargetBucket   string   `json:"target_bucket,omitempty" jsonschema:"the bucket that logs go to where it is not known where they went before; it must be in the same account and region"`
	TargetPrefix   string   `json:"target_prefix,omitempty" jsonschema:"what the keys of such logs begin with; the name of the bucket and a slash follow"`
}

// Validate reports the first parameter that can't be used.
func (p Params) Validate() error {
	if p.TargetBucket == "" && p.TargetPrefix != "" {
		return errors.New("target_prefix is of no use without target_bucket")
	}
	return pattern.Check("allowed_buckets", p.AllowedBuckets)
}

// Target is one bucket.
type Target = s3event.Target
