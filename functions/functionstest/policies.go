package functionstest

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// sids gives the Sids of a policy's statements; none of no policy.
func sids(policy string) ([]string, error) {
	if policy == "" {
		return []string{}, nil
	}
	var doc struct{ Statement []struct{ Sid string } }
	if err := json.Unmarshal([]byte(policy), &doc); err != nil {
		return nil, err
	}
	out := []string{}
	for _, s := range doc.Statement {
		out = append(out, s.Sid)
	}
	return out, nil
}

// parameters decodes those of the call that a sample tells of.
func (s Stage) parameters(into any) error {
	var event struct {
		Detail struct {
			Parameters json.RawMessage `json:"requestParameters"`
		} `json:"detail"`
	}
	if err := json.Unmarshal(s.Event, &event); err != nil {
		return err
	}
	return json.Unmarshal(event.Detail.Parameters, into)
}

func queuePolicy(ctx context.Context, events samples, account Account) (Stage, error) {
	api := sqs.NewFromConfig(account.Config)
	name := "acme-jobs"
	out, err := api.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, name, "sqs-queue-policy/set-public-send.json", name, "sqs-queue-policy/set-denied.json", name)
	if err != nil {
		return Stage{}, err
	}
	var call struct{ Attributes map[string]string }
	if err := s.parameters(&call); err != nil {
		return Stage{}, err
	}
	s.Spoil = func(ctx context.Context) error {
		_, err := api.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: out.QueueUrl, Attributes: call.Attributes})
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		got, err := api.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: out.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNamePolicy},
		})
		if err != nil {
			return nil, err
		}
		return sids(got.Attributes["Policy"])
	}
	s.Bad = []string{"TLSOnly", "PublicSend"}
	s.Good = []string{"TLSOnly"}
	return s, nil
}

func topicPolicy(ctx context.Context, events samples, account Account) (Stage, error) {
	api := sns.NewFromConfig(account.Config)
	name := "acme-alerts"
	out, err := api.CreateTopic(ctx, &sns.CreateTopicInput{Name: &name})
	if err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, name, "sns-topic-policy/set-public-publish.json", name, "sns-topic-policy/set-denied.json", name)
	if err != nil {
		return Stage{}, err
	}
	var call struct {
		Policy string `json:"attributeValue"`
	}
	if err := s.parameters(&call); err != nil {
		return Stage{}, err
	}
	s.Spoil = func(ctx context.Context) error {
		_, err := api.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
			TopicArn: out.TopicArn, AttributeName: aws.String("Policy"), AttributeValue: &call.Policy,
		})
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		got, err := api.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: out.TopicArn})
		if err != nil {
			return nil, err
		}
		return sids(got.Attributes["Policy"])
	}
	s.Bad = []string{"TLSOnly", "PublicPublish"}
	s.Good = []string{"TLSOnly"}
	return s, nil
}

func repositoryPolicy(ctx context.Context, events samples, account Account) (Stage, error) {
	api := ecr.NewFromConfig(account.Config)
	name := "acme/web"
	if _, err := api.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: &name}); err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, name, "ecr-repository-policy/set-public-pull.json", name, "ecr-repository-policy/set-denied.json", name)
	if err != nil {
		return Stage{}, err
	}
	var call struct{ PolicyText string }
	if err := s.parameters(&call); err != nil {
		return Stage{}, err
	}
	s.Spoil = func(ctx context.Context) error {
		_, err := api.SetRepositoryPolicy(ctx, &ecr.SetRepositoryPolicyInput{RepositoryName: &name, PolicyText: &call.PolicyText})
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		got, err := api.GetRepositoryPolicy(ctx, &ecr.GetRepositoryPolicyInput{RepositoryName: &name})
		if err != nil {
			return nil, err
		}
		return sids(*got.PolicyText)
	}
	s.Bad = []string{"TLSOnly", "PublicPull"}
	s.Good = []string{"TLSOnly"}
	return s, nil
}

func secretPolicy(ctx context.Context, events samples, account Account) (Stage, error) {
	api := secretsmanager.NewFromConfig(account.Config)
	name := "acme/db"
	out, err := api.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: &name, SecretString: aws.String("x")})
	if err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, *out.ARN,
		"secretsmanager-secret-policy/put-public-read.json", "arn:aws:secretsmanager:us-east-1:111122223333:secret:acme/db-a1b2c3",
		"secretsmanager-secret-policy/put-denied.json", name)
	if err != nil {
		return Stage{}, err
	}
	var call struct{ ResourcePolicy string }
	if err := s.parameters(&call); err != nil {
		return Stage{}, err
	}
	s.Spoil = func(ctx context.Context) error {
		_, err := api.PutResourcePolicy(ctx, &secretsmanager.PutResourcePolicyInput{SecretId: &name, ResourcePolicy: &call.ResourcePolicy})
		return err
	}
	s.State = func(ctx context.Context) ([]string, error) {
		got, err := api.GetResourcePolicy(ctx, &secretsmanager.GetResourcePolicyInput{SecretId: &name})
		if err != nil {
			return nil, err
		}
		return sids(aws.ToString(got.ResourcePolicy))
	}
	s.Bad = []string{"TLSOnly", "PublicRead"}
	s.Good = []string{"TLSOnly"}
	return s, nil
}
