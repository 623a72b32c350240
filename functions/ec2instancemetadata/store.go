package ec2instancemetadata

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/ec2instance"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is the part of EC2's API that the store calls.
type client = ec2instance.Client

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return ec2.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes the metadata options of instances.
type store struct {
	client func(remedy.Ref) client
}

// Read gives the instance's metadata options and tags, in one call. The options
// that it gives are the ones that were asked for last, applied or not.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	i, err := ec2instance.Find(ctx, s.client(t.Ref()), t.InstanceID)
	if err != nil {
		return State{}, fmt.Errorf("read instance %s: %w", t.InstanceID, err)
	}
	return State{i.Options, i.Labels}, nil
}

// Apply makes the change's call.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	return ec2instance.SetOptions(ctx, s.client(t.Ref()), c)
}
