package s3bucketlogging

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
	mu      sync.Mutex
	bucket  string // empty when it was deleted
	owner   string
	logging *types.LoggingEnabled // nil when it is off
	tags    map[string]string
	fail    map[string]error // what an operation answers instead
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

func (f *fakeS3) GetBucketLogging(_ context.Context, in *s3.GetBucketLoggingInput, _ ...func(*s3.Options)) (*s3.GetBucketLoggingOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetBucketLogging", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	return &s3.GetBucketLoggingOutput{LoggingEnabled: f.logging}, nil
}

func (f *fakeS3) PutBucketLogging(_ context.Context, in *s3.PutBucketLoggingInput, _ ...func(*s3.Options)) (*s3.PutBucketLoggingOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("PutBucketLogging", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	f.logging = in.BucketLoggingStatus.LoggingEnabled
	return &s3.PutBucketLoggingOutput{}, nil
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
