package iamroletrust

import (
	"context"
	"net/url"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
)

// fake is one role, with IAM's answers.
type fake struct {
	mu    sync.Mutex
	gone  bool
	arn   string
	trust string
	tags  []types.Tag
	fail  map[string]error // what a call answers instead
}

func newFake() *fake {
	return &fake{arn: "arn:aws:iam::111122223333:role/ops", trust: text(ec2), fail: map[string]error{}}
}

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "made up"} }

// enter locks the fake and gives what IAM checks before anything else.
func (f *fake) enter(call, name string) error {
	f.mu.Lock()
	switch {
	case f.fail[call] != nil:
		return f.fail[call]
	case f.gone || name != "ops":
		return apiError("NoSuchEntity")
	}
	return nil
}

func (f *fake) GetRole(_ context.Context, in *iam.GetRoleInput, _ ...func(*iam.Options)) (*iam.GetRoleOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetRole", *in.RoleName); err != nil {
		return nil, err
	}
	return &iam.GetRoleOutput{Role: &types.Role{Arn: &f.arn, AssumeRolePolicyDocument: aws.String(url.PathEscape(f.trust)), Tags: f.tags}}, nil
}

func (f *fake) UpdateAssumeRolePolicy(_ context.Context, in *iam.UpdateAssumeRolePolicyInput, _ ...func(*iam.Options)) (*iam.UpdateAssumeRolePolicyOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("UpdateAssumeRolePolicy", *in.RoleName); err != nil {
		return nil, err
	}
	f.trust = *in.PolicyDocument
	return &iam.UpdateAssumeRolePolicyOutput{}, nil
}
