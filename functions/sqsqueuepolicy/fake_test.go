package sqsqueuepolicy

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
)

// fakeSQS is an SQS with one queue.
type fakeSQS struct {
	mu     sync.Mutex
	url    string // empty when the queue was deleted
	policy string // empty when it has none
	tags   map[string]string
	fail   map[string]error // what an operation answers instead
}

// enter locks the fake and gives what SQS checks before anything else.
func (f *fakeSQS) enter(op string, url *string) error {
	f.mu.Lock()
	switch {
	case f.fail[op] != nil:
		return f.fail[op]
	case f.url == "" || aws.ToString(url) != f.url:
		return apiError("AWS.SimpleQueueService.NonExistentQueue")
	}
	return nil
}

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "made up"} }

func (f *fakeSQS) GetQueueAttributes(_ context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetQueueAttributes", in.QueueUrl); err != nil {
		return nil, err
	}
	out := &sqs.GetQueueAttributesOutput{}
	if f.policy != "" {
		out.Attributes = map[string]string{"Policy": f.policy}
	}
	return out, nil
}

func (f *fakeSQS) ListQueueTags(_ context.Context, in *sqs.ListQueueTagsInput, _ ...func(*sqs.Options)) (*sqs.ListQueueTagsOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ListQueueTags", in.QueueUrl); err != nil {
		return nil, err
	}
	return &sqs.ListQueueTagsOutput{Tags: f.tags}, nil
}

func (f *fakeSQS) SetQueueAttributes(_ context.Context, in *sqs.SetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.SetQueueAttributesOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("SetQueueAttributes", in.QueueUrl); err != nil {
		return nil, err
	}
	f.policy = in.Attributes["Policy"]
	return &sqs.SetQueueAttributesOutput{}, nil
}
