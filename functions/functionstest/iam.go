package functionstest

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

func accessKey(ctx context.Context, events samples, account Account) (Stage, error) {
	api := iam.NewFromConfig(account.Config)
	user := aws.String("stratus-red-team-backdoor-u-user")
	if _, err := api.CreateUser(ctx, &iam.CreateUserInput{UserName: user}); err != nil {
		return Stage{}, err
	}
	older, err := api.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: user})
	if err != nil {
		return Stage{}, err
	}
	newer, err := api.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: user})
	if err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, *newer.AccessKey.AccessKeyId,
		"iam-access-key/create-for-user.json", "AKIAI44QH8DHBEXAMPLE",
		"iam-access-key/create-denied.json", "AKIAI44QH8DHBEXAMPLE")
	s.Spoil = func(ctx context.Context) error {
		_, err := api.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{
			UserName: user, AccessKeyId: newer.AccessKey.AccessKeyId, Status: types.StatusTypeActive,
		})
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		out, err := api.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: user})
		if err != nil {
			return nil, err
		}
		states := map[string]string{}
		for _, k := range out.AccessKeyMetadata {
			states[*k.AccessKeyId] = string(k.Status)
		}
		return []string{"older " + states[*older.AccessKey.AccessKeyId], "newer " + states[*newer.AccessKey.AccessKeyId]}, nil
	}
	s.Bad = []string{"older Active", "newer Active"}
	s.Good = []string{"older Active", "newer Inactive"}
	return s, err
}

func policyAttachment(ctx context.Context, events samples, account Account) (Stage, error) {
	api := iam.NewFromConfig(account.Config)
	user := aws.String("malicious-iam-user")
	if _, err := api.CreateUser(ctx, &iam.CreateUserInput{UserName: user}); err != nil {
		return Stage{}, err
	}
	attach := func(ctx context.Context, policy string) error {
		_, err := api.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: user, PolicyArn: aws.String("arn:aws:iam::aws:policy/" + policy)})
		return err
	}
	if err := attach(ctx, "ReadOnlyAccess"); err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, *user,
		"iam-policy-attachment/attach-admin-to-user.json", *user,
		"iam-policy-attachment/attach-denied.json", "TrailDiscover")
	s.Spoil = func(ctx context.Context) error { return attach(ctx, "AdministratorAccess") }
	s.State = func(ctx context.Context) (names []string, err error) {
		out, err := api.ListAttachedUserPolicies(ctx, &iam.ListAttachedUserPoliciesInput{UserName: user})
		if err != nil {
			return nil, err
		}
		for _, p := range out.AttachedPolicies {
			names = append(names, *p.PolicyName)
		}
		slices.Sort(names)
		return names, nil
	}
	s.Bad = []string{"AdministratorAccess", "ReadOnlyAccess"}
	s.Good = []string{"ReadOnlyAccess"}
	return s, err
}
