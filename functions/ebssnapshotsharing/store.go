package ebssnapshotsharing

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is the part of EC2's API that the store calls.
type client interface {
	DescribeSnapshots(context.Context, *ec2.DescribeSnapshotsInput, ...func(*ec2.Options)) (*ec2.DescribeSnapshotsOutput, error)
	DescribeSnapshotAttribute(context.Context, *ec2.DescribeSnapshotAttributeInput, ...func(*ec2.Options)) (*ec2.DescribeSnapshotAttributeOutput, error)
	ModifySnapshotAttribute(context.Context, *ec2.ModifySnapshotAttributeInput, ...func(*ec2.Options)) (*ec2.ModifySnapshotAttributeOutput, error)
}

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return ec2.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes who may use snapshots.
type store struct {
	client func(remedy.Ref) client
}

const codeNoSnapshot = "InvalidSnapshot.NotFound"

// Read gives the snapshot's permissions, owner and tags, in one round of two calls.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	var snapshot types.Snapshot
	var permissions []types.CreateVolumePermission
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		out, err := c.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: []string{t.SnapshotID}})
		if err != nil {
			return cloud.Explain(err, "ec2:DescribeSnapshots", codeNoSnapshot)
		}
		if len(out.Snapshots) != 1 {
			// EC2 says so when a snapshot is gone: it was not EC2 that answered.
			return fmt.Errorf("ec2:DescribeSnapshots: the answer holds %d snapshots, want the one asked for", len(out.Snapshots))
		}
		snapshot = out.Snapshots[0]
		return nil
	})
	g.Go(func() error {
		out, err := c.DescribeSnapshotAttribute(ctx, &ec2.DescribeSnapshotAttributeInput{
			SnapshotId: &t.SnapshotID, Attribute: types.SnapshotAttributeNameCreateVolumePermission,
		})
		if err != nil {
			return cloud.Explain(err, "ec2:DescribeSnapshotAttribute", codeNoSnapshot)
		}
		permissions = out.CreateVolumePermissions
		return nil
	})
	if err := g.Wait(); err != nil {
		return State{}, fmt.Errorf("read snapshot %s: %w", t.SnapshotID, err)
	}
	state := State{Accounts: []string{}, Owner: aws.ToString(snapshot.OwnerId)}
	for _, p := range permissions {
		switch {
		case p.Group == types.PermissionGroupAll:
			state.Public = true
		case p.UserId != nil:
			state.Accounts = append(state.Accounts, *p.UserId)
		default:
			return State{}, fmt.Errorf("read snapshot %s: it is shared with group %q, which is not known here", t.SnapshotID, p.Group)
		}
	}
	slices.Sort(state.Accounts)
	for _, tag := range snapshot.Tags {
		if state.Tags == nil {
			state.Tags = make(map[string]string, len(snapshot.Tags))
		}
		state.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return state, nil
}

// Apply makes the change's call. To add what is there, or to remove what is
// not, is no error to EC2.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	_, err := s.client(t.Ref()).ModifySnapshotAttribute(ctx, &ec2.ModifySnapshotAttributeInput{
		SnapshotId:    &c.Snapshot,
		Attribute:     types.SnapshotAttributeNameCreateVolumePermission,
		OperationType: types.OperationType(c.Operation),
		GroupNames:    c.Groups,
		UserIds:       c.Accounts,
	})
	return cloud.Explain(err, "ec2:ModifySnapshotAttribute", codeNoSnapshot)
}
