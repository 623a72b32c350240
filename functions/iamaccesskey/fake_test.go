package iamaccesskey

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
)

// fake is one user and the user's keys, with IAM's answers. Pages hold one key.
type fake struct {
	mu       sync.Mutex
	user     string // empty when there is none
	tags     []types.Tag
	keys     map[string]types.StatusType
	rootKeys int32
	deny     string // the call that is refused
}

var created = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func newFake() *fake { return &fake{user: "jane", keys: map[string]types.StatusType{}} }

func (f *fake) enter(call, user string) error {
	f.mu.Lock()
	switch {
	case call == f.deny:
		return &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}
	case user != f.user:
		return &smithy.GenericAPIError{Code: "NoSuchEntity", Message: "no such user"}
	}
	return nil
}

func (f *fake) GetUser(_ context.Context, in *iam.GetUserInput, _ ...func(*iam.Options)) (*iam.GetUserOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetUser", *in.UserName); err != nil {
		return nil, err
	}
	return &iam.GetUserOutput{User: &types.User{Arn: aws.String("arn:aws:iam::111122223333:user/staff/" + f.user), Tags: f.tags}}, nil
}

func (f *fake) ListAccessKeys(_ context.Context, in *iam.ListAccessKeysInput, _ ...func(*iam.Options)) (*iam.ListAccessKeysOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ListAccessKeys", *in.UserName); err != nil {
		return nil, err
	}
	var at int
	_, _ = fmt.Sscan(aws.ToString(in.Marker), &at)
	out := &iam.ListAccessKeysOutput{}
	ids := slices.Sorted(maps.Keys(f.keys))
	if at < len(ids) {
		out.AccessKeyMetadata = []types.AccessKeyMetadata{{AccessKeyId: &ids[at], Status: f.keys[ids[at]], CreateDate: aws.Time(created)}}
	}
	if at+1 < len(ids) {
		out.IsTruncated, out.Marker = true, aws.String(fmt.Sprint(at+1))
	}
	return out, nil
}

func (f *fake) GetAccountSummary(context.Context, *iam.GetAccountSummaryInput, ...func(*iam.Options)) (*iam.GetAccountSummaryOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetAccountSummary", f.user); err != nil {
		return nil, err
	}
	return &iam.GetAccountSummaryOutput{SummaryMap: map[string]int32{"AccountAccessKeysPresent": f.rootKeys}}, nil
}

func (f *fake) UpdateAccessKey(_ context.Context, in *iam.UpdateAccessKeyInput, _ ...func(*iam.Options)) (*iam.UpdateAccessKeyOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("UpdateAccessKey", *in.UserName); err != nil {
		return nil, err
	}
	if _, ok := f.keys[*in.AccessKeyId]; !ok {
		return nil, &smithy.GenericAPIError{Code: "NoSuchEntity", Message: "no such key"}
	}
	f.keys[*in.AccessKeyId] = in.Status
	return &iam.UpdateAccessKeyOutput{}, nil
}

func awsTags(tags map[string]string) []types.Tag {
	var out []types.Tag
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	return out
}
