package functionstest

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
)

func trail(ctx context.Context, events samples, account Account) (Stage, error) {
	_, logs, err := bucket(ctx, account, "trail")
	if err != nil {
		return Stage{}, err
	}
	api := cloudtrail.NewFromConfig(account.Config)
	name := aws.String("acme-audit")
	_, err = api.CreateTrail(ctx, &cloudtrail.CreateTrailInput{
		Name: name, S3BucketName: &logs, IsMultiRegionTrail: aws.Bool(true), EnableLogFileValidation: aws.Bool(true),
	})
	if err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, *name,
		"cloudtrail-logging/stop-by-name.json", "acme-audit",
		"cloudtrail-logging/stop-denied.json", "TrailDiscover")
	s.Spoil = func(ctx context.Context) error {
		_, err := api.StopLogging(ctx, &cloudtrail.StopLoggingInput{Name: name})
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		out, err := api.GetTrail(ctx, &cloudtrail.GetTrailInput{Name: name})
		if err != nil {
			return nil, err
		}
		status, err := api.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: name})
		if err != nil {
			return nil, err
		}
		t := out.Trail
		return []string{
			fmt.Sprint("logging ", *status.IsLogging),
			fmt.Sprint("regions ", *t.IsMultiRegionTrail, " validation ", *t.LogFileValidationEnabled, " bucket ", *t.S3BucketName == logs),
		}, nil
	}
	s.Bad = []string{"logging false", "regions true validation true bucket true"}
	s.Good = []string{"logging true", "regions true validation true bucket true"}
	return s, err
}
