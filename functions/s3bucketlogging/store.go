package s3bucketlogging

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
	GetBucketLogging(context.Context, *s3.GetBucketLoggingInput, ...func(*s3.Options)) (*s3.GetBucketLoggingOutput, error)
	PutBucketLogging(context.Context, *s3.PutBucketLoggingInput, ...func(*s3.Options)) (*s3.PutBucketLoggingOutput, error)
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

// store reads and changes buckets' access logging. Every call says which account
// the bucket must belong to: names of deleted buckets can be taken by anyone.
type store struct {
	client func(remedy.Ref) client
}

// Read gives the bucket's access logging and tags.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	var state State
	tags, err := s3bucket.WithTags(ctx, c, t, func(ctx context.Context) error {
		out, err := c.GetBucketLogging(ctx, &s3.GetBucketLoggingInput{Bucket: &t.Bucket, ExpectedBucketOwner: &t.Account})
		if err != nil {
			return s3bucket.Explain(t, err, "s3:GetBucketLogging")
		}
		state.Logging, err = fromAPI(out.LoggingEnabled)
		return err
	})
	if err != nil {
		return State{}, err
	}
	state.Tags = tags
	return state, nil
}

func fromAPI(on *types.LoggingEnabled) (*Logging, error) {
	if on == nil {
		return nil, nil
	}
	if aws.ToString(on.TargetBucket) == "" {
		return nil, errors.New("s3:GetBucketLogging: the answer names no target bucket")
	}
	out := &Logging{TargetBucket: *on.TargetBucket, TargetPrefix: aws.ToString(on.TargetPrefix)}
	for _, g := range on.TargetGrants {
		if g.Grantee == nil {
			return nil, errors.New("s3:GetBucketLogging: a target grant names nobody")
		}
		out.TargetGrants = append(out.TargetGrants, Grant{Permission: string(g.Permission), Grantee: Grantee{
			Type: string(g.Grantee.Type), URI: aws.ToString(g.Grantee.URI), ID: aws.ToString(g.Grantee.ID), EmailAddress: aws.ToString(g.Grantee.EmailAddress),
		}})
	}
	if f := on.TargetObjectKeyFormat; f != nil {
		out.TargetObjectKeyFormat = &Format{}
		if f.SimplePrefix != nil {
			out.TargetObjectKeyFormat.SimplePrefix = &Simple{}
		}
		if f.PartitionedPrefix != nil {
			out.TargetObjectKeyFormat.PartitionedPrefix = &Partitioned{string(f.PartitionedPrefix.PartitionDateSource)}
		}
	}
	return out, nil
}

func toAPI(l *Logging) *types.LoggingEnabled {
	if l == nil {
		return nil
	}
	out := &types.LoggingEnabled{TargetBucket: &l.TargetBucket, TargetPrefix: &l.TargetPrefix}
	optional := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	for _, g := range l.TargetGrants {
		out.TargetGrants = append(out.TargetGrants, types.TargetGrant{Permission: types.BucketLogsPermission(g.Permission), Grantee: &types.Grantee{
			Type: types.Type(g.Grantee.Type), URI: optional(g.Grantee.URI), ID: optional(g.Grantee.ID), EmailAddress: optional(g.Grantee.EmailAddress),
		}})
	}
	if f := l.TargetObjectKeyFormat; f != nil {
		out.TargetObjectKeyFormat = &types.TargetObjectKeyFormat{}
		if f.SimplePrefix != nil {
			out.TargetObjectKeyFormat.SimplePrefix = &types.SimplePrefix{}
		}
		if f.PartitionedPrefix != nil {
			out.TargetObjectKeyFormat.PartitionedPrefix = &types.PartitionedPrefix{PartitionDateSource: types.PartitionDateSource(f.PartitionedPrefix.PartitionDateSource)}
		}
	}
	return out
}

// Apply puts the bucket's logging configuration.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	_, err := s.client(t.Ref()).PutBucketLogging(ctx, &s3.PutBucketLoggingInput{
		Bucket: &t.Bucket, ExpectedBucketOwner: &t.Account,
		BucketLoggingStatus: &types.BucketLoggingStatus{LoggingEnabled: toAPI(c.Logging)},
	})
	switch {
	case c.Logging != nil && cloud.HasCode(err, "InvalidTargetBucketForLogging", "CrossLocationLoggingProhibited", "CrossLocationLoggingProhibitted"): // S3 has both spellings
		err = remedy.Permanent(fmt.Errorf("s3:PutBucketLogging: S3 takes no logs to bucket %s: it is gone, not in this account and region, or does not let S3's log delivery write: %w", c.Logging.TargetBucket, err))
	default:
		err = s3bucket.Explain(t, err, "s3:PutBucketLogging")
	}
	if err != nil {
		return fmt.Errorf("set the access logging of bucket %s of account %s: %w", t.Bucket, t.Account, err)
	}
	return nil
}
