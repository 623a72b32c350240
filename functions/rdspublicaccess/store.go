package rdspublicaccess

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is the part of RDS's API that the store calls.
type client interface {
	DescribeDBInstances(context.Context, *rds.DescribeDBInstancesInput, ...func(*rds.Options)) (*rds.DescribeDBInstancesOutput, error)
	ModifyDBInstance(context.Context, *rds.ModifyDBInstanceInput, ...func(*rds.Options)) (*rds.ModifyDBInstanceOutput, error)
}

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return rds.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes instances.
type store struct {
	client func(remedy.Ref) client
}

// explain says what an error means for an instance. One that is busy is no
// longer so soon: InvalidDBInstanceState is an error to retry.
func explain(err error, action string) error {
	return cloud.Explain(err, action, "DBInstanceNotFound", "DBInstanceNotFoundFault")
}

// Read gives the instance's accessibility and tags, in one call. An instance
// that is being deleted is [remedy.ErrGone]: it takes no changes any more.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	state, err := s.read(ctx, t)
	if err != nil {
		return State{}, fmt.Errorf("read database instance %s: %w", t.Instance, err)
	}
	return state, nil
}

func (s store) read(ctx context.Context, t Target) (State, error) {
	const action = "rds:DescribeDBInstances"
	out, err := s.client(t.Ref()).DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &t.Instance})
	if err != nil {
		return State{}, explain(err, action)
	}
	if len(out.DBInstances) != 1 {
		// RDS says so when an instance is gone: it was not RDS that answered.
		return State{}, fmt.Errorf("%s: the answer holds %d instances, want the one asked for", action, len(out.DBInstances))
	}
	i := out.DBInstances[0]
	switch {
	case aws.ToString(i.DBInstanceStatus) == "deleting":
		return State{}, fmt.Errorf("the instance is being deleted: %w", remedy.ErrGone)
	case i.PubliclyAccessible == nil:
		return State{}, errors.New(action + ": the answer does not say whether the instance is publicly accessible")
	}
	state := State{Public: *i.PubliclyAccessible}
	for _, tag := range i.TagList {
		if state.Tags == nil {
			state.Tags = make(map[string]string, len(i.TagList))
		}
		state.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return state, nil
}

// Apply makes the change's call, which may be made again.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	_, err := s.client(t.Ref()).ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{
		DBInstanceIdentifier: &c.Instance, PubliclyAccessible: &c.Public,
	})
	if err = explain(err, "rds:ModifyDBInstance"); err != nil {
		return fmt.Errorf("change whether database instance %s is publicly accessible: %w", t.Instance, err)
	}
	return nil
}
