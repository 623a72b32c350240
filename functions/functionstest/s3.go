package functionstest

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	control "github.com/aws/aws-sdk-go-v2/service/s3control/types"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/s3account"
)

// bucket makes a bucket for a function, whose name no other account uses.
func bucket(ctx context.Context, account Account, function string) (*s3.Client, string, error) {
	api := s3.NewFromConfig(account.Config, func(o *s3.Options) { o.UsePathStyle = true })
	name := "acme-" + function + "-" + account.ID
	_, err := api.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name})
	return api, name, err
}

func bucketPolicy(ctx context.Context, events samples, account Account) (Stage, error) {
	api, name, err := bucket(ctx, account, "policy")
	if err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, name,
		"s3-bucket-policy/put-public-read.json", "acme-invoices",
		"s3-bucket-policy/put-denied.json", "TrailDiscover")
	if err != nil {
		return Stage{}, err
	}
	var call struct {
		Detail struct {
			Parameters struct {
				Policy json.RawMessage `json:"bucketPolicy"`
			} `json:"requestParameters"`
		} `json:"detail"`
	}
	if err := json.Unmarshal(s.Event, &call); err != nil {
		return Stage{}, err
	}
	s.Spoil = func(ctx context.Context) error {
		_, err := api.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &name, Policy: aws.String(string(call.Detail.Parameters.Policy))})
		return err
	}
	s.State = func(ctx context.Context) (sids []string, err error) {
		out, err := api.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &name})
		if err != nil {
			return nil, err
		}
		var policy struct{ Statement []struct{ Sid string } }
		if err := json.Unmarshal([]byte(*out.Policy), &policy); err != nil {
			return nil, err
		}
		for _, s := range policy.Statement {
			sids = append(sids, s.Sid)
		}
		return sids, nil
	}
	s.Bad = []string{"TLSOnly", "PublicRead"}
	s.Good = []string{"TLSOnly"}
	return s, nil
}

func accessBlock(ctx context.Context, events samples, account Account) (Stage, error) {
	api, name, err := bucket(ctx, account, "block")
	if err != nil {
		return Stage{}, err
	}
	_, err = api.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
		Bucket: &name, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{BlockPublicAcls: aws.Bool(true)},
	})
	if err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, name,
		"s3-public-access-block/delete.json", "acme-invoices",
		"s3-public-access-block/delete-denied.json", "acme-invoices")
	s.Spoil = func(ctx context.Context) error {
		_, err := api.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: &name})
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		out, err := api.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: &name})
		if cloud.HasCode(err, "NoSuchPublicAccessBlockConfiguration") {
			return []string{"none"}, nil
		}
		if err != nil {
			return nil, err
		}
		c := out.PublicAccessBlockConfiguration
		return []string{fmt.Sprint(*c.BlockPublicAcls, *c.IgnorePublicAcls, *c.BlockPublicPolicy, *c.RestrictPublicBuckets)}, nil
	}
	s.Bad = []string{"none"}
	s.Good = []string{"true true true true"}
	return s, err
}

func bucketVersioning(ctx context.Context, events samples, account Account) (Stage, error) {
	api, name, err := bucket(ctx, account, "versioning")
	if err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, name,
		"s3-bucket-versioning/suspend.json", "acme-invoices",
		"s3-bucket-versioning/suspend-denied.json", "acme-invoices")
	s.Spoil = func(ctx context.Context) error {
		_, err := api.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
			Bucket: &name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended},
		})
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		out, err := api.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &name})
		if err != nil {
			return nil, err
		}
		return []string{string(out.Status)}, nil
	}
	s.Bad = []string{"Suspended"}
	s.Good = []string{"Enabled"}
	return s, err
}

func accountBlock(ctx context.Context, events samples, account Account) (Stage, error) {
	api := s3account.NewClient(account.Config)
	_, err := api.PutPublicAccessBlock(ctx, &s3control.PutPublicAccessBlockInput{
		AccountId: &account.ID, PublicAccessBlockConfiguration: &control.PublicAccessBlockConfiguration{BlockPublicAcls: aws.Bool(true)},
	})
	if err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, account.ID,
		"s3-account-access-block/delete.json", "111122223333",
		"s3-account-access-block/delete-denied.json", "111122223333")
	s.Spoil = func(ctx context.Context) error {
		_, err := api.DeletePublicAccessBlock(ctx, &s3control.DeletePublicAccessBlockInput{AccountId: &account.ID})
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		out, err := api.GetPublicAccessBlock(ctx, &s3control.GetPublicAccessBlockInput{AccountId: &account.ID})
		if cloud.HasCode(err, "NoSuchPublicAccessBlockConfiguration") {
			return []string{"none"}, nil
		}
		if err != nil {
			return nil, err
		}
		c := out.PublicAccessBlockConfiguration
		return []string{fmt.Sprint(*c.BlockPublicAcls, *c.IgnorePublicAcls, *c.BlockPublicPolicy, *c.RestrictPublicBuckets)}, nil
	}
	s.Bad = []string{"none"}
	s.Good = []string{"true true true true"}
	return s, err
}
