package functionstest

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

func defaultEncryption(ctx context.Context, events samples, account Account) (Stage, error) {
	const key = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	api := ec2.NewFromConfig(account.Config)
	if _, err := api.ModifyEbsDefaultKmsKeyId(ctx, &ec2.ModifyEbsDefaultKmsKeyIdInput{KmsKeyId: aws.String(key)}); err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, "",
		"ebs-default-encryption/disable.json", "no resource is named",
		"ebs-default-encryption/disable-denied.json", "no resource is named")
	s.Spoil = func(ctx context.Context) error {
		_, err := api.DisableEbsEncryptionByDefault(ctx, &ec2.DisableEbsEncryptionByDefaultInput{})
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		setting, err := api.GetEbsEncryptionByDefault(ctx, &ec2.GetEbsEncryptionByDefaultInput{})
		if err != nil {
			return nil, err
		}
		key, err := api.GetEbsDefaultKmsKeyId(ctx, &ec2.GetEbsDefaultKmsKeyIdInput{})
		if err != nil {
			return nil, err
		}
		return []string{fmt.Sprint(aws.ToBool(setting.EbsEncryptionByDefault)), aws.ToString(key.KmsKeyId)}, nil
	}
	s.Bad = []string{"false", key}
	s.Good = []string{"true", key}
	return s, err
}

func snapshotBlock(_ context.Context, events samples, account Account) (Stage, error) {
	api := ec2.NewFromConfig(account.Config)
	s, err := events.pair(account.ID, "",
		"ebs-snapshot-access-block/disable.json", "no resource is named",
		"ebs-snapshot-access-block/disable-denied.json", "no resource is named")
	s.Spoil = func(ctx context.Context) error {
		_, err := api.DisableSnapshotBlockPublicAccess(ctx, &ec2.DisableSnapshotBlockPublicAccessInput{})
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		out, err := api.GetSnapshotBlockPublicAccessState(ctx, &ec2.GetSnapshotBlockPublicAccessStateInput{})
		if err != nil {
			return nil, err
		}
		return []string{string(out.State)}, nil
	}
	s.Bad = []string{"unblocked"}
	s.Good = []string{"block-all-sharing"}
	return s, err
}

func imageBlock(_ context.Context, events samples, account Account) (Stage, error) {
	api := ec2.NewFromConfig(account.Config)
	s, err := events.pair(account.ID, "",
		"ec2-image-access-block/disable.json", "no resource is named",
		"ec2-image-access-block/disable-denied.json", "no resource is named")
	s.Spoil = func(ctx context.Context) error {
		_, err := api.DisableImageBlockPublicAccess(ctx, &ec2.DisableImageBlockPublicAccessInput{})
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		out, err := api.GetImageBlockPublicAccessState(ctx, &ec2.GetImageBlockPublicAccessStateInput{})
		if err != nil {
			return nil, err
		}
		return []string{aws.ToString(out.ImageBlockPublicAccessState)}, nil
	}
	s.Bad = []string{"unblocked"}
	s.Good = []string{"block-new-sharing"}
	return s, err
}
