package snstopicpolicy

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is what the store needs of SNS.
type client interface {
	GetTopicAttributes(context.Context, *sns.GetTopicAttributesInput, ...func(*sns.Options)) (*sns.GetTopicAttributesOutput, error)
	ListTagsForResource(context.Context, *sns.ListTagsForResourceInput, ...func(*sns.Options)) (*sns.ListTagsForResourceOutput, error)
	SetTopicAttributes(context.Context, *sns.SetTopicAttributesInput, ...func(*sns.Options)) (*sns.SetTopicAttributesOutput, error)
}

func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return sns.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes topics' policies.
type store struct {
	client func(remedy.Ref) client
}

// explain knows the two names that SNS has for a topic that does not exist.
func explain(err error, action string) error {
	return cloud.Explain(err, action, "NotFound", "ResourceNotFound")
}

// Read gives the topic's policy and tags, in one round of two calls. A policy that
// is missing or can't be parsed is an error.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	var state State
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		out, err := c.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &t.ARN})
		if err != nil {
			return explain(err, "sns:GetTopicAttributes")
		}
		text, ok := out.Attributes["Policy"]
		if !ok {
			return errors.New("sns:GetTopicAttributes: the answer holds no policy, and every topic has one")
		}
		state.Policy, err = policydoc.Parse(text)
		return err
	})
	group.Go(func() error {
		out, err := c.ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: &t.ARN})
		if err != nil {
			return explain(err, "sns:ListTagsForResource")
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
		return State{}, fmt.Errorf("read topic %s of account %s: %w", t.Topic, t.Account, err)
	}
	return state, nil
}

// Apply sets the topic's policy.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	_, err := s.client(t.Ref()).SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
		TopicArn: &t.ARN, AttributeName: aws.String("Policy"), AttributeValue: aws.String(c.Policy.String()),
	})
	if cloud.HasCode(err, "InvalidParameter") {
		// The text was a topic's policy before, so what is wrong is what it names.
		err = remedy.Permanent(fmt.Errorf("SNS refuses the policy; a principal that it names may have been deleted since: %w", err))
	}
	if err = explain(err, "sns:SetTopicAttributes"); err != nil {
		return fmt.Errorf("set the policy of topic %s of account %s: %w", t.Topic, t.Account, err)
	}
	return nil
}
