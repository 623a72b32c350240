package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/ebb-ops/ebb/pkg/cloud"
)

const region = "us-east-1"

// account is an AWS account on the emulator. cfg is a user's who may do everything.
type account struct {
	id  string
	cfg aws.Config
}

// newAccount makes an account and its user. IAM must not be enforced yet.
func newAccount(ctx context.Context, endpoint, id string) (account, error) {
	cfg := aws.Config{
		Region: region, BaseEndpoint: &endpoint, HTTPClient: cloud.KeepAnswers(nil),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	// A session of a role is in its account, whether the role is there or not.
	root, err := assume(ctx, cfg, "arn:aws:iam::"+id+":role/root", "set-up")
	if err != nil {
		return account{}, err
	}
	cfg.Credentials = root
	api, name := iam.NewFromConfig(cfg), aws.String("rehearsal")
	if _, err := api.CreateUser(ctx, &iam.CreateUserInput{UserName: name}); err != nil {
		return account{}, fmt.Errorf("make a user in account %s: %w", id, err)
	}
	if _, err := api.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: name, PolicyName: name, PolicyDocument: policyText("*")}); err != nil {
		return account{}, fmt.Errorf("make a user in account %s: %w", id, err)
	}
	key, err := api.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name})
	if err != nil {
		return account{}, fmt.Errorf("make a user in account %s: %w", id, err)
	}
	cfg.Credentials = credentials.NewStaticCredentialsProvider(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
	return account{id, cfg}, nil
}

// assume gives the credentials of a role's new session.
func assume(ctx context.Context, cfg aws.Config, role, session string) (credentials.StaticCredentialsProvider, error) {
	out, err := sts.NewFromConfig(cfg).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: &session})
	if err != nil {
		return credentials.StaticCredentialsProvider{}, fmt.Errorf("assume %s: %w", role, err)
	}
	c := out.Credentials
	return credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken), nil
}

// policyText gives a policy that allows actions everywhere.
func policyText(actions ...string) *string {
	text, _ := json.Marshal(object{"Version": "2012-10-17", "Statement": []object{{"Effect": "Allow", "Action": actions, "Resource": "*"}}})
	return aws.String(string(text))
}

// secret makes a secret as a template's resource says, and gives its ARN.
// names are the values of the template's parameters in its name.
func (a account) secret(ctx context.Context, id string, r *resource, names map[string]string) (string, error) {
	api := secretsmanager.NewFromConfig(a.cfg)
	name := id
	if n, ok := r.Properties["Name"].(object); ok {
		name = substitute(n["Fn::Sub"].(string), names)
	}
	value, _ := r.Properties["SecretString"].(string)
	if g, ok := r.Properties["GenerateSecretString"].(object); ok {
		random, err := api.GetRandomPassword(ctx, &secretsmanager.GetRandomPasswordInput{
			PasswordLength: aws.Int64(int64(g["PasswordLength"].(float64))), ExcludePunctuation: aws.Bool(g["ExcludePunctuation"].(bool)),
		})
		if err != nil {
			return "", err
		}
		members := map[string]string{}
		if err := json.Unmarshal([]byte(g["SecretStringTemplate"].(string)), &members); err != nil {
			return "", err
		}
		members[g["GenerateStringKey"].(string)] = *random.RandomPassword
		text, err := json.Marshal(members)
		if err != nil {
			return "", err
		}
		value = string(text)
	}
	out, err := api.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: &name, SecretString: &value})
	if err != nil {
		return "", err
	}
	return *out.ARN, nil
}

// enforce turns the emulator's own IAM on.
func enforce(ctx context.Context, endpoint string) error {
	const letThrough = "0" // calls, before it looks
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/moto-api/reset-auth", strings.NewReader(letThrough))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("turn on the emulator's IAM: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("turn on the emulator's IAM: %s", res.Status)
	}
	return nil
}
