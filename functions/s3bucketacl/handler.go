// Package s3bucketacl takes public grants out of buckets' ACLs.
package s3bucketacl

import (
	"github.com/ebb-ops/ebb/pkg/cloudtrail/s3event"
	"github.com/ebb-ops/ebb/pkg/pattern"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function removes the grants of a bucket's ACL that let the public in. A
// bucket may be made with such grants, so it looks at new ones, too.
var Function = remedy.Function{
	Name:     "s3-bucket-acl",
	Title:    "Removes the public grants of S3 bucket ACLs",
	Severity: remedy.Critical,
	Triggers: []remedy.Trigger{{Source: "aws.s3", Names: []string{"CreateBucket", "PutBucketAcl"}}},
	Actions:  []string{"s3:GetBucketAcl", "s3:GetBucketTagging", "s3:PutBucketAcl"},
	Params:   Params{},
	Doc: remedy.Doc{
		Bad: "A grant to the group AllUsers (everybody) or AuthenticatedUsers (everybody with any AWS account) breaks the policy, whatever it permits and whichever way it was given: as a canned ACL, a document, a header, or when the bucket was made. " +
			"A grant to S3's own LogDelivery group is none to the public, nor is one to a named account. " +
			"That a public access block may hold the grant off for now makes it no better, because it works as soon as the block is lifted.",
		Repair: "PutBucketAcl puts the ACL without its public grants. When a grant of the last compliant ACL is missing too, the change has overwritten something good: then that ACL comes back as it was. Without a baseline the live ACL loses its public grants alone.",
		Keeps:  "The owner and all other grants stay as they are. The ACLs of objects, the bucket's policy and its ownership setting are not touched.",
		Limits: []string{
			"S3 has no compare-and-set for ACLs: of two changes in the same moment one may be lost, and its own event leads to the next look.",
			"A bucket whose ownership is enforced has no ACL that counts, and S3 lets none be put: it is compliant.",
			"An object that is public by its own ACL is not seen: objects' ACLs are data events.",
			"New grants that came in one change with the loss of good ones go with it. They are in the record's before-image, and an undo brings them back.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html",
			"https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAcl.html",
			"https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: s3event.Decode, Check: check, Repair: repair, Diff: diff,
}

// Params are the function's parameters.
type Params struct {
	AllowedBuckets []string `json:"allowed_buckets,omitempty" jsonschema:"names of buckets that may be public, such as a website's; * stands for any characters, ? for one, [a-z] for one of a range"`
}

// Validate reports the first pattern that can't be used.
func (p Params) Validate() error { return pattern.Check("allowed_buckets", p.AllowedBuckets) }

// Target is one bucket.
type Target = s3event.Target
