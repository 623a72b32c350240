package iampasswordpolicy

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
)

// fake is an account's password policy, with IAM's answers.
type fake struct {
	mu     sync.Mutex
	policy *types.PasswordPolicy
	fail   map[string]error // what a call answers instead
	sent   *iam.UpdateAccountPasswordPolicyInput
}

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "made up"} }

func (f *fake) GetAccountPasswordPolicy(context.Context, *iam.GetAccountPasswordPolicyInput, ...func(*iam.Options)) (*iam.GetAccountPasswordPolicyOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.fail["GetAccountPasswordPolicy"] != nil:
		return nil, f.fail["GetAccountPasswordPolicy"]
	case f.policy == nil:
		return nil, apiError("NoSuchEntity")
	}
	return &iam.GetAccountPasswordPolicyOutput{PasswordPolicy: f.policy}, nil
}

// UpdateAccountPasswordPolicy replaces all: what is left out is as in AWS's default.
func (f *fake) UpdateAccountPasswordPolicy(_ context.Context, in *iam.UpdateAccountPasswordPolicyInput, _ ...func(*iam.Options)) (*iam.UpdateAccountPasswordPolicyOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail["UpdateAccountPasswordPolicy"]; err != nil {
		return nil, err
	}
	f.sent = in
	length := int32(6)
	if in.MinimumPasswordLength != nil {
		length = *in.MinimumPasswordLength
	}
	f.policy = &types.PasswordPolicy{
		MinimumPasswordLength: &length, RequireUppercaseCharacters: in.RequireUppercaseCharacters, RequireLowercaseCharacters: in.RequireLowercaseCharacters,
		RequireNumbers: in.RequireNumbers, RequireSymbols: in.RequireSymbols, PasswordReusePrevention: in.PasswordReusePrevention,
		MaxPasswordAge: in.MaxPasswordAge, ExpirePasswords: in.MaxPasswordAge != nil, AllowUsersToChangePassword: in.AllowUsersToChangePassword,
	}
	if aws.ToBool(in.HardExpiry) {
		f.policy.HardExpiry = in.HardExpiry // IAM's answer has none otherwise
	}
	return &iam.UpdateAccountPasswordPolicyOutput{}, nil
}

func (f *fake) DeleteAccountPasswordPolicy(context.Context, *iam.DeleteAccountPasswordPolicyInput, ...func(*iam.Options)) (*iam.DeleteAccountPasswordPolicyOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.fail["DeleteAccountPasswordPolicy"] != nil:
		return nil, f.fail["DeleteAccountPasswordPolicy"]
	case f.policy == nil:
		return nil, apiError("NoSuchEntity")
	}
	f.policy = nil
	return &iam.DeleteAccountPasswordPolicyOutput{}, nil
}
