package ecrrepositorypolicy

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is what the store needs of ECR.
type client interface {
	GetRepositoryPolicy(context.Context, *ecr.GetRepositoryPolicyInput, ...func(*ecr.Options)) (*ecr.GetRepositoryPolicyOutput, error)
	ListTagsForResource(context.Context, *ecr.ListTagsForResourceInput, ...func(*ecr.Options)) (*ecr.ListTagsForResourceOutput, error)
	SetRepositoryPolicy(context.Context, *ecr.SetRepositoryPolicyInput, ...func(*ecr.Options)) (*ecr.SetRepositoryPolicyOutput, error)
	DeleteRepositoryPolicy(context.Context, *ecr.DeleteRepositoryPolicyInput, ...func(*ecr.Options)) (*ecr.DeleteRepositoryPolicyOutput, error)
}

func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return ecr.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes repositories' policies.
type store struct {
	client func(remedy.Ref) client
}

const codeNoPolicy = "RepositoryPolicyNotFoundException"

func explain(err error, action string) error {
	return cloud.Explain(err, action, "RepositoryNotFoundException")
}

// Read gives the repository's policy and tags, in one round of two calls. A policy
// that can't be parsed is an error.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	var state State
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		out, err := c.GetRepositoryPolicy(ctx, &ecr.GetRepositoryPolicyInput{RegistryId: &t.Account, RepositoryName: &t.Repository})
		switch {
		case cloud.HasCode(err, codeNoPolicy):
			return nil
		case err != nil:
			return explain(err, "ecr:GetRepositoryPolicy")
		}
		state.Policy, err = policydoc.Parse(aws.ToString(out.PolicyText))
		return err
	})
	group.Go(func() error {
		out, err := c.ListTagsForResource(ctx, &ecr.ListTagsForResourceInput{ResourceArn: aws.String(t.Ref().ID)})
		if err != nil {
			return explain(err, "ecr:ListTagsForResource")
		}
		if len(out.Tags) > 0 {
			state.Tags = make(map[string]string, len(out.Tags))
		}
		for _, tag := range out.Tags {
			state.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return State{}, fmt.Errorf("read repository %s of account %s: %w", t.Repository, t.Account, err)
	}
	return state, nil
}

// Apply sets or deletes the repository's policy. To delete what is not there is no
// error here, as it is to ECR.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	cl := s.client(t.Ref())
	if c.Policy.IsZero() {
		_, err := cl.DeleteRepositoryPolicy(ctx, &ecr.DeleteRepositoryPolicyInput{RegistryId: &t.Account, RepositoryName: &t.Repository})
		if err = explain(err, "ecr:DeleteRepositoryPolicy"); err != nil && !cloud.HasCode(err, codeNoPolicy) {
			return fmt.Errorf("delete the policy of repository %s of account %s: %w", t.Repository, t.Account, err)
		}
		return nil
	}
	_, err := cl.SetRepositoryPolicy(ctx, &ecr.SetRepositoryPolicyInput{
		RegistryId: &t.Account, RepositoryName: &t.Repository, PolicyText: aws.String(c.Policy.String()),
	})
	if cloud.HasCode(err, "InvalidParameterException") {
		// The text was a repository's policy before.
		err = remedy.Permanent(fmt.Errorf("ECR refuses the policy; a principal that it names may have been deleted since, or it would let nobody change it again, which takes force: %w", err))
	}
	if err = explain(err, "ecr:SetRepositoryPolicy"); err != nil {
		return fmt.Errorf("set the policy of repository %s of account %s: %w", t.Repository, t.Account, err)
	}
	return nil
}
