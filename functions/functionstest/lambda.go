package functionstest

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// lambdaFunction makes a function that others may be let in to.
func lambdaFunction(ctx context.Context, account Account, name string) (*lambda.Client, error) {
	api := lambda.NewFromConfig(account.Config)
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	role, err := iam.NewFromConfig(account.Config).CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String(name), AssumeRolePolicyDocument: &trust})
	if err != nil {
		return nil, err
	}
	var code bytes.Buffer
	if err := zip.NewWriter(&code).Close(); err != nil {
		return nil, err
	}
	_, err = api.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &name, Role: role.Role.Arn, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Code: &types.FunctionCode{ZipFile: code.Bytes()},
	})
	return api, err
}

func lambdaPermission(ctx context.Context, events samples, account Account) (Stage, error) {
	name := "acme-orders"
	api, err := lambdaFunction(ctx, account, name)
	if err != nil {
		return Stage{}, err
	}
	add := func(ctx context.Context, id, principal string, sourceAccount *string) error {
		_, err := api.AddPermission(ctx, &lambda.AddPermissionInput{
			FunctionName: &name, StatementId: &id, Action: aws.String("lambda:InvokeFunction"), Principal: &principal, SourceAccount: sourceAccount,
		})
		return err
	}
	s, err := events.pair(account.ID, name, "lambda-permission/add-public.json", name, "lambda-permission/add-denied.json", "my-function")
	s.Spoil = func(ctx context.Context) error { return add(ctx, "PublicInvoke", "*", nil) }
	s.State = func(ctx context.Context) ([]string, error) {
		got, err := api.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: &name})
		if err != nil {
			return nil, err
		}
		return sids(*got.Policy)
	}
	s.Bad = []string{"Bucket", "PublicInvoke"}
	s.Good = []string{"Bucket"}
	return s, errors.Join(err, add(ctx, "Bucket", "s3.amazonaws.com", &account.ID))
}

func functionURL(ctx context.Context, events samples, account Account) (Stage, error) {
	name, sampled := "acme-orders-url", "acme-orders"
	api, err := lambdaFunction(ctx, account, name)
	if err != nil {
		return Stage{}, err
	}
	_, err = api.CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{
		FunctionName: &name, AuthType: types.FunctionUrlAuthTypeAwsIam, Cors: &types.Cors{AllowOrigins: []string{"https://example.com"}},
	})
	if err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, name, "lambda-function-url/create-public.json", sampled, "lambda-function-url/create-failed.json", "TrailDiscoverFunction")
	s.Spoil = func(ctx context.Context) error {
		_, err := api.UpdateFunctionUrlConfig(ctx, &lambda.UpdateFunctionUrlConfigInput{FunctionName: &name, AuthType: types.FunctionUrlAuthTypeNone})
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		got, err := api.GetFunctionUrlConfig(ctx, &lambda.GetFunctionUrlConfigInput{FunctionName: &name})
		if err != nil {
			return nil, err
		}
		return append([]string{string(got.AuthType)}, got.Cors.AllowOrigins...), nil
	}
	s.Bad = []string{"NONE", "https://example.com"}
	s.Good = []string{"AWS_IAM", "https://example.com"}
	return s, err
}
