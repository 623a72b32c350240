package rdssnapshotsharing

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/smithy-go"
)

// fake is one snapshot, of an instance or of a cluster, with RDS's answers.
type fake struct {
	mu       sync.Mutex
	snapshot string // empty when there is none
	cluster  bool
	tags     []types.Tag
	shares   map[string]bool
	other    string            // the only attribute, if it is not restore
	copies   int               // how many more of it a look-up holds than there are
	fail     map[string]string // calls that fail, and with which code
}

func newFake(cluster bool) *fake {
	return &fake{snapshot: "orders-1", cluster: cluster, shares: map[string]bool{}, fail: map[string]string{}}
}

// enter is a call about a snapshot of one of the kinds.
func (f *fake) enter(call string, id *string, cluster bool) error {
	f.mu.Lock()
	switch {
	case f.fail[call] != "":
		return &smithy.GenericAPIError{Code: f.fail[call], Message: "no"}
	case aws.ToString(id) == f.snapshot && cluster == f.cluster:
		return nil
	case cluster:
		return &types.DBClusterSnapshotNotFoundFault{}
	}
	return &types.DBSnapshotNotFoundFault{}
}

func (f *fake) DescribeDBSnapshots(_ context.Context, in *rds.DescribeDBSnapshotsInput, _ ...func(*rds.Options)) (*rds.DescribeDBSnapshotsOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeDBSnapshots", in.DBSnapshotIdentifier, false); err != nil {
		return nil, err
	}
	found := types.DBSnapshot{DBSnapshotIdentifier: &f.snapshot, TagList: f.tags}
	return &rds.DescribeDBSnapshotsOutput{DBSnapshots: slices.Repeat([]types.DBSnapshot{found}, 1+f.copies)}, nil
}

func (f *fake) DescribeDBClusterSnapshots(_ context.Context, in *rds.DescribeDBClusterSnapshotsInput, _ ...func(*rds.Options)) (*rds.DescribeDBClusterSnapshotsOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeDBClusterSnapshots", in.DBClusterSnapshotIdentifier, true); err != nil {
		return nil, err
	}
	found := types.DBClusterSnapshot{DBClusterSnapshotIdentifier: &f.snapshot, TagList: f.tags}
	return &rds.DescribeDBClusterSnapshotsOutput{DBClusterSnapshots: slices.Repeat([]types.DBClusterSnapshot{found}, 1+f.copies)}, nil
}

// attribute gives the attribute's name and its values, in no order.
func (f *fake) attribute() (*string, []string) {
	if f.other != "" {
		return &f.other, nil
	}
	return aws.String("restore"), slices.Collect(maps.Keys(f.shares))
}

func (f *fake) DescribeDBSnapshotAttributes(_ context.Context, in *rds.DescribeDBSnapshotAttributesInput, _ ...func(*rds.Options)) (*rds.DescribeDBSnapshotAttributesOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeDBSnapshotAttributes", in.DBSnapshotIdentifier, false); err != nil {
		return nil, err
	}
	name, values := f.attribute()
	return &rds.DescribeDBSnapshotAttributesOutput{DBSnapshotAttributesResult: &types.DBSnapshotAttributesResult{
		DBSnapshotIdentifier: &f.snapshot, DBSnapshotAttributes: []types.DBSnapshotAttribute{{AttributeName: name, AttributeValues: values}},
	}}, nil
}

func (f *fake) DescribeDBClusterSnapshotAttributes(_ context.Context, in *rds.DescribeDBClusterSnapshotAttributesInput, _ ...func(*rds.Options)) (*rds.DescribeDBClusterSnapshotAttributesOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeDBClusterSnapshotAttributes", in.DBClusterSnapshotIdentifier, true); err != nil {
		return nil, err
	}
	name, values := f.attribute()
	return &rds.DescribeDBClusterSnapshotAttributesOutput{DBClusterSnapshotAttributesResult: &types.DBClusterSnapshotAttributesResult{
		DBClusterSnapshotIdentifier: &f.snapshot, DBClusterSnapshotAttributes: []types.DBClusterSnapshotAttribute{{AttributeName: name, AttributeValues: values}},
	}}, nil
}

func (f *fake) modify(attribute *string, add, remove []string) error {
	switch {
	case aws.ToString(attribute) != "restore":
		return &smithy.GenericAPIError{Code: "InvalidParameterValue", Message: "no such attribute"}
	case slices.ContainsFunc(add, func(s string) bool { return slices.Contains(remove, s) }):
		return &smithy.GenericAPIError{Code: "InvalidParameterCombination", Message: "in both lists"}
	}
	for _, s := range add {
		f.shares[s] = true
	}
	for _, s := range remove {
		delete(f.shares, s)
	}
	return nil
}

func (f *fake) ModifyDBSnapshotAttribute(_ context.Context, in *rds.ModifyDBSnapshotAttributeInput, _ ...func(*rds.Options)) (*rds.ModifyDBSnapshotAttributeOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ModifyDBSnapshotAttribute", in.DBSnapshotIdentifier, false); err != nil {
		return nil, err
	}
	return &rds.ModifyDBSnapshotAttributeOutput{}, f.modify(in.AttributeName, in.ValuesToAdd, in.ValuesToRemove)
}

func (f *fake) ModifyDBClusterSnapshotAttribute(_ context.Context, in *rds.ModifyDBClusterSnapshotAttributeInput, _ ...func(*rds.Options)) (*rds.ModifyDBClusterSnapshotAttributeOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ModifyDBClusterSnapshotAttribute", in.DBClusterSnapshotIdentifier, true); err != nil {
		return nil, err
	}
	return &rds.ModifyDBClusterSnapshotAttributeOutput{}, f.modify(in.AttributeName, in.ValuesToAdd, in.ValuesToRemove)
}

func awsTags(tags map[string]string) []types.Tag {
	var out []types.Tag
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	return out
}
