package s3accountaccessblock

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/s3control/types"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/s3account"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is what the store needs of S3's control API.
type client interface {
	GetPublicAccessBlock(context.Context, *s3control.GetPublicAccessBlockInput, ...func(*s3control.Options)) (*s3control.GetPublicAccessBlockOutput, error)
	PutPublicAccessBlock(context.Context, *s3control.PutPublicAccessBlockInput, ...func(*s3control.Options)) (*s3control.PutPublicAccessBlockOutput, error)
	DeletePublicAccessBlock(context.Context, *s3control.DeletePublicAccessBlockInput, ...func(*s3control.Options)) (*s3control.DeletePublicAccessBlockOutput, error)
}

func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	s, err := newStore(ctx, env)
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, s), nil
}

func newStore(ctx context.Context, env remedy.Env) (store, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return s3account.NewClient(cfg) })
	if err != nil {
		return store{}, err
	}
	return store{clients.For}, nil
}

// store reads and changes accounts' public access blocks.
type store struct {
	client func(remedy.Ref) client
}

// in gives the client for the region that the change was made in.
func (s store) in(t Target) client {
	return s.client(remedy.Ref{Account: t.Account, Region: t.Region})
}

// Read gives the account's public access block.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	state, err := s.read(ctx, t)
	if err != nil {
		return State{}, fmt.Errorf("read the public access block of account %s: %w", t.Account, err)
	}
	return state, nil
}

func (s store) read(ctx context.Context, t Target) (State, error) {
	const action = "s3:GetAccountPublicAccessBlock"
	out, err := s.in(t).GetPublicAccessBlock(ctx, &s3control.GetPublicAccessBlockInput{AccountId: &t.Account})
	switch {
	case cloud.HasCode(err, "NoSuchPublicAccessBlockConfiguration"):
		return State{}, nil
	case err != nil:
		return State{}, cloud.Explain(err, action)
	case out.PublicAccessBlockConfiguration == nil || *out.PublicAccessBlockConfiguration == (types.PublicAccessBlockConfiguration{}):
		// S3 names the flags that are off, too: without any it was not S3 that answered.
		return State{}, fmt.Errorf("%s: the answer holds no configuration", action)
	}
	conf := out.PublicAccessBlockConfiguration
	return State{&Block{
		BlockPublicAcls:       aws.ToBool(conf.BlockPublicAcls),
		IgnorePublicAcls:      aws.ToBool(conf.IgnorePublicAcls),
		BlockPublicPolicy:     aws.ToBool(conf.BlockPublicPolicy),
		RestrictPublicBuckets: aws.ToBool(conf.RestrictPublicBuckets),
	}}, nil
}

// Apply puts or deletes the account's public access block.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	cl, verb := s.in(t), "put"
	var err error
	if c.Block == nil {
		verb = "delete"
		_, err = cl.DeletePublicAccessBlock(ctx, &s3control.DeletePublicAccessBlockInput{AccountId: &t.Account})
	} else {
		_, err = cl.PutPublicAccessBlock(ctx, &s3control.PutPublicAccessBlockInput{
			AccountId: &t.Account,
			PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
				BlockPublicAcls:       &c.Block.BlockPublicAcls,
				IgnorePublicAcls:      &c.Block.IgnorePublicAcls,
				BlockPublicPolicy:     &c.Block.BlockPublicPolicy,
				RestrictPublicBuckets: &c.Block.RestrictPublicBuckets,
			},
		})
	}
	// Deleting needs the permission to put: it has none of its own.
	if err = cloud.Explain(err, "s3:PutAccountPublicAccessBlock"); err != nil {
		return fmt.Errorf("%s the public access block of account %s: %w", verb, t.Account, err)
	}
	return nil
}
