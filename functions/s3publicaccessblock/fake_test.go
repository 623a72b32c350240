package s3publicaccessblock

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
	block  *types.PublicAccessBlockConfiguration // nil when it has none
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

func (f *fakeS3) GetPublicAccessBlock(_ context.Context, in *s3.GetPublicAccessBlockInput, _ ...func(*s3.Options)) (*s3.GetPublicAccessBlockOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetPublicAccessBlock", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	if f.block == nil {
		return nil, apiError("NoSuchPublicAccessBlockConfiguration")
	}
	return &s3.GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: f.block}, nil
}

func (f *fakeS3) PutPublicAccessBlock(_ context.Context, in *s3.PutPublicAccessBlockInput, _ ...func(*s3.Options)) (*s3.PutPublicAccessBlockOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("PutPublicAccessBlock", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	block := *in.PublicAccessBlockConfiguration
	f.block = &block
	return &s3.PutPublicAccessBlockOutput{}, nil
}

func (f *fakeS3) DeletePublicAccessBlock(_ context.Context, in *s3.DeletePublicAccessBlockInput, _ ...func(*s3.Options)) (*s3.DeletePublicAccessBlockOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DeletePublicAccessBlock", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	f.block = nil
	return &s3.DeletePublicAccessBlockOutput{}, nil
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
