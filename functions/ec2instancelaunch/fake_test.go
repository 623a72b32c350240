package ec2instancelaunch

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

// fake is an EC2 with one instance, tagged team=web, that has one interface,
// and with one elastic address.
type fake struct {
	mu       sync.Mutex
	gone     bool
	unlisted bool // filters don't see the interface yet
	options  types.InstanceMetadataOptionsResponse
	assigns  bool // EC2 assigns an address where there is no elastic one
	elastic  bool
	fail     map[string]string // calls that fail, and with which code
}

const (
	fakeInstance    = "i-0fake"
	fakeInterface   = "eni-0fake"
	fakeAllocation  = "eipalloc-0fake"
	fakeAssociation = "eipassoc-0fake"
	fakeAddress     = "10.0.0.4"
)

func newFake() *fake {
	return &fake{options: types.InstanceMetadataOptionsResponse{HttpEndpoint: "enabled", HttpTokens: "required"}, fail: map[string]string{}}
}

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "no"} }

func (f *fake) enter(call string) error {
	f.mu.Lock()
	if code := f.fail[call]; code != "" {
		return apiError(code)
	}
	return nil
}

func (f *fake) DescribeInstances(_ context.Context, in *ec2.DescribeInstancesInput, _ ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeInstances"); err != nil {
		return nil, err
	}
	if f.gone || in.InstanceIds[0] != fakeInstance {
		return nil, apiError("InvalidInstanceID.NotFound")
	}
	options := f.options
	return &ec2.DescribeInstancesOutput{Reservations: []types.Reservation{{Instances: []types.Instance{{
		InstanceId: aws.String(fakeInstance), State: &types.InstanceState{Name: "running"}, MetadataOptions: &options,
		Tags:              []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}},
		NetworkInterfaces: []types.InstanceNetworkInterface{{NetworkInterfaceId: aws.String(fakeInterface)}},
	}}}}}, nil
}

func (f *fake) DescribeNetworkInterfaces(_ context.Context, in *ec2.DescribeNetworkInterfacesInput, _ ...func(*ec2.Options)) (*ec2.DescribeNetworkInterfacesOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeNetworkInterfaces"); err != nil {
		return nil, err
	}
	if f.gone || f.unlisted || in.Filters[0].Values[0] != fakeInstance {
		return &ec2.DescribeNetworkInterfacesOutput{}, nil
	}
	i := types.NetworkInterface{
		NetworkInterfaceId: aws.String(fakeInterface), SubnetId: aws.String("subnet-1"), VpcId: aws.String("vpc-1"), PrivateIpAddress: aws.String(fakeAddress),
	}
	switch {
	case f.elastic:
		i.Association = &types.NetworkInterfaceAssociation{
			PublicIp: aws.String("203.0.113.7"), AllocationId: aws.String(fakeAllocation), AssociationId: aws.String(fakeAssociation), IpOwnerId: aws.String("111122223333"),
		}
	case f.assigns:
		i.Association = &types.NetworkInterfaceAssociation{PublicIp: aws.String("198.51.100.9"), IpOwnerId: aws.String("amazon")}
	}
	i.PrivateIpAddresses = []types.NetworkInterfacePrivateIpAddress{
		{PrivateIpAddress: i.PrivateIpAddress, Primary: aws.Bool(true), Association: i.Association},
		{PrivateIpAddress: aws.String("10.0.0.5"), Primary: aws.Bool(false)},
	}
	return &ec2.DescribeNetworkInterfacesOutput{NetworkInterfaces: []types.NetworkInterface{i}}, nil
}

func (f *fake) ModifyInstanceMetadataOptions(_ context.Context, in *ec2.ModifyInstanceMetadataOptionsInput, _ ...func(*ec2.Options)) (*ec2.ModifyInstanceMetadataOptionsOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ModifyInstanceMetadataOptions"); err != nil {
		return nil, err
	}
	f.options.HttpTokens = types.HttpTokensState(cmpOr(string(in.HttpTokens), string(f.options.HttpTokens)))
	return &ec2.ModifyInstanceMetadataOptionsOutput{}, nil
}

func (f *fake) ModifyNetworkInterfaceAttribute(_ context.Context, in *ec2.ModifyNetworkInterfaceAttributeInput, _ ...func(*ec2.Options)) (*ec2.ModifyNetworkInterfaceAttributeOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ModifyNetworkInterfaceAttribute"); err != nil {
		return nil, err
	}
	f.assigns = *in.AssociatePublicIpAddress
	return &ec2.ModifyNetworkInterfaceAttributeOutput{}, nil
}

func (f *fake) DisassociateAddress(_ context.Context, in *ec2.DisassociateAddressInput, _ ...func(*ec2.Options)) (*ec2.DisassociateAddressOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DisassociateAddress"); err != nil {
		return nil, err
	}
	if !f.elastic || *in.AssociationId != fakeAssociation {
		return nil, apiError(codeNoAssociation)
	}
	f.elastic = false
	return &ec2.DisassociateAddressOutput{}, nil
}

func (f *fake) AssociateAddress(_ context.Context, in *ec2.AssociateAddressInput, _ ...func(*ec2.Options)) (*ec2.AssociateAddressOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("AssociateAddress"); err != nil {
		return nil, err
	}
	if *in.AllocationId != fakeAllocation || *in.NetworkInterfaceId != fakeInterface || aws.ToBool(in.AllowReassociation) {
		return nil, apiError("InvalidParameterValue")
	}
	f.elastic = true
	return &ec2.AssociateAddressOutput{AssociationId: aws.String(fakeAssociation)}, nil
}
