package functionstest

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// launch starts one instance, and gives its id and how EC2
// describes it then.
func launch(ctx context.Context, api *ec2.Client, in ec2.RunInstancesInput) (id string, describe func(context.Context) (types.Instance, error), err error) {
	in.ImageId, in.MinCount, in.MaxCount = aws.String("ami-0123456789abcdef0"), aws.Int32(1), aws.Int32(1)
	made, err := api.RunInstances(ctx, &in)
	if err != nil {
		return "", nil, err
	}
	id = *made.Instances[0].InstanceId
	return id, func(ctx context.Context) (types.Instance, error) {
		out, err := api.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
		if err != nil {
			return types.Instance{}, err
		}
		return out.Reservations[0].Instances[0], nil
	}, nil
}

func metadataOptions(i types.Instance) string {
	o := i.MetadataOptions
	return fmt.Sprintf("endpoint %s, tokens %s, %d hops, tags %s", o.HttpEndpoint, o.HttpTokens, aws.ToInt32(o.HttpPutResponseHopLimit), o.InstanceMetadataTags)
}

func instanceMetadata(ctx context.Context, events samples, account Account) (Stage, error) {
	api := ec2.NewFromConfig(account.Config)
	id, describe, err := launch(ctx, api, ec2.RunInstancesInput{MetadataOptions: &types.InstanceMetadataOptionsRequest{
		HttpTokens: types.HttpTokensStateRequired, HttpPutResponseHopLimit: aws.Int32(2), InstanceMetadataTags: types.InstanceMetadataTagsStateEnabled,
	}})
	if err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, id,
		"ec2-instance-metadata/tokens-optional.json", "i-0123456789abcdef0",
		"ec2-instance-metadata/modify-denied.json", "i-0123456789abcdef0")
	s.Spoil = func(ctx context.Context) error {
		_, err := api.ModifyInstanceMetadataOptions(ctx, &ec2.ModifyInstanceMetadataOptionsInput{InstanceId: &id, HttpTokens: types.HttpTokensStateOptional})
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		i, err := describe(ctx)
		if err != nil {
			return nil, err
		}
		return []string{metadataOptions(i)}, nil
	}
	s.Bad = []string{"endpoint enabled, tokens optional, 2 hops, tags enabled"}
	s.Good = []string{"endpoint enabled, tokens required, 2 hops, tags enabled"}
	return s, err
}

func instanceLaunch(ctx context.Context, events samples, account Account) (Stage, error) {
	api := ec2.NewFromConfig(account.Config)
	id, describe, err := launch(ctx, api, ec2.RunInstancesInput{
		MetadataOptions:   &types.InstanceMetadataOptionsRequest{HttpTokens: types.HttpTokensStateOptional, HttpPutResponseHopLimit: aws.Int32(2)},
		NetworkInterfaces: []types.InstanceNetworkInterfaceSpecification{{DeviceIndex: aws.Int32(0), AssociatePublicIpAddress: aws.Bool(true)}},
	})
	if err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, id,
		"ec2-instance-launch/public-with-imdsv1.json", "i-0123456789abcdef0",
		"ec2-instance-launch/dry-run.json", "i-0123456789abcdef0")
	s.Spoil = func(ctx context.Context) error { // it is launched so; the second time it must be made so
		_, err := api.ModifyInstanceMetadataOptions(ctx, &ec2.ModifyInstanceMetadataOptionsInput{InstanceId: &id, HttpTokens: types.HttpTokensStateOptional})
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		i, err := describe(ctx)
		if err != nil {
			return nil, err
		}
		a := i.NetworkInterfaces[0].Association
		return []string{string(i.State.Name), metadataOptions(i), fmt.Sprint("public ", a != nil && a.PublicIp != nil)}, nil
	}
	s.Bad = []string{"running", "endpoint enabled, tokens optional, 2 hops, tags disabled", "public true"}
	s.Good = []string{"running", "endpoint enabled, tokens required, 2 hops, tags disabled", "public false"}
	return s, err
}
