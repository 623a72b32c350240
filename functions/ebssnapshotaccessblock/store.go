package ebssnapshotaccessblock

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is the part of EC2's API that the store calls.
type client interface {
	GetSnapshotBlockPublicAccessState(context.Context, *ec2.GetSnapshotBlockPublicAccessStateInput, ...func(*ec2.Options)) (*ec2.GetSnapshotBlockPublicAccessStateOutput, error)
	EnableSnapshotBlockPublicAccess(context.Context, *ec2.EnableSnapshotBlockPublicAccessInput, ...func(*ec2.Options)) (*ec2.EnableSnapshotBlockPublicAccessOutput, error)
	DisableSnapshotBlockPublicAccess(context.Context, *ec2.DisableSnapshotBlockPublicAccessInput, ...func(*ec2.Options)) (*ec2.DisableSnapshotBlockPublicAccessOutput, error)
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

// Read gives the setting. It is never gone, and a state that is not known here is an error.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	out, err := s.client(t.Ref()).GetSnapshotBlockPublicAccessState(ctx, &ec2.GetSnapshotBlockPublicAccessStateInput{})
	if err != nil {
		return State{}, fmt.Errorf("read the snapshot block of account %s in %s: %w", t.Account, t.Region, cloud.Explain(err, "ec2:GetSnapshotBlockPublicAccessState"))
	}
	if strength(string(out.State)) < 0 {
		return State{}, fmt.Errorf("read the snapshot block of account %s in %s: its state %q is not known here", t.Account, t.Region, out.State)
	}
	return State{string(out.State), out.ManagedBy == types.ManagedByDeclarativePolicy}, nil
}

// Apply makes the change's call, which may be made again.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	api := s.client(t.Ref())
	if c.Block == unblocked {
		_, err := api.DisableSnapshotBlockPublicAccess(ctx, &ec2.DisableSnapshotBlockPublicAccessInput{})
		return cloud.Explain(err, "ec2:DisableSnapshotBlockPublicAccess")
	}
	_, err := api.EnableSnapshotBlockPublicAccess(ctx, &ec2.EnableSnapshotBlockPublicAccessInput{State: types.SnapshotBlockPublicAccessState(c.Block)})
	return cloud.Explain(err, "ec2:EnableSnapshotBlockPublicAccess")
}
