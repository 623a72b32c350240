package iampolicyversion

import (
	"context"
	"net/url"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
)

// fake is one policy, with IAM's answers. Pages hold one version.
type fake struct {
	mu                 sync.Mutex
	arn                string // empty when it was deleted
	fallback           string // the default version
	ids                []string
	docs               map[string]string
	tags               []types.Tag
	attached, boundary int32
	fail               map[string]error // what a call answers instead
	read               []string         // versions that were read
}

const deploy = "arn:aws:iam::111122223333:policy/team/deploy"

// newFake makes a policy with these versions, of which the last is the default.
func newFake(docs ...string) *fake {
	f := &fake{arn: deploy, docs: map[string]string{}, fail: map[string]error{}}
	for i, d := range docs {
		f.fallback = "v" + string(rune('1'+i))
		f.ids = append(f.ids, f.fallback)
		f.docs[f.fallback] = d
	}
	return f
}

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "made up"} }

// enter locks the fake and gives what IAM checks before anything else.
func (f *fake) enter(call string, arn *string) error {
	f.mu.Lock()
	switch {
	case f.fail[call] != nil:
		return f.fail[call]
	case f.arn == "" || *arn != f.arn:
		return apiError("NoSuchEntity")
	}
	return nil
}

func (f *fake) GetPolicy(_ context.Context, in *iam.GetPolicyInput, _ ...func(*iam.Options)) (*iam.GetPolicyOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetPolicy", in.PolicyArn); err != nil {
		return nil, err
	}
	return &iam.GetPolicyOutput{Policy: &types.Policy{
		DefaultVersionId: aws.String(f.fallback), Tags: f.tags, AttachmentCount: aws.Int32(f.attached), PermissionsBoundaryUsageCount: aws.Int32(f.boundary),
	}}, nil
}

func (f *fake) ListPolicyVersions(_ context.Context, in *iam.ListPolicyVersionsInput, _ ...func(*iam.Options)) (*iam.ListPolicyVersionsOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ListPolicyVersions", in.PolicyArn); err != nil {
		return nil, err
	}
	at := 0
	for i, id := range f.ids {
		if id == aws.ToString(in.Marker) {
			at = i
		}
	}
	out := &iam.ListPolicyVersionsOutput{Versions: []types.PolicyVersion{{VersionId: &f.ids[at]}}}
	if at+1 < len(f.ids) {
		out.IsTruncated, out.Marker = true, &f.ids[at+1]
	}
	return out, nil
}

func (f *fake) GetPolicyVersion(_ context.Context, in *iam.GetPolicyVersionInput, _ ...func(*iam.Options)) (*iam.GetPolicyVersionOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetPolicyVersion", in.PolicyArn); err != nil {
		return nil, err
	}
	f.read = append(f.read, *in.VersionId)
	text, ok := f.docs[*in.VersionId]
	if !ok {
		return nil, apiError("NoSuchEntity")
	}
	return &iam.GetPolicyVersionOutput{PolicyVersion: &types.PolicyVersion{VersionId: in.VersionId, Document: aws.String(url.PathEscape(text))}}, nil
}

func (f *fake) SetDefaultPolicyVersion(_ context.Context, in *iam.SetDefaultPolicyVersionInput, _ ...func(*iam.Options)) (*iam.SetDefaultPolicyVersionOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("SetDefaultPolicyVersion", in.PolicyArn); err != nil {
		return nil, err
	}
	if _, ok := f.docs[*in.VersionId]; !ok {
		return nil, apiError("NoSuchEntity")
	}
	f.fallback = *in.VersionId
	return &iam.SetDefaultPolicyVersionOutput{}, nil
}
