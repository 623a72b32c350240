package functionstest

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	"github.com/aws/aws-sdk-go-v2/service/guardduty/types"
)

func detector(ctx context.Context, events samples, account Account) (Stage, error) {
	api := guardduty.NewFromConfig(account.Config)
	made, err := api.CreateDetector(ctx, &guardduty.CreateDetectorInput{
		Enable: aws.Bool(true), FindingPublishingFrequency: types.FindingPublishingFrequencyOneHour, Tags: map[string]string{"team": "security"},
	})
	if err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, *made.DetectorId,
		"guardduty-detector/suspend.json", "12abc34d567e8fa901bc2d34e56789f0",
		"guardduty-detector/update-denied.json", "TrailDiscoverDetectorId")
	s.Spoil = func(ctx context.Context) error {
		_, err := api.UpdateDetector(ctx, &guardduty.UpdateDetectorInput{DetectorId: made.DetectorId, Enable: aws.Bool(false)})
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		out, err := api.GetDetector(ctx, &guardduty.GetDetectorInput{DetectorId: made.DetectorId})
		if err != nil {
			return nil, err
		}
		return []string{string(out.Status), fmt.Sprint(out.FindingPublishingFrequency, " ", out.Tags)}, nil
	}
	s.Bad = []string{"DISABLED", "ONE_HOUR map[team:security]"}
	s.Good = []string{"ENABLED", "ONE_HOUR map[team:security]"}
	return s, err
}
