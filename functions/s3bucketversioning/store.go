package s3bucketversioning

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/s3bucket"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is what the store needs of S3.
type client interface {
	s3bucket.TagReader
	GetBucketVersioning(context.Context, *s3.GetBucketVersioningInput, ...func(*s3.Options)) (*s3.GetBucketVersioningOutput, error)
	PutBucketVersioning(context.Context, *s3.PutBucketVersioningInput, ...func(*s3.Options)) (*s3.PutBucketVersioningOutput, error)
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

// store reads and changes the versioning of buckets. Every call says which
// account the bucket must belong to: names of deleted buckets can be taken by anyone.
type store struct {
	client func(remedy.Ref) client
}

// Read gives the bucket's versioning, and its tags.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	var state State
	tags, err := s3bucket.WithTags(ctx, c, t, func(ctx context.Context) error {
		out, err := c.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &t.Bucket, ExpectedBucketOwner: &t.Account})
		if err != nil {
			return s3bucket.Explain(t, err, "s3:GetBucketVersioning")
		}
		switch out.Status {
		case "", enabled, suspended: // an answer without a status is one of a bucket that never had versioning
		default:
			return fmt.Errorf("s3:GetBucketVersioning: the status is %q, which is not known here", out.Status)
		}
		state.Status, state.MFADelete = string(out.Status), out.MFADelete == types.MFADeleteStatusEnabled
		return nil
	})
	if err != nil {
		return State{}, err
	}
	state.Tags = tags
	return state, nil
}

// Apply sets the status of the bucket's versioning. S3 refuses it without a
// code of the MFA device where the bucket has MFA delete. There is no way back
// to a bucket that never had versioning.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	_, err := s.client(t.Ref()).PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket: &t.Bucket, ExpectedBucketOwner: &t.Account,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatus(c.Status)},
	})
	switch {
	case cloud.HasCode(err, "IllegalVersioningConfigurationException", "InvalidBucketState"):
		// An object lock, say, does not go with suspended versioning.
		err = remedy.Permanent(fmt.Errorf("s3:PutBucketVersioning: S3 refuses the status %q for this bucket: %w", c.Status, err))
	case cloud.Denied(err):
		err = fmt.Errorf("%w (and for a bucket that has MFA delete to all but the root user)", s3bucket.Explain(t, err, "s3:PutBucketVersioning"))
	default:
		err = s3bucket.Explain(t, err, "s3:PutBucketVersioning")
	}
	if err != nil {
		return fmt.Errorf("set versioning of bucket %s of account %s: %w", t.Bucket, t.Account, err)
	}
	return nil
}
