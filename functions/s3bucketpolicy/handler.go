// Package s3bucketpolicy takes public statements out of bucket policies, and
// brings back what the change that put them there has overwritten.
package s3bucketpolicy

import (
	"errors"
	"fmt"
	"path"
	"regexp"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
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
	Decode: decode, Check: check, Repair: repair, Diff: diff,
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
type Target struct {
	Bucket  string `json:"bucket"`
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Ref names the bucket by its ARN, which holds neither region nor account.
func (t Target) Ref() remedy.Ref {
	return remedy.Ref{
		Type:    "AWS::S3::Bucket",
		ID:      cloudtrail.ARN(t.Region, "s3", "", "", t.Bucket),
		Account: t.Account,
		Region:  t.Region,
	}
}

// bucketName is what names of buckets look like, those from before 2018 in
// us-east-1 included. A name that is not one must not get into a URL or an ARN.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
var bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{2,254}$`)

// request is the part of the call that says which bucket. The policy in it is
// not looked at: the live one decides.
type request struct {
	Bucket string `json:"bucketName"`
}

func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[request, struct{}](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	switch {
	case rec.Request.Bucket == "":
		return nil, errors.New("the event names no bucket: requestParameters.bucketName is missing")
	case !bucketName.MatchString(rec.Request.Bucket):
		return nil, fmt.Errorf("the event's requestParameters.bucketName %q is no name that a bucket can have", rec.Request.Bucket)
	case ev.Account == "" || ev.Region == "":
		return nil, fmt.Errorf("the event names account %q and region %q, both are needed", ev.Account, ev.Region)
	}
	return []Target{{rec.Request.Bucket, ev.Account, ev.Region}}, nil
}
