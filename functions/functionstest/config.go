package functionstest

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	"github.com/aws/aws-sdk-go-v2/service/configservice/types"
)

func recorder(ctx context.Context, events samples, account Account) (Stage, error) {
	api := configservice.NewFromConfig(account.Config)
	name := aws.String("default")
	_, err := api.PutConfigurationRecorder(ctx, &configservice.PutConfigurationRecorderInput{ConfigurationRecorder: &types.ConfigurationRecorder{
		Name: name, RoleARN: aws.String("arn:aws:iam::" + account.ID + ":role/config"), RecordingGroup: &types.RecordingGroup{AllSupported: true},
	}})
	if err != nil {
		return Stage{}, err
	}
	_, err = api.PutDeliveryChannel(ctx, &configservice.PutDeliveryChannelInput{DeliveryChannel: &types.DeliveryChannel{
		Name: name, S3BucketName: aws.String("acme-config"),
	}})
	if err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, *name,
		"config-recorder/stop.json", "default",
		"config-recorder/stop-denied.json", "default")
	s.Spoil = func(ctx context.Context) error {
		_, err := api.StopConfigurationRecorder(ctx, &configservice.StopConfigurationRecorderInput{ConfigurationRecorderName: name})
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		out, err := api.DescribeConfigurationRecorders(ctx, &configservice.DescribeConfigurationRecordersInput{})
		if err != nil {
			return nil, err
		}
		status, err := api.DescribeConfigurationRecorderStatus(ctx, &configservice.DescribeConfigurationRecorderStatusInput{})
		if err != nil {
			return nil, err
		}
		channels, err := api.DescribeDeliveryChannels(ctx, &configservice.DescribeDeliveryChannelsInput{})
		if err != nil {
			return nil, err
		}
		return []string{
			fmt.Sprint("recording ", status.ConfigurationRecordersStatus[0].Recording),
			fmt.Sprint("all ", out.ConfigurationRecorders[0].RecordingGroup.AllSupported, " to ", *channels.DeliveryChannels[0].S3BucketName),
		}, nil
	}
	s.Bad = []string{"recording false", "all true to acme-config"}
	s.Good = []string{"recording true", "all true to acme-config"}
	return s, err
}
