package iampolicyattachment

import (
	"context"
	"net/url"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"

	"github.com/ebb-ops/ebb/pkg/cloudtrail/iamevent"
)

// fake is one principal and the policies there are, with IAM's answers. Pages
// hold one policy.
type fake struct {
	mu       sync.Mutex
	p        iamevent.Principal
	gone     bool
	path     string
	tags     []types.Tag
	attached []string
	policies map[string]string // documents by ARN; those of AWS are there anyway
	fail     map[string]error  // what a call answers instead
}

const awsAdmin = "arn:aws:iam::aws:policy/AdministratorAccess"

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

func (f *fake) GetUser(_ context.Context, in *iam.GetUserInput, _ ...func(*iam.Options)) (*iam.GetUserOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetUser", "user", in.UserName); err != nil {
		return nil, err
	}
	return &iam.GetUserOutput{User: &types.User{Arn: f.arn(), Tags: f.tags}}, nil
}

func (f *fake) GetGroup(_ context.Context, in *iam.GetGroupInput, _ ...func(*iam.Options)) (*iam.GetGroupOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetGroup", "group", in.GroupName); err != nil {
		return nil, err
	}
	return &iam.GetGroupOutput{Group: &types.Group{Arn: f.arn()}}, nil
}

func (f *fake) GetRole(_ context.Context, in *iam.GetRoleInput, _ ...func(*iam.Options)) (*iam.GetRoleOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetRole", "role", in.RoleName); err != nil {
		return nil, err
	}
	return &iam.GetRoleOutput{Role: &types.Role{Arn: f.arn(), Tags: f.tags}}, nil
}

func (f *fake) GetPolicy(_ context.Context, in *iam.GetPolicyInput, _ ...func(*iam.Options)) (*iam.GetPolicyOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail["GetPolicy"]; err != nil {
		return nil, err
	}
	if _, ok := f.policies[*in.PolicyArn]; !ok {
		return nil, apiError("NoSuchEntity")
	}
	return &iam.GetPolicyOutput{Policy: &types.Policy{DefaultVersionId: aws.String("v2")}}, nil
}

func (f *fake) GetPolicyVersion(_ context.Context, in *iam.GetPolicyVersionInput, _ ...func(*iam.Options)) (*iam.GetPolicyVersionOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail["GetPolicyVersion"]; err != nil {
		return nil, err
	}
	doc, ok := f.policies[*in.PolicyArn]
	if !ok || *in.VersionId != "v2" {
		return nil, apiError("NoSuchEntity")
	}
	return &iam.GetPolicyVersionOutput{PolicyVersion: &types.PolicyVersion{Document: aws.String(url.PathEscape(doc))}}, nil
}

// page gives the policy that a marker names, and the marker of the next.
func (f *fake) page(marker *string) (list []types.AttachedPolicy, more bool, next *string) {
	at := slices.Index(f.attached, aws.ToString(marker))
	if at < 0 {
		at = 0
	}
	if at < len(f.attached) {
		list = []types.AttachedPolicy{{PolicyArn: &f.attached[at]}}
	}
	if at+1 < len(f.attached) {
		return list, true, &f.attached[at+1]
	}
	return list, false, nil
}

func (f *fake) ListAttachedUserPolicies(_ context.Context, in *iam.ListAttachedUserPoliciesInput, _ ...func(*iam.Options)) (*iam.ListAttachedUserPoliciesOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ListAttachedUserPolicies", "user", in.UserName); err != nil {
		return nil, err
	}
	list, more, next := f.page(in.Marker)
	return &iam.ListAttachedUserPoliciesOutput{AttachedPolicies: list, IsTruncated: more, Marker: next}, nil
}

func (f *fake) ListAttachedGroupPolicies(_ context.Context, in *iam.ListAttachedGroupPoliciesInput, _ ...func(*iam.Options)) (*iam.ListAttachedGroupPoliciesOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ListAttachedGroupPolicies", "group", in.GroupName); err != nil {
		return nil, err
	}
	list, more, next := f.page(in.Marker)
	return &iam.ListAttachedGroupPoliciesOutput{AttachedPolicies: list, IsTruncated: more, Marker: next}, nil
}

func (f *fake) ListAttachedRolePolicies(_ context.Context, in *iam.ListAttachedRolePoliciesInput, _ ...func(*iam.Options)) (*iam.ListAttachedRolePoliciesOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ListAttachedRolePolicies", "role", in.RoleName); err != nil {
		return nil, err
	}
	list, more, next := f.page(in.Marker)
	return &iam.ListAttachedRolePoliciesOutput{AttachedPolicies: list, IsTruncated: more, Marker: next}, nil
}

// set attaches or detaches as IAM does.
func (f *fake) set(call, kind string, name, policy *string, attach bool) error {
	defer f.mu.Unlock()
	if err := f.enter(call, kind, name); err != nil {
		return err
	}
	at := slices.Index(f.attached, *policy)
	switch {
	case attach && at < 0:
		f.attached = append(f.attached, *policy)
	case !attach && at < 0:
		return apiError("NoSuchEntity")
	case !attach:
		f.attached = slices.Delete(f.attached, at, at+1)
	}
	return nil
}

func (f *fake) AttachUserPolicy(_ context.Context, in *iam.AttachUserPolicyInput, _ ...func(*iam.Options)) (*iam.AttachUserPolicyOutput, error) {
	return &iam.AttachUserPolicyOutput{}, f.set("AttachUserPolicy", "user", in.UserName, in.PolicyArn, true)
}

func (f *fake) AttachGroupPolicy(_ context.Context, in *iam.AttachGroupPolicyInput, _ ...func(*iam.Options)) (*iam.AttachGroupPolicyOutput, error) {
	return &iam.AttachGroupPolicyOutput{}, f.set("AttachGroupPolicy", "group", in.GroupName, in.PolicyArn, true)
}

func (f *fake) AttachRolePolicy(_ context.Context, in *iam.AttachRolePolicyInput, _ ...func(*iam.Options)) (*iam.AttachRolePolicyOutput, error) {
	return &iam.AttachRolePolicyOutput{}, f.set("AttachRolePolicy", "role", in.RoleName, in.PolicyArn, true)
}

func (f *fake) DetachUserPolicy(_ context.Context, in *iam.DetachUserPolicyInput, _ ...func(*iam.Options)) (*iam.DetachUserPolicyOutput, error) {
	return &iam.DetachUserPolicyOutput{}, f.set("DetachUserPolicy", "user", in.UserName, in.PolicyArn, false)
}

func (f *fake) DetachGroupPolicy(_ context.Context, in *iam.DetachGroupPolicyInput, _ ...func(*iam.Options)) (*iam.DetachGroupPolicyOutput, error) {
	return &iam.DetachGroupPolicyOutput{}, f.set("DetachGroupPolicy", "group", in.GroupName, in.PolicyArn, false)
}

func (f *fake) DetachRolePolicy(_ context.Context, in *iam.DetachRolePolicyInput, _ ...func(*iam.Options)) (*iam.DetachRolePolicyOutput, error) {
	return &iam.DetachRolePolicyOutput{}, f.set("DetachRolePolicy", "role", in.RoleName, in.PolicyArn, false)
}
