package ec2imagesharing

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

// fake is one image, with EC2's answers.
type fake struct {
	mu          sync.Mutex
	image       string // empty when there is none
	fading      bool   // it was deregistered a moment ago: EC2 still knows its id
	disabled    bool
	tags        []types.Tag
	permissions map[entry]bool
	fail        map[string]string // calls that fail, and with which code
}

// entry is a launch permission.
type entry struct{ kind, name string }

func newFake() *fake {
	return &fake{image: "ami-0fake", permissions: map[entry]bool{}, fail: map[string]string{}}
}

func (f *fake) enter(call, image string) error {
	f.mu.Lock()
	switch {
	case f.fail[call] != "":
		return &smithy.GenericAPIError{Code: f.fail[call], Message: "no"}
	case f.fading && call != "DescribeImages":
		return &smithy.GenericAPIError{Code: "InvalidAMIID.Unavailable", Message: "no longer available"}
	case image != f.image:
		return &smithy.GenericAPIError{Code: "InvalidAMIID.NotFound", Message: "gone"}
	}
	return nil
}

func (f *fake) DescribeImages(_ context.Context, in *ec2.DescribeImagesInput, _ ...func(*ec2.Options)) (*ec2.DescribeImagesOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeImages", in.ImageIds[0]); err != nil {
		return nil, err
	}
	if f.fading || f.disabled && !aws.ToBool(in.IncludeDisabled) {
		return &ec2.DescribeImagesOutput{}, nil
	}
	return &ec2.DescribeImagesOutput{Images: []types.Image{{ImageId: &f.image, OwnerId: aws.String("111122223333"), Tags: f.tags}}}, nil
}

func (f *fake) DescribeImageAttribute(_ context.Context, in *ec2.DescribeImageAttributeInput, _ ...func(*ec2.Options)) (*ec2.DescribeImageAttributeOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeImageAttribute", *in.ImageId); err != nil {
		return nil, err
	}
	out := &ec2.DescribeImageAttributeOutput{ImageId: in.ImageId}
	for e := range f.permissions { // in no order
		var p types.LaunchPermission
		switch e.kind {
		case group:
			p.Group = types.PermissionGroup(e.name)
		case account:
			p.UserId = &e.name
		case organization:
			p.OrganizationArn = &e.name
		case unit:
			p.OrganizationalUnitArn = &e.name
		}
		out.LaunchPermissions = append(out.LaunchPermissions, p)
	}
	return out, nil
}

func (f *fake) ModifyImageAttribute(_ context.Context, in *ec2.ModifyImageAttributeInput, _ ...func(*ec2.Options)) (*ec2.ModifyImageAttributeOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ModifyImageAttribute", *in.ImageId); err != nil {
		return nil, err
	}
	if in.LaunchPermission == nil || len(in.LaunchPermission.Add)+len(in.LaunchPermission.Remove) == 0 {
		return nil, &smithy.GenericAPIError{Code: "InvalidParameterCombination", Message: "No attributes specified."}
	}
	for _, p := range in.LaunchPermission.Add {
		f.permissions[entryOf(p)] = true
	}
	for _, p := range in.LaunchPermission.Remove {
		delete(f.permissions, entryOf(p))
	}
	return &ec2.ModifyImageAttributeOutput{}, nil
}

func entryOf(p types.LaunchPermission) entry {
	switch {
	case p.UserId != nil:
		return entry{account, *p.UserId}
	case p.OrganizationArn != nil:
		return entry{organization, *p.OrganizationArn}
	case p.OrganizationalUnitArn != nil:
		return entry{unit, *p.OrganizationalUnitArn}
	}
	return entry{group, string(p.Group)}
}

func awsTags(tags map[string]string) []types.Tag {
	var out []types.Tag
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	return out
}
