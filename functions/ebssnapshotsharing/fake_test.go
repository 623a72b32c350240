package ebssnapshotsharing

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

// fake is one snapshot, with EC2's answers.
type fake struct {
	mu       sync.Mutex
	snapshot string // empty when there is none
	tags     []types.Tag
	groups   map[string]bool
	accounts map[string]bool
	deny     string // the call that is refused
}

func newFake() *fake {
	return &fake{snapshot: "snap-0fake", groups: map[string]bool{}, accounts: map[string]bool{}}
}

func (f *fake) enter(call, snapshot string) error {
	f.mu.Lock()
	switch {
	case call == f.deny:
		return &smithy.GenericAPIError{Code: "UnauthorizedOperation", Message: "no"}
	case snapshot != f.snapshot:
		return &smithy.GenericAPIError{Code: "InvalidSnapshot.NotFound", Message: "gone"}
	}
	return nil
}

func (f *fake) DescribeSnapshots(_ context.Context, in *ec2.DescribeSnapshotsInput, _ ...func(*ec2.Options)) (*ec2.DescribeSnapshotsOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeSnapshots", in.SnapshotIds[0]); err != nil {
		return nil, err
	}
	return &ec2.DescribeSnapshotsOutput{Snapshots: []types.Snapshot{{OwnerId: aws.String("111122223333"), Tags: f.tags}}}, nil
}

func (f *fake) DescribeSnapshotAttribute(_ context.Context, in *ec2.DescribeSnapshotAttributeInput, _ ...func(*ec2.Options)) (*ec2.DescribeSnapshotAttributeOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeSnapshotAttribute", *in.SnapshotId); err != nil {
		return nil, err
	}
	out := &ec2.DescribeSnapshotAttributeOutput{}
	for g := range f.groups {
		out.CreateVolumePermissions = append(out.CreateVolumePermissions, types.CreateVolumePermission{Group: types.PermissionGroup(g)})
	}
	for a := range f.accounts { // in no order
		out.CreateVolumePermissions = append(out.CreateVolumePermissions, types.CreateVolumePermission{UserId: aws.String(a)})
	}
	return out, nil
}

func (f *fake) ModifySnapshotAttribute(_ context.Context, in *ec2.ModifySnapshotAttributeInput, _ ...func(*ec2.Options)) (*ec2.ModifySnapshotAttributeOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ModifySnapshotAttribute", *in.SnapshotId); err != nil {
		return nil, err
	}
	if len(in.GroupNames) > 0 && len(in.UserIds) > 0 || len(in.UserIds) > 500 {
		return nil, &smithy.GenericAPIError{Code: "InvalidParameterCombination", Message: "one kind a call, 500 at most"}
	}
	edit := func(set map[string]bool, keys []string) {
		for _, k := range keys {
			if in.OperationType == types.OperationTypeAdd {
				set[k] = true
			} else {
				delete(set, k)
			}
		}
	}
	edit(f.groups, in.GroupNames)
	edit(f.accounts, in.UserIds)
	return &ec2.ModifySnapshotAttributeOutput{}, nil
}

func awsTags(tags map[string]string) []types.Tag {
	var out []types.Tag
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	return out
}
