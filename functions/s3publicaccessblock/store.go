package s3publicaccessblock

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is what the store needs of S3.
type client interface {
	GetPublicAccessBlock(context.Context, *s3.GetPublicAccessBlockInput, ...func(*s3.Options)) (*s3.GetPublicAccessBlockOutput, error)
	PutPublicAccessBlock(context.Context, *s3.PutPublicAccessBlockInput, ...func(*s3.Options)) (*s3.PutPublicAccessBlockOutput, error)
	DeletePublicAccessBlock(context.Context, *s3.DeletePublicAccessBlockInput, ...func(*s3.Options)) (*s3.DeletePublicAccessBlockOutput, error)
	GetBucketTagging(context.Context, *s3.GetBucketTaggingInput, ...func(*s3.Options)) (*s3.GetBucketTaggingOutput, error)
}

func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	s, err := newStore(ctx, env)
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, s), nil
}

func newStore(ctx context.Context, env remedy.Env) (store, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client {
		return s3.NewFromConfig(cfg, func(o *s3.Options) {
			// An emulator is reached by one host name, which no bucket's name can go before.
			o.UsePathStyle = env.AWSEndpoint != ""
		})
	})
	if err != nil {
		return store{}, err
	}
	return store{clients.For}, nil
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
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		out, err := c.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &t.Bucket, ExpectedBucketOwner: &t.Account})
		switch {
		case cloud.HasCode(err, "NoSuchPublicAccessBlockConfiguration"):
			return nil
		case err != nil:
			return explain(t, err, "s3:GetBucketPublicAccessBlock")
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
	group.Go(func() error {
		out, err := c.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &t.Bucket, ExpectedBucketOwner: &t.Account})
		switch {
		case cloud.HasCode(err, "NoSuchTagSet"):
			return nil
		case err != nil:
			return explain(t, err, "s3:GetBucketTagging")
		}
		state.Tags = make(map[string]string, len(out.TagSet))
		for _, tag := range out.TagSet {
			state.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return State{}, fmt.Errorf("read bucket %s of account %s: %w", t.Bucket, t.Account, err)
	}
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
	if err = explain(t, err, "s3:PutBucketPublicAccessBlock"); err != nil {
		return fmt.Errorf("%s the public access block of bucket %s of account %s: %w", verb, t.Bucket, t.Account, err)
	}
	return nil
}

// explain says what an error of S3 means for the bucket.
func explain(t Target, err error, action string) error {
	// The first is S3's answer to a request for another region's bucket, the
	// second its answer when it looks at the signature's region before that.
	// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
	if cloud.HasCode(err, "PermanentRedirect", "AuthorizationHeaderMalformed") {
		return remedy.Permanent(fmt.Errorf("%s: the bucket is not in %s, where its event came from: %w", action, t.Region, err))
	}
	err = cloud.Explain(err, action, "NoSuchBucket")
	if cloud.Denied(err) {
		return fmt.Errorf("%w (S3 answers the same for a bucket that is not account %s's)", err, t.Account)
	}
	return err
}
