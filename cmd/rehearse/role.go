package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/ebb-ops/ebb/cmd/rehearse/access"
)

// role is a role as its stack made it.
type role struct {
	arn, account string
	policies     []access.Policy // its own and those attached to it
	boundary     []access.Policy // none, or one
	trust        access.Policy
}

// allows reports whether the role's policies and its boundary allow a call.
func (r *role) allows(c access.Call) bool {
	return access.Allows(r.policies, c) && (r.boundary == nil || access.Allows(r.boundary, c))
}

// readRole reads a role's policies, as the stack resolved them.
func readRole(ctx context.Context, a account, name string) (*role, error) {
	api := iam.NewFromConfig(a.cfg)
	out, err := api.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	if err != nil {
		return nil, fmt.Errorf("read role %s: %w", name, err)
	}
	r := &role{arn: *out.Role.Arn, account: a.id}
	if r.trust, err = parse(*out.Role.AssumeRolePolicyDocument); err != nil {
		return nil, fmt.Errorf("trust of role %s: %w", name, err)
	}
	inline, err := api.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &name})
	if err != nil {
		return nil, fmt.Errorf("list the policies of role %s: %w", name, err)
	}
	for _, policy := range inline.PolicyNames {
		doc, err := api.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &name, PolicyName: &policy})
		if err != nil {
			return nil, fmt.Errorf("read policy %s of role %s: %w", policy, name, err)
		}
		p, err := parse(*doc.PolicyDocument)
		if err != nil {
			return nil, fmt.Errorf("policy %s of role %s: %w", policy, name, err)
		}
		r.policies = append(r.policies, p)
	}
	attached, err := api.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: &name})
	if err != nil {
		return nil, fmt.Errorf("list the policies of role %s: %w", name, err)
	}
	for _, policy := range attached.AttachedPolicies {
		p, err := managed(ctx, api, policy.PolicyArn)
		if err != nil {
			return nil, err
		}
		r.policies = append(r.policies, p)
	}
	if b := out.Role.PermissionsBoundary; b != nil {
		p, err := managed(ctx, api, b.PermissionsBoundaryArn)
		if err != nil {
			return nil, err
		}
		r.boundary = []access.Policy{p}
	}
	return r, nil
}

func managed(ctx context.Context, api *iam.Client, arn *string) (access.Policy, error) {
	policy, err := api.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn})
	if err != nil {
		return access.Policy{}, fmt.Errorf("read policy %s: %w", *arn, err)
	}
	version, err := api.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: policy.Policy.DefaultVersionId})
	if err != nil {
		return access.Policy{}, fmt.Errorf("read policy %s: %w", *arn, err)
	}
	p, err := parse(*version.PolicyVersion.Document)
	if err != nil {
		return access.Policy{}, fmt.Errorf("policy %s: %w", *arn, err)
	}
	return p, nil
}

// parse reads a policy as IAM's API gives it.
func parse(encoded string) (access.Policy, error) {
	text, err := url.QueryUnescape(encoded)
	if err != nil {
		return access.Policy{}, err
	}
	return access.Parse(text)
}

// emulatorNames are what the emulator takes some calls for: its own names, or an
// action where IAM asks for those of the parts.
var emulatorNames = map[string]string{
	"dynamodb:PutItem":               "dynamodb:TransactWriteItems",
	"s3:GetAccountPublicAccessBlock": "s3:GetPublicAccessBlock",
	"s3:PutAccountPublicAccessBlock": "s3:PutPublicAccessBlock",
	"s3:GetBucketPublicAccessBlock":  "s3:ListBucket",
	"s3:PutBucketPublicAccessBlock":  "s3:CreateBucket",
}

// simplify gives the role, in the emulator alone, one policy with its actions and
// no resources or conditions: these its IAM does not know, and it would refuse
// what AWS allows. The gate decides by the policies that were read before.
func (r *role) simplify(ctx context.Context, a account) error {
	api, name := iam.NewFromConfig(a.cfg), aws.String(r.arn[strings.LastIndex(r.arn, "/")+1:])
	actions := access.Actions(r.policies)
	for _, action := range slices.Clone(actions) {
		if name, ok := emulatorNames[action]; ok {
			actions = append(actions, name)
		}
	}
	inline, err := api.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: name})
	if err != nil {
		return fmt.Errorf("simplify role %s: %w", *name, err)
	}
	for _, policy := range inline.PolicyNames {
		if _, err := api.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: name, PolicyName: &policy}); err != nil {
			return fmt.Errorf("simplify role %s: %w", *name, err)
		}
	}
	attached, err := api.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: name})
	if err != nil {
		return fmt.Errorf("simplify role %s: %w", *name, err)
	}
	for _, policy := range attached.AttachedPolicies {
		if _, err := api.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: name, PolicyArn: policy.PolicyArn}); err != nil {
			return fmt.Errorf("simplify role %s: %w", *name, err)
		}
	}
	if _, err := api.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("actions"), PolicyDocument: policyText(actions...)}); err != nil {
		return fmt.Errorf("simplify role %s: %w", *name, err)
	}
	return nil
}
