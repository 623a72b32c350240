package rdssnapshotsharing

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is the part of RDS's API that the store calls.
type client interface {
	DescribeDBSnapshots(context.Context, *rds.DescribeDBSnapshotsInput, ...func(*rds.Options)) (*rds.DescribeDBSnapshotsOutput, error)
	DescribeDBSnapshotAttributes(context.Context, *rds.DescribeDBSnapshotAttributesInput, ...func(*rds.Options)) (*rds.DescribeDBSnapshotAttributesOutput, error)
	ModifyDBSnapshotAttribute(context.Context, *rds.ModifyDBSnapshotAttributeInput, ...func(*rds.Options)) (*rds.ModifyDBSnapshotAttributeOutput, error)
	DescribeDBClusterSnapshots(context.Context, *rds.DescribeDBClusterSnapshotsInput, ...func(*rds.Options)) (*rds.DescribeDBClusterSnapshotsOutput, error)
	DescribeDBClusterSnapshotAttributes(context.Context, *rds.DescribeDBClusterSnapshotAttributesInput, ...func(*rds.Options)) (*rds.DescribeDBClusterSnapshotAttributesOutput, error)
	ModifyDBClusterSnapshotAttribute(context.Context, *rds.ModifyDBClusterSnapshotAttributeInput, ...func(*rds.Options)) (*rds.ModifyDBClusterSnapshotAttributeOutput, error)
}

func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	s, err := newStore(ctx, env)
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, s), nil
}

func newStore(ctx context.Context, env remedy.Env) (store, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return rds.NewFromConfig(cfg) })
	if err != nil {
		return store{}, err
	}
	return store{clients.For}, nil
}

// store reads and changes who may restore snapshots.
type store struct {
	client func(remedy.Ref) client
}

// explain says what an error means for a snapshot. A snapshot that is busy is
// no longer so soon: that is an error to retry.
func explain(err error, action string) error {
	return cloud.Explain(err, action, "DBSnapshotNotFound", "DBSnapshotNotFoundFault", "DBClusterSnapshotNotFoundFault")
}

// Read gives who may restore the snapshot, and its tags, in one round of two calls.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	describe, attributes := instanceTags, instanceShares
	if t.Cluster {
		describe, attributes = clusterTags, clusterShares
	}
	var state State
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		state.Tags, err = describe(ctx, c, t)
		return err
	})
	g.Go(func() (err error) {
		state.Shared, err = attributes(ctx, c, t)
		return err
	})
	if err := g.Wait(); err != nil {
		return State{}, fmt.Errorf("read snapshot %s: %w", t.Snapshot, err)
	}
	return state, nil
}

func instanceTags(ctx context.Context, c client, t Target) (map[string]string, error) {
	const action = "rds:DescribeDBSnapshots"
	out, err := c.DescribeDBSnapshots(ctx, &rds.DescribeDBSnapshotsInput{DBSnapshotIdentifier: &t.Snapshot})
	if err != nil {
		return nil, explain(err, action)
	}
	if len(out.DBSnapshots) != 1 {
		return nil, notOne(action, len(out.DBSnapshots))
	}
	return tags(out.DBSnapshots[0].TagList), nil
}

func clusterTags(ctx context.Context, c client, t Target) (map[string]string, error) {
	const action = "rds:DescribeDBClusterSnapshots"
	out, err := c.DescribeDBClusterSnapshots(ctx, &rds.DescribeDBClusterSnapshotsInput{DBClusterSnapshotIdentifier: &t.Snapshot})
	if err != nil {
		return nil, explain(err, action)
	}
	if len(out.DBClusterSnapshots) != 1 {
		return nil, notOne(action, len(out.DBClusterSnapshots))
	}
	return tags(out.DBClusterSnapshots[0].TagList), nil
}

// notOne is an error because RDS says so when a snapshot is gone: it was not
// RDS that answered.
func notOne(action string, n int) error {
	return fmt.Errorf("%s: the answer holds %d snapshots, want the one asked for", action, n)
}

func tags(list []types.Tag) map[string]string {
	if len(list) == 0 {
		return nil
	}
	out := make(map[string]string, len(list))
	for _, tag := range list {
		out[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return out
}

func instanceShares(ctx context.Context, c client, t Target) ([]string, error) {
	const action = "rds:DescribeDBSnapshotAttributes"
	out, err := c.DescribeDBSnapshotAttributes(ctx, &rds.DescribeDBSnapshotAttributesInput{DBSnapshotIdentifier: &t.Snapshot})
	if err != nil {
		return nil, explain(err, action)
	}
	if r := out.DBSnapshotAttributesResult; r != nil {
		for _, a := range r.DBSnapshotAttributes {
			if aws.ToString(a.AttributeName) == restore {
				return shares(a.AttributeValues), nil
			}
		}
	}
	return nil, noAttribute(action)
}

func clusterShares(ctx context.Context, c client, t Target) ([]string, error) {
	const action = "rds:DescribeDBClusterSnapshotAttributes"
	out, err := c.DescribeDBClusterSnapshotAttributes(ctx, &rds.DescribeDBClusterSnapshotAttributesInput{DBClusterSnapshotIdentifier: &t.Snapshot})
	if err != nil {
		return nil, explain(err, action)
	}
	if r := out.DBClusterSnapshotAttributesResult; r != nil {
		for _, a := range r.DBClusterSnapshotAttributes {
			if aws.ToString(a.AttributeName) == restore {
				return shares(a.AttributeValues), nil
			}
		}
	}
	return nil, noAttribute(action)
}

// noAttribute is an error because RDS names the attribute when nobody may
// restore the snapshot, too.
func noAttribute(action string) error {
	return fmt.Errorf("%s: the answer holds no attribute %s", action, restore)
}

func shares(values []string) []string {
	out := slices.Sorted(slices.Values(values))
	if out == nil {
		out = []string{}
	}
	return slices.Compact(out)
}

// Apply makes the change's call. To add what is there, or to remove what is
// not, is no error to RDS.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	action := "rds:ModifyDBSnapshotAttribute"
	var err error
	if t.Cluster {
		action = "rds:ModifyDBClusterSnapshotAttribute"
		_, err = s.client(t.Ref()).ModifyDBClusterSnapshotAttribute(ctx, &rds.ModifyDBClusterSnapshotAttributeInput{
			DBClusterSnapshotIdentifier: &t.Snapshot, AttributeName: aws.String(restore), ValuesToAdd: c.Add, ValuesToRemove: c.Remove,
		})
	} else {
		_, err = s.client(t.Ref()).ModifyDBSnapshotAttribute(ctx, &rds.ModifyDBSnapshotAttributeInput{
			DBSnapshotIdentifier: &t.Snapshot, AttributeName: aws.String(restore), ValuesToAdd: c.Add, ValuesToRemove: c.Remove,
		})
	}
	if err = explain(err, action); err != nil {
		return fmt.Errorf("change who may restore snapshot %s: %w", t.Snapshot, err)
	}
	return nil
}
