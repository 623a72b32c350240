package s3bucketversioning

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// fakeS3 is an S3 with one bucket.
type fakeS3 struct {
	mu     sync.Mutex
	bucket string // empty when it was deleted
	owner  string
	status types.BucketVersioningStatus
	mfa    bool
	tags   map[string]string
	fail   map[string]error // what an operation answers instead
}

// enter locks the fake and gives what S3 checks before anything else.
func (f *fakeS3) enter(op string, bucket, owner *string) error {
	f.mu.Lock()
	switch {
	case f.fail[op] != nil:
		return f.fail[op]
	case f.bucket == "" || aws.ToString(bucket) != f.bucket:
		return apiError("NoSuchBucket")
	case aws.ToString(owner) != f.owner:
		return apiError("AccessDenied")
	}
	return nil
}

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "made up"} }

func (f *fakeS3) GetBucketVersioning(_ context.Context, in *s3.GetBucketVersioningInput, _ ...func(*s3.Options)) (*s3.GetBucketVersioningOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetBucketVersioning", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	out := &s3.GetBucketVersioningOutput{Status: f.status}
	if f.mfa {
		out.MFADelete = types.MFADeleteStatusEnabled
	}
	return out, nil
}

// PutBucketVersioning wants the MFA device's code where MFA delete is on, and
// knows no way back to no versioning.
func (f *fakeS3) PutBucketVersioning(_ context.Context, in *s3.PutBucketVersioningInput, _ ...func(*s3.Options)) (*s3.PutBucketVersioningOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("PutBucketVersioning", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	status := in.VersioningConfiguration.Status
	if f.mfa && in.MFA == nil {
		return nil, apiError("AccessDenied")
	}
	if status == "" {
		return nil, apiError("IllegalVersioningConfigurationException")
	}
	f.status = status
	return &s3.PutBucketVersioningOutput{}, nil
}

func (f *fakeS3) GetBucketTagging(_ context.Context, in *s3.GetBucketTaggingInput, _ ...func(*s3.Options)) (*s3.GetBucketTaggingOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetBucketTagging", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	if len(f.tags) == 0 {
		return nil, apiError("NoSuchTagSet")
	}
	var out s3.GetBucketTaggingOutput
	for k, v := range f.tags {
		out.TagSet = append(out.TagSet, types.Tag{Key: &k, Value: &v})
	}
	return &out, nil
}
