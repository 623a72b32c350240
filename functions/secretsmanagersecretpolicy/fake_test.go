package secretsmanagersecretpolicy

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"
)

// fakeSecrets is a Secrets Manager with one secret.
type fakeSecrets struct {
	mu      sync.Mutex
	arn     string // empty when the secret was deleted
	deleted time.Time
	policy  string // empty when it has none
	tags    map[string]string
	fail    map[string]error // what an operation answers instead
}

// enter locks the fake and gives what Secrets Manager checks before anything else.
func (f *fakeSecrets) enter(op string, id *string) error {
	f.mu.Lock()
	switch {
	case f.fail[op] != nil:
		return f.fail[op]
	case f.arn == "" || aws.ToString(id) != f.arn:
		return apiError("ResourceNotFoundException")
	case !f.deleted.IsZero() && op != "DescribeSecret":
		return apiError("InvalidRequestException")
	}
	return nil
}

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "made up"} }

func (f *fakeSecrets) DescribeSecret(_ context.Context, in *secretsmanager.DescribeSecretInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.DescribeSecretOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeSecret", in.SecretId); err != nil {
		return nil, err
	}
	out := &secretsmanager.DescribeSecretOutput{Tags: awsTags(f.tags)}
	if !f.deleted.IsZero() {
		out.DeletedDate = &f.deleted
	}
	return out, nil
}

func (f *fakeSecrets) GetResourcePolicy(_ context.Context, in *secretsmanager.GetResourcePolicyInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetResourcePolicyOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetResourcePolicy", in.SecretId); err != nil {
		return nil, err
	}
	out := &secretsmanager.GetResourcePolicyOutput{}
	if f.policy != "" {
		out.ResourcePolicy = aws.String(f.policy)
	}
	return out, nil
}

func (f *fakeSecrets) PutResourcePolicy(_ context.Context, in *secretsmanager.PutResourcePolicyInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.PutResourcePolicyOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("PutResourcePolicy", in.SecretId); err != nil {
		return nil, err
	}
	f.policy = *in.ResourcePolicy
	return &secretsmanager.PutResourcePolicyOutput{}, nil
}

func (f *fakeSecrets) DeleteResourcePolicy(_ context.Context, in *secretsmanager.DeleteResourcePolicyInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.DeleteResourcePolicyOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DeleteResourcePolicy", in.SecretId); err != nil {
		return nil, err
	}
	f.policy = ""
	return &secretsmanager.DeleteResourcePolicyOutput{}, nil
}

func awsTags(tags map[string]string) []types.Tag {
	var out []types.Tag
	for k, v := range tags {
		out = append(out, types.Tag{Key: &k, Value: &v})
	}
	return out
}
