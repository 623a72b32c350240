package ebsdefaultencryption

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is the part of EC2's API that the store calls.
type client interface {
	GetEbsEncryptionByDefault(context.Context, *ec2.GetEbsEncryptionByDefaultInput, ...func(*ec2.Options)) (*ec2.GetEbsEncryptionByDefaultOutput, error)
	GetEbsDefaultKmsKeyId(context.Context, *ec2.GetEbsDefaultKmsKeyIdInput, ...func(*ec2.Options)) (*ec2.GetEbsDefaultKmsKeyIdOutput, error)
	EnableEbsEncryptionByDefault(context.Context, *ec2.EnableEbsEncryptionByDefaultInput, ...func(*ec2.Options)) (*ec2.EnableEbsEncryptionByDefaultOutput, error)
	DisableEbsEncryptionByDefault(context.Context, *ec2.DisableEbsEncryptionByDefaultInput, ...func(*ec2.Options)) (*ec2.DisableEbsEncryptionByDefaultOutput, error)
	ModifyEbsDefaultKmsKeyId(context.Context, *ec2.ModifyEbsDefaultKmsKeyIdInput, ...func(*ec2.Options)) (*ec2.ModifyEbsDefaultKmsKeyIdOutput, error)
	ResetEbsDefaultKmsKeyId(context.Context, *ec2.ResetEbsDefaultKmsKeyIdInput, ...func(*ec2.Options)) (*ec2.ResetEbsDefaultKmsKeyIdOutput, error)
}

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return ec2.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes the setting.
type store struct {
	client func(remedy.Ref) client
}

// Read gives the setting and its key, in one round of two calls. A setting is
// never gone.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	var state State
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		out, err := c.GetEbsEncryptionByDefault(ctx, &ec2.GetEbsEncryptionByDefaultInput{})
		if err != nil {
			return cloud.Explain(err, "ec2:GetEbsEncryptionByDefault")
		}
		if out.EbsEncryptionByDefault == nil {
			return errors.New("ec2:GetEbsEncryptionByDefault: the answer does not say whether encryption is on")
		}
		state.Enabled = *out.EbsEncryptionByDefault
		return nil
	})
	g.Go(func() error {
		out, err := c.GetEbsDefaultKmsKeyId(ctx, &ec2.GetEbsDefaultKmsKeyIdInput{})
		if err != nil {
			return cloud.Explain(err, "ec2:GetEbsDefaultKmsKeyId")
		}
		if state.Key = aws.ToString(out.KmsKeyId); state.Key == "" {
			return errors.New("ec2:GetEbsDefaultKmsKeyId: the answer holds no key")
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return State{}, fmt.Errorf("read the EBS encryption of account %s in %s: %w", t.Account, t.Region, err)
	}
	return state, nil
}

// Apply makes the change's call, each of which may be made again.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	var err error
	switch api := s.client(t.Ref()); c.API {
	case enable:
		_, err = api.EnableEbsEncryptionByDefault(ctx, &ec2.EnableEbsEncryptionByDefaultInput{})
	case disable:
		_, err = api.DisableEbsEncryptionByDefault(ctx, &ec2.DisableEbsEncryptionByDefaultInput{})
	case modifyKey:
		_, err = api.ModifyEbsDefaultKmsKeyId(ctx, &ec2.ModifyEbsDefaultKmsKeyIdInput{KmsKeyId: &c.Key})
	case resetKey:
		_, err = api.ResetEbsDefaultKmsKeyId(ctx, &ec2.ResetEbsDefaultKmsKeyIdInput{})
	default:
		return remedy.Permanent(fmt.Errorf("a change with the unknown call %q", c.API))
	}
	return cloud.Explain(err, "ec2:"+c.API)
}
