// Package s3event reads which bucket a call of S3 was about.
package s3event

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Target is one bucket, in the account and region of the event that named it.
// Its JSON form is kept in records.
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

// request is the part of a call that says which bucket.
type request struct {
	Bucket string `json:"bucketName"`
}

// Decode gives the bucket whose settings a call changed, and none for a call
// that failed. It is an error when the event is no CloudTrail record, its
// bucketName is missing or no name that a bucket can have, or it comes without
// account or region. The settings in the call are not looked at: the live ones
// decide.
func Decode(ev remedy.Event) ([]Target, error) {
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
		return nil, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	}
	return []Target{{rec.Request.Bucket, ev.Account, ev.Region}}, nil
}
