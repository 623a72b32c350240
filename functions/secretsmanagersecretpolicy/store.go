package secretsmanagersecretpolicy

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is what the store needs of Secrets Manager. It reads no value.
type client interface {
	DescribeSecret(context.Context, *secretsmanager.DescribeSecretInput, ...func(*secretsmanager.Options)) (*secretsmanager.DescribeSecretOutput, error)
	GetResourcePolicy(context.Context, *secretsmanager.GetResourcePolicyInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetResourcePolicyOutput, error)
	PutResourcePolicy(context.Context, *secretsmanager.PutResourcePolicyInput, ...func(*secretsmanager.Options)) (*secretsmanager.PutResourcePolicyOutput, error)
	DeleteResourcePolicy(context.Context, *secretsmanager.DeleteResourcePolicyInput, ...func(*secretsmanager.Options)) (*secretsmanager.DeleteResourcePolicyOutput, error)
}

func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return secretsmanager.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes secrets' policies.
type store struct {
	client func(remedy.Ref) client
}

func explain(err error, action string) error {
	return cloud.Explain(err, action, "ResourceNotFoundException")
}

// Read gives the secret's policy and tags, in one round of two calls. A policy
// that can't be parsed is an error. A secret that is marked for deletion is gone,
// whatever Secrets Manager says of its policy.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	var state State
	var unread error // of the policy
	var group errgroup.Group
	group.Go(func() error {
		out, err := c.GetResourcePolicy(ctx, &secretsmanager.GetResourcePolicyInput{SecretId: &t.Secret})
		if err != nil {
			unread = explain(err, "secretsmanager:GetResourcePolicy")
			return nil
		}
		unread = state.Policy.UnmarshalText([]byte(aws.ToString(out.ResourcePolicy))) // it gives none where there is none
		return nil
	})
	group.Go(func() error {
		out, err := c.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &t.Secret})
		switch {
		case err != nil:
			return explain(err, "secretsmanager:DescribeSecret")
		case out.DeletedDate != nil:
			return fmt.Errorf("it is marked for deletion: %w", remedy.ErrGone)
		case len(out.Tags) > 0:
			state.Tags = make(map[string]string, len(out.Tags))
		}
		for _, tag := range out.Tags {
			state.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
		return nil
	})
	err := group.Wait()
	if err == nil {
		err = unread
	}
	if err != nil {
		return State{}, fmt.Errorf("read secret %s of account %s: %w", t.Name(), t.Account, err)
	}
	return state, nil
}

// Apply puts or deletes the secret's policy. To delete what is not there is no error
// to Secrets Manager.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	cl := s.client(t.Ref())
	if c.Policy.IsZero() {
		_, err := cl.DeleteResourcePolicy(ctx, &secretsmanager.DeleteResourcePolicyInput{SecretId: &t.Secret})
		if err = explain(err, "secretsmanager:DeleteResourcePolicy"); err != nil {
			return fmt.Errorf("delete the policy of secret %s of account %s: %w", t.Name(), t.Account, err)
		}
		return nil
	}
	_, err := cl.PutResourcePolicy(ctx, &secretsmanager.PutResourcePolicyInput{SecretId: &t.Secret, ResourcePolicy: aws.String(c.Policy.String())})
	if cloud.HasCode(err, "MalformedPolicyDocumentException", "InvalidParameterException") {
		// The text was a secret's policy before, so what is wrong is what it names.
		err = remedy.Permanent(fmt.Errorf("the policy is refused; a principal that it names may have been deleted since: %w", err))
	}
	if err = explain(err, "secretsmanager:PutResourcePolicy"); err != nil {
		return fmt.Errorf("put the policy of secret %s of account %s: %w", t.Name(), t.Account, err)
	}
	return nil
}
