package sqsqueuepolicy

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is what the store needs of SQS.
type client interface {
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
	ListQueueTags(context.Context, *sqs.ListQueueTagsInput, ...func(*sqs.Options)) (*sqs.ListQueueTagsOutput, error)
	SetQueueAttributes(context.Context, *sqs.SetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.SetQueueAttributesOutput, error)
}

func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return sqs.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes queues' policies. The host in a queue's URL is never
// called: SQS takes the URL as a parameter.
type store struct {
	client func(remedy.Ref) client
}

// explain knows the two names that SQS has for a queue that does not exist.
func explain(err error, action string) error {
	return cloud.Explain(err, action, "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
}

// Read gives the queue's policy and tags, in one round of two calls. A policy
// that can't be parsed is an error.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	var state State
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		out, err := c.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: &t.URL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNamePolicy},
		})
		if err != nil {
			return explain(err, "sqs:GetQueueAttributes")
		}
		return state.Policy.UnmarshalText([]byte(out.Attributes["Policy"])) // SQS gives none where there is none
	})
	group.Go(func() error {
		out, err := c.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: &t.URL})
		if err != nil {
			return explain(err, "sqs:ListQueueTags")
		}
		state.Tags = out.Tags
		return nil
	})
	if err := group.Wait(); err != nil {
		return State{}, fmt.Errorf("read queue %s of account %s: %w", t.Queue, t.Account, err)
	}
	return state, nil
}

// Apply sets the queue's policy.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	_, err := s.client(t.Ref()).SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
		QueueUrl: &t.URL, Attributes: map[string]string{"Policy": c.Policy.String()},
	})
	if cloud.HasCode(err, "InvalidAttributeValue") {
		// The text was a queue's policy before, so what is wrong is what it names.
		err = remedy.Permanent(fmt.Errorf("SQS refuses the policy; a principal that it names may have been deleted since: %w", err))
	}
	if err = explain(err, "sqs:SetQueueAttributes"); err != nil {
		return fmt.Errorf("set the policy of queue %s of account %s: %w", t.Queue, t.Account, err)
	}
	return nil
}
