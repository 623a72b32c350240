package ecrrepositorypolicy

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/smithy-go"
)

// fakeECR is an ECR with one repository.
type fakeECR struct {
	mu     sync.Mutex
	target Target // zero when the repository was deleted
	policy string // empty when it has none
	tags   map[string]string
	fail   map[string]error // what an operation answers instead
}

// enter locks the fake and gives what ECR checks before anything else.
func (f *fakeECR) enter(op string, ok bool) error {
	f.mu.Lock()
	switch {
	case f.fail[op] != nil:
		return f.fail[op]
	case f.target == Target{} || !ok:
		return apiError("RepositoryNotFoundException")
	}
	return nil
}

func (f *fakeECR) is(registry, name *string) bool {
	return aws.ToString(registry) == repository.Account && aws.ToString(name) == repository.Repository
}

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "made up"} }

func (f *fakeECR) GetRepositoryPolicy(_ context.Context, in *ecr.GetRepositoryPolicyInput, _ ...func(*ecr.Options)) (*ecr.GetRepositoryPolicyOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetRepositoryPolicy", f.is(in.RegistryId, in.RepositoryName)); err != nil {
		return nil, err
	}
	if f.policy == "" {
		return nil, apiError(codeNoPolicy)
	}
	return &ecr.GetRepositoryPolicyOutput{PolicyText: aws.String(f.policy)}, nil
}

func (f *fakeECR) ListTagsForResource(_ context.Context, in *ecr.ListTagsForResourceInput, _ ...func(*ecr.Options)) (*ecr.ListTagsForResourceOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ListTagsForResource", aws.ToString(in.ResourceArn) == repository.Ref().ID); err != nil {
		return nil, err
	}
	return &ecr.ListTagsForResourceOutput{Tags: awsTags(f.tags)}, nil
}

func (f *fakeECR) SetRepositoryPolicy(_ context.Context, in *ecr.SetRepositoryPolicyInput, _ ...func(*ecr.Options)) (*ecr.SetRepositoryPolicyOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("SetRepositoryPolicy", f.is(in.RegistryId, in.RepositoryName)); err != nil {
		return nil, err
	}
	if in.Force {
		return nil, apiError("InvalidParameterException") // ours never forces
	}
	f.policy = *in.PolicyText
	return &ecr.SetRepositoryPolicyOutput{}, nil
}

func (f *fakeECR) DeleteRepositoryPolicy(_ context.Context, in *ecr.DeleteRepositoryPolicyInput, _ ...func(*ecr.Options)) (*ecr.DeleteRepositoryPolicyOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DeleteRepositoryPolicy", f.is(in.RegistryId, in.RepositoryName)); err != nil {
		return nil, err
	}
	if f.policy == "" {
		return nil, apiError(codeNoPolicy)
	}
	f.policy = ""
	return &ecr.DeleteRepositoryPolicyOutput{}, nil
}

func awsTags(tags map[string]string) []types.Tag {
	out := []types.Tag{}
	for k, v := range tags {
		out = append(out, types.Tag{Key: &k, Value: &v})
	}
	return out
}
