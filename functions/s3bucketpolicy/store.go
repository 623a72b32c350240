package s3bucketpolicy

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/s3bucket"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is what the store needs of S3.
type client interface {
	GetBucketPolicy(context.Context, *s3.GetBucketPolicyInput, ...func(*s3.Options)) (*s3.GetBucketPolicyOutput, error)
	PutBucketPolicy(context.Context, *s3.PutBucketPolicyInput, ...func(*s3.Options)) (*s3.PutBucketPolicyOutput, error)
	DeleteBucketPolicy(context.Context, *s3.DeleteBucketPolicyInput, ...func(*s3.Options)) (*s3.DeleteBucketPolicyOutput, error)
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

// store reads and changes buckets' policies. Every call says which account the
// bucket must belong to: names of deleted buckets can be taken by anyone.
type store struct {
	client func(remedy.Ref) client
}

// Read gives the bucket's policy and tags. A policy that can't be parsed is an error.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	var state State
	tags, err := s3bucket.WithTags(ctx, c, t, func(ctx context.Context) error {
		out, err := c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &t.Bucket, ExpectedBucketOwner: &t.Account})
		switch {
		case cloud.HasCode(err, "NoSuchBucketPolicy"):
			return nil
		case err != nil:
			return s3bucket.Explain(t, err, "s3:GetBucketPolicy")
		}
		state.Policy, err = policydoc.Parse(aws.ToString(out.Policy))
		return err
	})
	if err != nil {
		return State{}, err
	}
	state.Tags = tags
	return state, nil
}

// Apply puts or deletes the bucket's policy.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	cl := s.client(t.Ref())
	if c.Policy.IsZero() {
		_, err := cl.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: &t.Bucket, ExpectedBucketOwner: &t.Account})
		if err = s3bucket.Explain(t, err, "s3:DeleteBucketPolicy"); err != nil {
			return fmt.Errorf("delete the policy of bucket %s of account %s: %w", t.Bucket, t.Account, err)
		}
		return nil
	}
	_, err := cl.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{
		Bucket: &t.Bucket, ExpectedBucketOwner: &t.Account, Policy: aws.String(c.Policy.String()),
	})
	switch {
	case cloud.HasCode(err, "MalformedPolicy"):
		// The text was a bucket's policy before, so what is wrong is what it names.
		err = remedy.Permanent(fmt.Errorf("s3:PutBucketPolicy: S3 refuses the policy; a principal that it names may have been deleted since: %w", err))
	case cloud.Denied(err):
		err = fmt.Errorf("%w (and for a public policy under a public access block with BlockPublicPolicy, the bucket's or the account's)", s3bucket.Explain(t, err, "s3:PutBucketPolicy"))
	default:
		err = s3bucket.Explain(t, err, "s3:PutBucketPolicy")
	}
	if err != nil {
		return fmt.Errorf("put the policy of bucket %s of account %s: %w", t.Bucket, t.Account, err)
	}
	return nil
}
