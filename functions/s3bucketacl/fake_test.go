package s3bucketacl

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
	mu        sync.Mutex
	bucket    string // empty when it was deleted
	owner     string
	canonical string // the owner's id in ACLs
	grants    []types.Grant
	tags      map[string]string
	fail      map[string]error // what an operation answers instead
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

func (f *fakeS3) GetBucketAcl(_ context.Context, in *s3.GetBucketAclInput, _ ...func(*s3.Options)) (*s3.GetBucketAclOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetBucketAcl", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	out := &s3.GetBucketAclOutput{Grants: f.grants}
	if f.canonical != "" {
		out.Owner = &types.Owner{ID: &f.canonical}
	}
	return out, nil
}

// PutBucketAcl takes the owner's own id and no other.
func (f *fakeS3) PutBucketAcl(_ context.Context, in *s3.PutBucketAclInput, _ ...func(*s3.Options)) (*s3.PutBucketAclOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("PutBucketAcl", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	if aws.ToString(in.AccessControlPolicy.Owner.ID) != f.canonical {
		return nil, apiError("AccessDenied")
	}
	f.grants = in.AccessControlPolicy.Grants
	return &s3.PutBucketAclOutput{}, nil
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
