package iaminlinepolicy

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
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
	GetGroupPolicy(context.Context, *iam.GetGroupPolicyInput, ...func(*iam.Options)) (*iam.GetGroupPolicyOutput, error)
	GetRolePolicy(context.Context, *iam.GetRolePolicyInput, ...func(*iam.Options)) (*iam.GetRolePolicyOutput, error)
	GetUserPolicy(context.Context, *iam.GetUserPolicyInput, ...func(*iam.Options)) (*iam.GetUserPolicyOutput, error)
	PutGroupPolicy(context.Context, *iam.PutGroupPolicyInput, ...func(*iam.Options)) (*iam.PutGroupPolicyOutput, error)
	PutRolePolicy(context.Context, *iam.PutRolePolicyInput, ...func(*iam.Options)) (*iam.PutRolePolicyOutput, error)
	PutUserPolicy(context.Context, *iam.PutUserPolicyInput, ...func(*iam.Options)) (*iam.PutUserPolicyOutput, error)
	DeleteGroupPolicy(context.Context, *iam.DeleteGroupPolicyInput, ...func(*iam.Options)) (*iam.DeleteGroupPolicyOutput, error)
	DeleteRolePolicy(context.Context, *iam.DeleteRolePolicyInput, ...func(*iam.Options)) (*iam.DeleteRolePolicyOutput, error)
	DeleteUserPolicy(context.Context, *iam.DeleteUserPolicyInput, ...func(*iam.Options)) (*iam.DeleteUserPolicyOutput, error)
}

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return iam.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes inline policies.
type store struct {
	client func(remedy.Ref) client
}

// Read gives the policy and its principal, in one round of two calls. That the
// principal has no such policy is a state; that there is no such principal is
// [remedy.ErrGone]. A policy that can't be parsed is an error.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	var state State
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		p, err := iamprincipal.Read(ctx, c, t.Principal)
		state.ARN, state.Tags = p.ARN, p.Tags
		return err
	})
	g.Go(func() error {
		encoded, err := get(ctx, c, t)
		switch {
		case cloud.HasCode(err, iamprincipal.NoEntity): // the other call tells which of them it is
			return nil
		case err != nil:
			return cloud.Explain(err, "iam:Get"+t.Word()+"Policy")
		}
		text, err := iamprincipal.Document(encoded)
		if err == nil {
			state.Policy, err = policydoc.ParseIdentity(text)
		}
		return err
	})
	if err := g.Wait(); err != nil {
		return State{}, fmt.Errorf("read inline policy %s of %s: %w", t.Policy, t.Principal, err)
	}
	return state, nil
}

// get gives the policy as IAM encodes it.
func get(ctx context.Context, c client, t Target) (*string, error) {
	switch t.Kind {
	case iamevent.User:
		out, err := c.GetUserPolicy(ctx, &iam.GetUserPolicyInput{UserName: &t.Name, PolicyName: &t.Policy})
		if err != nil {
			return nil, err
		}
		return out.PolicyDocument, nil
	case iamevent.Group:
		out, err := c.GetGroupPolicy(ctx, &iam.GetGroupPolicyInput{GroupName: &t.Name, PolicyName: &t.Policy})
		if err != nil {
			return nil, err
		}
		return out.PolicyDocument, nil
	}
	out, err := c.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &t.Name, PolicyName: &t.Policy})
	if err != nil {
		return nil, err
	}
	return out.PolicyDocument, nil
}

// Apply puts or deletes the policy. To delete what is not there is no error.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	cl := s.client(t.Ref())
	if c.Policy.IsZero() {
		err := remove(ctx, cl, t)
		if cloud.HasCode(err, iamprincipal.NoEntity) {
			return nil
		}
		return cloud.Explain(err, c.Call().API)
	}
	var err error
	switch text := aws.String(c.Policy.String()); t.Kind {
	case iamevent.User:
		_, err = cl.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &t.Name, PolicyName: &t.Policy, PolicyDocument: text})
	case iamevent.Group:
		_, err = cl.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: &t.Name, PolicyName: &t.Policy, PolicyDocument: text})
	default:
		_, err = cl.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &t.Name, PolicyName: &t.Policy, PolicyDocument: text})
	}
	return cloud.Explain(err, c.Call().API, iamprincipal.NoEntity)
}

func remove(ctx context.Context, c client, t Target) (err error) {
	switch t.Kind {
	case iamevent.User:
		_, err = c.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: &t.Name, PolicyName: &t.Policy})
	case iamevent.Group:
		_, err = c.DeleteGroupPolicy(ctx, &iam.DeleteGroupPolicyInput{GroupName: &t.Name, PolicyName: &t.Policy})
	default:
		_, err = c.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &t.Name, PolicyName: &t.Policy})
	}
	return err
}
