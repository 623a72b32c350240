package functionstest

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

func kmsKey(ctx context.Context, events samples, account Account) (Stage, error) {
	api := kms.NewFromConfig(account.Config)
	key, err := api.CreateKey(ctx, &kms.CreateKeyInput{Description: aws.String("invoices")})
	if err != nil {
		return Stage{}, err
	}
	id := key.KeyMetadata.KeyId
	s, err := events.pair(account.ID, *id,
		"kms-key/schedule-deletion.json", "1234abcd-12ab-34cd-56ef-1234567890ab",
		"kms-key/schedule-denied.json", "1234abcd-12ab-34cd-56ef-1234567890ab")
	s.Spoil = func(ctx context.Context) error {
		_, err := api.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: id, PendingWindowInDays: aws.Int32(7)})
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		out, err := api.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: id})
		if err != nil {
			return nil, err
		}
		return []string{string(out.KeyMetadata.KeyState) + " " + aws.ToString(out.KeyMetadata.Description)}, nil
	}
	s.Bad = []string{"PendingDeletion invoices"}
	s.Good = []string{"Enabled invoices"}
	return s, err
}
