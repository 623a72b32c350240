package functionstest

import (
	"context"
	"fmt"
	"net/url"
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

func inlinePolicy(ctx context.Context, events samples, account Account) (Stage, error) {
	api := iam.NewFromConfig(account.Config)
	role, name := aws.String("deploy"), aws.String("escalate")
	if _, err := api.CreateRole(ctx, &iam.CreateRoleInput{RoleName: role, AssumeRolePolicyDocument: aws.String(lambdaTrust)}); err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, *role,
		"iam-inline-policy/put-admin-on-role.json", *role,
		"iam-inline-policy/put-denied.json", "TrailDiscover-Role")
	if err != nil {
		return Stage{}, err
	}
	var call struct {
		Policy string `json:"policyDocument"`
	}
	if err := s.parameters(&call); err != nil {
		return Stage{}, err
	}
	s.Spoil = func(ctx context.Context) error {
		_, err := api.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: role, PolicyName: name, PolicyDocument: &call.Policy})
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		out, err := api.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: role, PolicyName: name})
		if err != nil {
			return nil, err
		}
		return decodedSids(*out.PolicyDocument)
	}
	s.Bad = []string{"Logs", "All"}
	s.Good = []string{"Logs"}
	return s, nil
}

// lambdaTrust lets functions have a role.
const lambdaTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// decodedSids gives the Sids of a policy in IAM's answer, which is encoded.
func decodedSids(encoded string) ([]string, error) {
	text, err := url.PathUnescape(encoded)
	if err != nil {
		return nil, err
	}
	return sids(text)
}

func policyVersion(ctx context.Context, events samples, account Account) (Stage, error) {
	api := iam.NewFromConfig(account.Config)
	policy, err := api.CreatePolicy(ctx, &iam.CreatePolicyInput{
		PolicyName: aws.String("deploy"), Path: aws.String("/team/"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`),
	})
	if err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, "policy/team/deploy",
		"iam-policy-version/create-version.json", "policy/team/deploy",
		"iam-policy-version/create-version-denied.json", "policy/TrailDiscover")
	var made *string
	s.Spoil = func(ctx context.Context) error {
		if made != nil { // it is there, and made the default once more
			_, err := api.SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: policy.Policy.Arn, VersionId: made})
			return err
		}
		out, err := api.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{
			PolicyArn: policy.Policy.Arn, SetAsDefault: true,
			PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`),
		})
		if err == nil {
			made = out.PolicyVersion.VersionId
		}
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		out, err := api.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: policy.Policy.Arn})
		if err != nil {
			return nil, err
		}
		list, err := api.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: policy.Policy.Arn})
		if err != nil {
			return nil, err
		}
		state := []string{"default " + *out.Policy.DefaultVersionId}
		for _, v := range list.Versions {
			state = append(state, *v.VersionId)
		}
		return state, nil
	}
	s.Bad = []string{"default v2", "v1", "v2"}
	s.Good = []string{"default v1", "v1", "v2"}
	return s, err
}

func roleTrust(ctx context.Context, events samples, account Account) (Stage, error) {
	api := iam.NewFromConfig(account.Config)
	role := aws.String("stratus-red-team-backdoor-r-role")
	if _, err := api.CreateRole(ctx, &iam.CreateRoleInput{RoleName: role, AssumeRolePolicyDocument: aws.String(lambdaTrust)}); err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, *role,
		"iam-role-trust/update-foreign-account.json", *role,
		"iam-role-trust/update-denied.json", "TrailDiscover-Role")
	s.Spoil = func(ctx context.Context) error {
		const statement = `{"Sid":%q,"Effect":"Allow","Principal":{%q:%q},"Action":"sts:AssumeRole"}`
		_, err := api.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{
			RoleName: role, PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[` +
				fmt.Sprintf(statement, "EC2", "Service", "ec2.amazonaws.com") + "," +
				fmt.Sprintf(statement, "Stranger", "AWS", "arn:aws:iam::193672423079:root") + `]}`),
		})
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		out, err := api.GetRole(ctx, &iam.GetRoleInput{RoleName: role})
		if err != nil {
			return nil, err
		}
		return decodedSids(*out.Role.AssumeRolePolicyDocument)
	}
	s.Bad = []string{"EC2", "Stranger"}
	s.Good = []string{"EC2"}
	return s, err
}

func passwordPolicy(ctx context.Context, events samples, account Account) (Stage, error) {
	api := iam.NewFromConfig(account.Config)
	s, err := events.pair(account.ID, "",
		"iam-password-policy/update-weaker.json", "no word of it",
		"iam-password-policy/update-denied.json", "no word of it")
	s.Spoil = func(ctx context.Context) error {
		_, err := api.UpdateAccountPasswordPolicy(ctx, &iam.UpdateAccountPasswordPolicyInput{
			MinimumPasswordLength: aws.Int32(8), RequireUppercaseCharacters: true, RequireLowercaseCharacters: true, RequireNumbers: true,
			MaxPasswordAge: aws.Int32(90), AllowUsersToChangePassword: true,
		})
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		out, err := api.GetAccountPasswordPolicy(ctx, &iam.GetAccountPasswordPolicyInput{})
		if err != nil {
			return nil, err
		}
		p := out.PasswordPolicy
		return []string{
			fmt.Sprint("length ", *p.MinimumPasswordLength, ", not the last ", aws.ToInt32(p.PasswordReusePrevention), ", for ", aws.ToInt32(p.MaxPasswordAge), " days"),
			fmt.Sprint(p.RequireUppercaseCharacters, p.RequireLowercaseCharacters, p.RequireNumbers, p.RequireSymbols, p.AllowUsersToChangePassword),
		}, nil
	}
	s.Bad = []string{"length 8, not the last 0, for 90 days", "true true true false true"}
	s.Good = []string{"length 14, not the last 24, for 90 days", "true true true true true"}
	return s, err
}
