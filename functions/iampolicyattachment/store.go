package iampolicyattachment

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/iamprincipal"
	"github.com/ebb-ops/ebb/pkg/cloudtrail/iamevent"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is the part of IAM's API that the store calls.
type client interface {
	iamprincipal.Reader
	iam.GetPolicyAPIClient
	GetPolicyVersion(context.Context, *iam.GetPolicyVersionInput, ...func(*iam.Options)) (*iam.GetPolicyVersionOutput, error)
	iam.ListAttachedGroupPoliciesAPIClient
	iam.ListAttachedRolePoliciesAPIClient
	iam.ListAttachedUserPoliciesAPIClient
	AttachGroupPolicy(context.Context, *iam.AttachGroupPolicyInput, ...func(*iam.Options)) (*iam.AttachGroupPolicyOutput, error)
	AttachRolePolicy(context.Context, *iam.AttachRolePolicyInput, ...func(*iam.Options)) (*iam.AttachRolePolicyOutput, error)
	AttachUserPolicy(context.Context, *iam.AttachUserPolicyInput, ...func(*iam.Options)) (*iam.AttachUserPolicyOutput, error)
	DetachGroupPolicy(context.Context, *iam.DetachGroupPolicyInput, ...func(*iam.Options)) (*iam.DetachGroupPolicyOutput, error)
	DetachRolePolicy(context.Context, *iam.DetachRolePolicyInput, ...func(*iam.Options)) (*iam.DetachRolePolicyOutput, error)
	DetachUserPolicy(context.Context, *iam.DetachUserPolicyInput, ...func(*iam.Options)) (*iam.DetachUserPolicyOutput, error)
}

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return iam.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes which policies are attached.
type store struct {
	client func(remedy.Ref) client
}

// Read gives the principal, whether the policy is attached to it, and what a
// policy of the customer's own says. Reads go out together; only the document
// needs a second call, since the first tells which version is the default.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	var state State
	var known bool
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		p, err := iamprincipal.Read(ctx, c, t.Principal)
		state.ARN, state.Tags = p.ARN, p.Tags
		return err
	})
	g.Go(func() (err error) {
		state.Attached, err = attached(ctx, c, t)
		return err
	})
	g.Go(func() (err error) {
		known = t.ofAWS()
		if !known {
			state.Document, known, err = document(ctx, c, t.Policy)
		}
		return err
	})
	err := g.Wait()
	if err == nil && state.Attached && !known {
		err = errors.New("IAM says that the policy is attached, and that it does not exist: one of them is not up to date")
	}
	if err != nil {
		return State{}, fmt.Errorf("read policy %s of %s: %w", t.Policy, t.Principal, err)
	}
	return state, nil
}

// attached reports whether the principal has the policy.
func attached(ctx context.Context, c client, t Target) (bool, error) {
	has := func(list []types.AttachedPolicy) bool {
		for _, p := range list {
			if aws.ToString(p.PolicyArn) == t.Policy {
				return true
			}
		}
		return false
	}
	switch t.Kind {
	case iamevent.User:
		for pages := iam.NewListAttachedUserPoliciesPaginator(c, &iam.ListAttachedUserPoliciesInput{UserName: &t.Name}); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return false, cloud.Explain(err, "iam:ListAttachedUserPolicies", iamprincipal.NoEntity)
			}
			if has(page.AttachedPolicies) {
				return true, nil
			}
		}
	case iamevent.Group:
		for pages := iam.NewListAttachedGroupPoliciesPaginator(c, &iam.ListAttachedGroupPoliciesInput{GroupName: &t.Name}); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return false, cloud.Explain(err, "iam:ListAttachedGroupPolicies", iamprincipal.NoEntity)
			}
			if has(page.AttachedPolicies) {
				return true, nil
			}
		}
	case iamevent.Role:
		for pages := iam.NewListAttachedRolePoliciesPaginator(c, &iam.ListAttachedRolePoliciesInput{RoleName: &t.Name}); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return false, cloud.Explain(err, "iam:ListAttachedRolePolicies", iamprincipal.NoEntity)
			}
			if has(page.AttachedPolicies) {
				return true, nil
			}
		}
	}
	return false, nil
}

// document gives the policy's default version. A policy that does not exist is not known.
func document(ctx context.Context, c client, policy string) (doc policydoc.Identity, known bool, err error) {
	out, err := c.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &policy})
	switch {
	case cloud.HasCode(err, iamprincipal.NoEntity):
		return doc, false, nil
	case err != nil:
		return doc, false, cloud.Explain(err, "iam:GetPolicy")
	}
	version, err := c.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &policy, VersionId: out.Policy.DefaultVersionId})
	if err != nil {
		return doc, false, cloud.Explain(err, "iam:GetPolicyVersion")
	}
	text, err := iamprincipal.Document(version.PolicyVersion.Document)
	if err != nil {
		return doc, false, err
	}
	doc, err = policydoc.ParseIdentity(text)
	return doc, err == nil, err
}

// Apply attaches or detaches the policy. To attach what is attached is no error
// to IAM; to detach what is not, or from whom is gone, is none here.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	cl, call := s.client(t.Ref()), c.Call().API
	var err error
	switch {
	case t.Kind == iamevent.User && c.Attach:
		_, err = cl.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: &t.Name, PolicyArn: &t.Policy})
	case t.Kind == iamevent.User:
		_, err = cl.DetachUserPolicy(ctx, &iam.DetachUserPolicyInput{UserName: &t.Name, PolicyArn: &t.Policy})
	case t.Kind == iamevent.Group && c.Attach:
		_, err = cl.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: &t.Name, PolicyArn: &t.Policy})
	case t.Kind == iamevent.Group:
		_, err = cl.DetachGroupPolicy(ctx, &iam.DetachGroupPolicyInput{GroupName: &t.Name, PolicyArn: &t.Policy})
	case c.Attach:
		_, err = cl.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &t.Name, PolicyArn: &t.Policy})
	default:
		_, err = cl.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &t.Name, PolicyArn: &t.Policy})
	}
	if !c.Attach && cloud.HasCode(err, iamprincipal.NoEntity) {
		return nil
	}
	return cloud.Explain(err, call, iamprincipal.NoEntity)
}
