package functionstest

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func bucketACL(ctx context.Context, events samples, account Account) (Stage, error) {
	api, name, err := bucket(ctx, account, "acl")
	if err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, name,
		"s3-bucket-acl/put-canned-public-read.json", "acme-invoices",
		"s3-bucket-acl/put-denied.json", "acme-invoices")
	s.Spoil = func(ctx context.Context) error {
		_, err := api.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: &name, ACL: types.BucketCannedACLPublicRead})
		return err
	}
	s.State = func(ctx context.Context) (grants []string, err error) {
		out, err := api.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: &name})
		if err != nil {
			return nil, err
		}
		for _, g := range out.Grants {
			grants = append(grants, strings.TrimPrefix(aws.ToString(g.Grantee.URI)+" "+string(g.Permission), "http://acs.amazonaws.com/groups/"))
		}
		return grants, nil
	}
	s.Bad = []string{" FULL_CONTROL", "global/AllUsers READ"}
	s.Good = []string{" FULL_CONTROL"}
	return s, err
}

// bucketLogging has a target that the policy's parameters or a baseline name:
// an event of the good state comes before the bad change.
func bucketLogging(ctx context.Context, events samples, account Account) (Stage, error) {
	api, name, err := bucket(ctx, account, "logging")
	if err != nil {
		return Stage{}, err
	}
	_, logs, err := bucket(ctx, account, "logs")
	if err != nil {
		return Stage{}, err
	}
	if _, err := api.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: &logs, ACL: types.BucketCannedACL("log-delivery-write")}); err != nil {
		return Stage{}, err
	}
	put := func(ctx context.Context, on *types.LoggingEnabled) error {
		_, err := api.PutBucketLogging(ctx, &s3.PutBucketLoggingInput{Bucket: &name, BucketLoggingStatus: &types.BucketLoggingStatus{LoggingEnabled: on}})
		return err
	}
	if err := put(ctx, &types.LoggingEnabled{TargetBucket: &logs, TargetPrefix: aws.String("invoices/")}); err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, name,
		"s3-bucket-logging/put-off.json", "acme-invoices",
		"s3-bucket-logging/put-denied.json", "acme-invoices")
	s.Learn = again(s.Event)
	s.Spoil = func(ctx context.Context) error { return put(ctx, nil) }
	s.State = func(ctx context.Context) ([]string, error) {
		out, err := api.GetBucketLogging(ctx, &s3.GetBucketLoggingInput{Bucket: &name})
		if err != nil {
			return nil, err
		}
		if out.LoggingEnabled == nil {
			return []string{"off"}, nil
		}
		return []string{*out.LoggingEnabled.TargetBucket + " " + aws.ToString(out.LoggingEnabled.TargetPrefix)}, nil
	}
	s.Bad = []string{"off"}
	s.Good = []string{logs + " invoices/"}
	return s, err
}
