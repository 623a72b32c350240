// Package s3bucketversioning turns suspended versioning of buckets back on.
package s3bucketversioning

import (
	"github.com/ebb-ops/ebb/pkg/cloudtrail/s3event"
	"github.com/ebb-ops/ebb/pkg/pattern"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function enables versioning that was suspended. A bucket that never had it
// is left alone.
var Function = remedy.Function{
	Name:     "s3-bucket-versioning",
	Title:    "Turns suspended versioning of S3 buckets back on",
	Severity: remedy.Medium,
	Triggers: []remedy.Trigger{{Source: "aws.s3", Names: []string{"PutBucketVersioning"}}},
	Actions:  []string{"s3:GetBucketTagging", "s3:GetBucketVersioning", "s3:PutBucketVersioning"},
	Params:   Params{},
	Doc: remedy.Doc{
		Bad: "A bucket whose versioning is suspended breaks the policy: what is overwritten or deleted from then on is lost. " +
			"So does, for the buckets that the policy names, one whose MFA delete is off. " +
			"A bucket that never had versioning is left alone, because it was never promised to keep anything.",
		Repair: "PutBucketVersioning enables versioning. The state to go back to is the only other one there is, so a baseline makes no difference.",
		Keeps:  "Objects, their versions and lifecycle rules are not touched, nor is MFA delete.",
		Limits: []string{
			"MFA delete can't be turned on by any role: S3 wants the root user and a code of its device. A bucket that must have it and has not is told of in the record, and a person must act; versioning beside it is enabled all the same.",
			"Where MFA delete is on, versioning can't be enabled without that code either, just as it can't have been suspended without it. The record says so.",
			"What was overwritten or deleted while versioning was suspended does not come back.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html",
			"https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiFactorAuthenticationDelete.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: s3event.Decode, Check: check, Repair: repair, Diff: diff,
}

// Params are the function's parameters.
type Params struct {
	AllowedBuckets []string `json:"allowed_buckets,omitempty" jsonschema:"names of buckets whose versioning may be suspended; * stands for any characters, ? for one, [a-z] for one of a range"`
	MFADelete      []string `json:"mfa_delete,omitempty" jsonschema:"names of buckets that must have MFA delete, or patterns as above: one without it is told of, but only the root user can turn it on"`
}

// Validate reports the first pattern that can't be used.
func (p Params) Validate() error {
	if err := pattern.Check("allowed_buckets", p.AllowedBuckets); err != nil {
		return err
	}
	return pattern.Check("mfa_delete", p.MFADelete)
}

// Target is one bucket.
type Target = s3event.Target
