package s3publicaccessblock

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/s3bucket"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is what the store needs of S3.
type client interface {
	GetPublicAccessBlock(context.Context, *s3.GetPublicAccessBlockInput, ...func(*s3.Options)) (*s3.GetPublicAccessBlockOutput, error)
	PutPublicAccessBlock(context.Context, *s3.PutPublicAccessBlockInput, ...func(*s3.Options)) (*s3.PutPublicAccessBlockOutput, error)
	DeletePublicAccessBlock(context.Context, *s3.DeletePublicAccessBlockInput, ...func(*s3.Options)) (*s3.DeletePublicAccessBlockOutput, error)
	s3bucket.TagReader
}

func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	s, err := newStore(ctx, env)
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, s), nil
}

func newStore(ctx context.Context, env remedy.Env) (store, error) {
	clients, err := s3bucket.NewClients(ctx, env)
	if err != nil {
		return store{}, err
	}
	return store{func(r remedy.Ref) client { return clients.For(r) }}, nil
}

// store reads and changes buckets' public access blocks. Every call says which
// account the bucket must belong to: names of deleted buckets can be taken by anyone.
type store struct {
	client func(remedy.Ref) client
}

// Read gives the bucket's public access block and tags.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	var state State
	tags, err := s3bucket.WithTags(ctx, c, t, func(ctx context.Context) error {
		out, err := c.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &t.Bucket, ExpectedBucketOwner: &t.Account})
		switch {
		case cloud.HasCode(err, "NoSuchPublicAccessBlockConfiguration"):
			return nil
		case err != nil:
			return s3bucket.Explain(t, err, "s3:GetBucketPublicAccessBlock")
		case out.PublicAccessBlockConfiguration == nil || *out.PublicAccessBlockConfiguration == (types.PublicAccessBlockConfiguration{}):
			// S3 names the flags that are off, too: without any it was not S3 that answered.
			return errors.New("s3:GetBucketPublicAccessBlock: the answer holds no configuration")
		}
		conf := out.PublicAccessBlockConfiguration
		state.Block = &Block{
			BlockPublicAcls:       aws.ToBool(conf.BlockPublicAcls),
			IgnorePublicAcls:      aws.ToBool(conf.IgnorePublicAcls),
			BlockPublicPolicy:     aws.ToBool(conf.BlockPublicPolicy),
			RestrictPublicBuckets: aws.ToBool(conf.RestrictPublicBuckets),
		}
		return nil
	})
	if err != nil {
		return State{}, err
	}
	state.Tags = tags
	return state, nil
}

// Apply puts or deletes the bucket's public access block.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	cl, verb := s.client(t.Ref()), "put"
	var err error
	if c.Block == nil {
		verb = "delete"
		_, err = cl.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: &t.Bucket, ExpectedBucketOwner: &t.Account})
	} else {
		_, err = cl.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
			Bucket: &t.Bucket, ExpectedBucketOwner: &t.Account,
			PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
				BlockPublicAcls:       &c.Block.BlockPublicAcls,
				IgnorePublicAcls:      &c.Block.IgnorePublicAcls,
				BlockPublicPolicy:     &c.Block.BlockPublicPolicy,
				RestrictPublicBuckets: &c.Block.RestrictPublicBuckets,
			},
		})
	}
	// Deleting needs the permission to put: it has none of its own.
	if err = s3bucket.Explain(t, err, "s3:PutBucketPublicAccessBlock"); err != nil {
		return fmt.Errorf("%s the public access block of bucket %s of account %s: %w", verb, t.Bucket, t.Account, err)
	}
	return nil
}
