package iaminlinepolicy

import (
	"context"
	"net/url"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"

	"github.com/ebb-ops/ebb/pkg/cloudtrail/iamevent"
)

// fake is one principal and its inline policies, with IAM's answers.
type fake struct {
	mu       sync.Mutex
	p        iamevent.Principal
	gone     bool
	path     string
	tags     []types.Tag
	policies map[string]string
	fail     map[string]error // what a call answers instead
}

func newFake(kind string) *fake {
	return &fake{
		p: iamevent.Principal{Kind: kind, Name: "ops", Account: "111122223333", Region: "us-east-1"}, path: "/",
		policies: map[string]string{}, fail: map[string]error{},
	}
}

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "made up"} }

// enter locks the fake and gives what IAM checks before anything else.
func (f *fake) enter(call, kind string, name *string) error {
	f.mu.Lock()
	switch {
	case f.fail[call] != nil:
		return f.fail[call]
	case f.gone || kind != f.p.Kind || aws.ToString(name) != f.p.Name:
		return apiError("NoSuchEntity")
	}
	return nil
}

func (f *fake) arn() *string {
	return aws.String("arn:aws:iam::111122223333:" + f.p.Kind + f.path + f.p.Name)
}

// get gives a policy as IAM encodes it.
func (f *fake) get(call, kind string, name, policy *string) (*string, error) {
	defer f.mu.Unlock()
	if err := f.enter(call, kind, name); err != nil {
		return nil, err
	}
	text, ok := f.policies[*policy]
	if !ok {
		return nil, apiError("NoSuchEntity")
	}
	return aws.String(url.PathEscape(text)), nil
}

func (f *fake) put(call, kind string, name, policy, text *string) error {
	defer f.mu.Unlock()
	if err := f.enter(call, kind, name); err != nil {
		return err
	}
	f.policies[*policy] = *text
	return nil
}

func (f *fake) remove(call, kind string, name, policy *string) error {
	defer f.mu.Unlock()
	if err := f.enter(call, kind, name); err != nil {
		return err
	}
	if _, ok := f.policies[*policy]; !ok {
		return apiError("NoSuchEntity")
	}
	delete(f.policies, *policy)
	return nil
}

func (f *fake) GetUser(_ context.Context, in *iam.GetUserInput, _ ...func(*iam.Options)) (*iam.GetUserOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetUser", "user", in.UserName); err != nil {
		return nil, err
	}
	return &iam.GetUserOutput{User: &types.User{Arn: f.arn(), Tags: f.tags}}, nil
}

func (f *fake) GetUserPolicy(_ context.Context, in *iam.GetUserPolicyInput, _ ...func(*iam.Options)) (*iam.GetUserPolicyOutput, error) {
	text, err := f.get("GetUserPolicy", "user", in.UserName, in.PolicyName)
	return &iam.GetUserPolicyOutput{PolicyDocument: text}, err
}

func (f *fake) PutUserPolicy(_ context.Context, in *iam.PutUserPolicyInput, _ ...func(*iam.Options)) (*iam.PutUserPolicyOutput, error) {
	return &iam.PutUserPolicyOutput{}, f.put("PutUserPolicy", "user", in.UserName, in.PolicyName, in.PolicyDocument)
}

func (f *fake) DeleteUserPolicy(_ context.Context, in *iam.DeleteUserPolicyInput, _ ...func(*iam.Options)) (*iam.DeleteUserPolicyOutput, error) {
	return &iam.DeleteUserPolicyOutput{}, f.remove("DeleteUserPolicy", "user", in.UserName, in.PolicyName)
}

func (f *fake) GetGroup(_ context.Context, in *iam.GetGroupInput, _ ...func(*iam.Options)) (*iam.GetGroupOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetGroup", "group", in.GroupName); err != nil {
		return nil, err
	}
	return &iam.GetGroupOutput{Group: &types.Group{Arn: f.arn()}}, nil
}

func (f *fake) GetGroupPolicy(_ context.Context, in *iam.GetGroupPolicyInput, _ ...func(*iam.Options)) (*iam.GetGroupPolicyOutput, error) {
	text, err := f.get("GetGroupPolicy", "group", in.GroupName, in.PolicyName)
	return &iam.GetGroupPolicyOutput{PolicyDocument: text}, err
}

func (f *fake) PutGroupPolicy(_ context.Context, in *iam.PutGroupPolicyInput, _ ...func(*iam.Options)) (*iam.PutGroupPolicyOutput, error) {
	return &iam.PutGroupPolicyOutput{}, f.put("PutGroupPolicy", "group", in.GroupName, in.PolicyName, in.PolicyDocument)
}

func (f *fake) DeleteGroupPolicy(_ context.Context, in *iam.DeleteGroupPolicyInput, _ ...func(*iam.Options)) (*iam.DeleteGroupPolicyOutput, error) {
	return &iam.DeleteGroupPolicyOutput{}, f.remove("DeleteGroupPolicy", "group", in.GroupName, in.PolicyName)
}

func (f *fake) GetRole(_ context.Context, in *iam.GetRoleInput, _ ...func(*iam.Options)) (*iam.GetRoleOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetRole", "role", in.RoleName); err != nil {
		return nil, err
	}
	return &iam.GetRoleOutput{Role: &types.Role{Arn: f.arn(), Tags: f.tags}}, nil
}

func (f *fake) GetRolePolicy(_ context.Context, in *iam.GetRolePolicyInput, _ ...func(*iam.Options)) (*iam.GetRolePolicyOutput, error) {
	text, err := f.get("GetRolePolicy", "role", in.RoleName, in.PolicyName)
	return &iam.GetRolePolicyOutput{PolicyDocument: text}, err
}

func (f *fake) PutRolePolicy(_ context.Context, in *iam.PutRolePolicyInput, _ ...func(*iam.Options)) (*iam.PutRolePolicyOutput, error) {
	return &iam.PutRolePolicyOutput{}, f.put("PutRolePolicy", "role", in.RoleName, in.PolicyName, in.PolicyDocument)
}

func (f *fake) DeleteRolePolicy(_ context.Context, in *iam.DeleteRolePolicyInput, _ ...func(*iam.Options)) (*iam.DeleteRolePolicyOutput, error) {
	return &iam.DeleteRolePolicyOutput{}, f.remove("DeleteRolePolicy", "role", in.RoleName, in.PolicyName)
}
