package snstopicpolicy

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"
)

// fakeSNS is an SNS with one topic.
type fakeSNS struct {
	mu     sync.Mutex
	arn    string // empty when the topic was deleted
	policy string
	tags   map[string]string
	fail   map[string]error // what an operation answers instead
}

// enter locks the fake and gives what SNS checks before anything else.
func (f *fakeSNS) enter(op string, arn *string) error {
	f.mu.Lock()
	switch {
	case f.fail[op] != nil:
		return f.fail[op]
	case f.arn == "" || aws.ToString(arn) != f.arn:
		return apiError("NotFound")
	}
	return nil
}

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "made up"} }

func (f *fakeSNS) GetTopicAttributes(_ context.Context, in *sns.GetTopicAttributesInput, _ ...func(*sns.Options)) (*sns.GetTopicAttributesOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetTopicAttributes", in.TopicArn); err != nil {
		return nil, err
	}
	out := &sns.GetTopicAttributesOutput{Attributes: map[string]string{"DisplayName": "x"}}
	if f.policy != "" {
		out.Attributes["Policy"] = f.policy
	}
	return out, nil
}

func (f *fakeSNS) ListTagsForResource(_ context.Context, in *sns.ListTagsForResourceInput, _ ...func(*sns.Options)) (*sns.ListTagsForResourceOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ListTagsForResource", in.ResourceArn); err != nil {
		return nil, err
	}
	return &sns.ListTagsForResourceOutput{Tags: awsTags(f.tags)}, nil
}

func (f *fakeSNS) SetTopicAttributes(_ context.Context, in *sns.SetTopicAttributesInput, _ ...func(*sns.Options)) (*sns.SetTopicAttributesOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("SetTopicAttributes", in.TopicArn); err != nil {
		return nil, err
	}
	if *in.AttributeName != "Policy" || *in.AttributeValue == "" {
		return nil, apiError("InvalidParameter") // as SNS says of an empty policy
	}
	f.policy = *in.AttributeValue
	return &sns.SetTopicAttributesOutput{}, nil
}

func awsTags(tags map[string]string) []types.Tag {
	var out []types.Tag
	for k, v := range tags {
		out = append(out, types.Tag{Key: &k, Value: &v})
	}
	return out
}
