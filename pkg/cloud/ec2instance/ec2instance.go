// Package ec2instance is what the stores of functions for EC2 instances share:
// how an instance is found, and how its metadata options are set.
package ec2instance

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/imds"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Client is the part of EC2's API that the package calls.
type Client interface {
	DescribeInstances(context.Context, *ec2.DescribeInstancesInput, ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error)
	ModifyInstanceMetadataOptions(context.Context, *ec2.ModifyInstanceMetadataOptionsInput, ...func(*ec2.Options)) (*ec2.ModifyInstanceMetadataOptionsOutput, error)
}

// CodeGone is EC2's code for an instance that is not there.
const CodeGone = "InvalidInstanceID.NotFound"

// Instance is what functions read of an instance.
type Instance struct {
	types.Instance
	Options imds.Options
	Labels  map[string]string // its tags
}

// Find gives an instance. One that is terminated, or about to be, is
// [remedy.ErrGone]: EC2 still tells of it for a while. Errors name the IAM
// action that failed.
func Find(ctx context.Context, c Client, id string) (Instance, error) {
	const action = "ec2:DescribeInstances"
	out, err := c.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		return Instance{}, cloud.Explain(err, action, CodeGone)
	}
	if len(out.Reservations) != 1 || len(out.Reservations[0].Instances) != 1 {
		// EC2 says so when an instance is gone: it was not EC2 that answered.
		return Instance{}, errors.New(action + ": the answer does not hold the one instance that was asked for")
	}
	i := Instance{Instance: out.Reservations[0].Instances[0]}
	if i.State == nil || i.MetadataOptions == nil {
		return Instance{}, errors.New(action + ": the answer holds no state or no metadata options of the instance")
	}
	switch i.State.Name {
	case types.InstanceStateNameShuttingDown, types.InstanceStateNameTerminated:
		return Instance{}, fmt.Errorf("the instance is %s: %w", i.State.Name, remedy.ErrGone)
	}
	i.Options = imds.Options{Endpoint: string(i.MetadataOptions.HttpEndpoint), Tokens: string(i.MetadataOptions.HttpTokens)}
	for _, tag := range i.Tags {
		if i.Labels == nil {
			i.Labels = make(map[string]string, len(i.Tags))
		}
		i.Labels[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return i, nil
}

// SetOptions makes the change's call, which may be made again. EC2 refuses it
// while an instance is starting; that may be tried again too.
func SetOptions(ctx context.Context, c Client, change imds.Change) error {
	_, err := c.ModifyInstanceMetadataOptions(ctx, &ec2.ModifyInstanceMetadataOptionsInput{
		InstanceId:   &change.Instance,
		HttpEndpoint: types.InstanceMetadataEndpointState(change.Endpoint),
		HttpTokens:   types.HttpTokensState(change.Tokens),
	})
	return cloud.Explain(err, "ec2:ModifyInstanceMetadataOptions", CodeGone)
}
