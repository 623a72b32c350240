// Package s3publicaccessblock turns the flags of buckets' public access blocks
// back on.
package s3publicaccessblock

import (
	"github.com/ebb-ops/ebb/pkg/accessblock"
	"github.com/ebb-ops/ebb/pkg/cloudtrail/s3event"
	"github.com/ebb-ops/ebb/pkg/pattern"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function turns required flags of a bucket's public access block on, and with
// them those that the change turned off although they were on before.
//
// CloudTrail's names for the calls differ from the API's, which are
// PutPublicAccessBlock and DeletePublicAccessBlock; one IAM action stands for both.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html
var Function = remedy.Function{
	Name:     "s3-public-access-block",
	Title:    "Turns the public access block of S3 buckets back on",
	Severity: remedy.High,
	Triggers: []remedy.Trigger{{
		Source: "aws.s3",
		Names:  []string{"DeleteBucketPublicAccessBlock", "PutBucketPublicAccessBlock"},
	}},
	Actions: []string{
		"s3:GetBucketPublicAccessBlock",
		"s3:GetBucketTagging",
		"s3:PutBucketPublicAccessBlock",
	},
	Params: Params{Required: accessblock.Names()},
	Doc: remedy.Doc{
		Bad: "A required flag that is off breaks the policy, and with no block at all every flag is off. " +
			"The four flags are BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy and RestrictPublicBuckets; all are required unless the policy names some. " +
			"A bucket that the policy names, such as a website's, may do without.",
		Repair: "PutPublicAccessBlock turns the required flags on, and beside them those that were on in the last compliant block although they are not required. Without a baseline it is the required ones alone.",
		Keeps:  "No flag is turned off, whatever the baseline says. The account's own public access block, policies and ACLs are not touched.",
		Limits: []string{
			"A bucket that is public on purpose, such as a website's, stops being so when this is enforced: name such buckets in allowed_buckets first.",
			"The account's block may hold the public off whatever this one says. It is not looked at, because it may be lifted by itself: s3-account-access-block is the function for it.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
			"https://docs.aws.amazon.com/AmazonS3/latest/API/API_PublicAccessBlockConfiguration.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: s3event.Decode, Check: check, Repair: repair, Diff: diff,
}

// Params are the function's parameters.
type Params struct {
	Required       []string `json:"required,omitempty" jsonschema:"flags that must be on: BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets; all four when empty"`
	AllowedBuckets []string `json:"allowed_buckets,omitempty" jsonschema:"names of buckets that may do without, such as a website's; * stands for any characters, ? for one, [a-z] for one of a range"`
}

// Validate reports the first flag or pattern that can't be used.
func (p Params) Validate() error {
	if err := accessblock.CheckNames("required", p.Required); err != nil {
		return err
	}
	return pattern.Check("allowed_buckets", p.AllowedBuckets)
}

// Target is one bucket.
type Target = s3event.Target
