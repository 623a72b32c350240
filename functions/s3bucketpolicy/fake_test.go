package s3bucketpolicy

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
	policy string // empty when it has none
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

func (f *fakeS3) GetBucketPolicy(_ context.Context, in *s3.GetBucketPolicyInput, _ ...func(*s3.Options)) (*s3.GetBucketPolicyOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetBucketPolicy", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	if f.policy == "" {
		return nil, apiError("NoSuchBucketPolicy")
	}
	return &s3.GetBucketPolicyOutput{Policy: aws.String(f.policy)}, nil
}

func (f *fakeS3) PutBucketPolicy(_ context.Context, in *s3.PutBucketPolicyInput, _ ...func(*s3.Options)) (*s3.PutBucketPolicyOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("PutBucketPolicy", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	f.policy = *in.Policy
	return &s3.PutBucketPolicyOutput{}, nil
}

func (f *fakeS3) DeleteBucketPolicy(_ context.Context, in *s3.DeleteBucketPolicyInput, _ ...func(*s3.Options)) (*s3.DeleteBucketPolicyOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DeleteBucketPolicy", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	f.policy = ""
	return &s3.DeleteBucketPolicyOutput{}, nil
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
