package kmskey

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
)

// fake is one key, with KMS's answers. Pages hold one tag.
type fake struct {
	mu      sync.Mutex
	id      string // empty when it was deleted
	state   types.KeyState
	manager types.KeyManagerType
	date    time.Time // of the deletion
	window  *int32    // of a key that waits for its replicas
	tags    []types.Tag
	fail    map[string]error // what a call answers instead
	calls   []string         // those that change it
}

var now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const key = "1234abcd-12ab-34cd-56ef-1234567890ab"

func newFake() *fake {
	return &fake{id: key, state: types.KeyStateEnabled, manager: types.KeyManagerTypeCustomer, fail: map[string]error{}}
}

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "made up"} }

// enter locks the fake and gives what KMS checks before anything else.
func (f *fake) enter(call string, id *string) error {
	f.mu.Lock()
	switch {
	case f.fail[call] != nil:
		return f.fail[call]
	case f.id == "" || aws.ToString(id) != f.id:
		return apiError("NotFoundException")
	}
	return nil
}

// set changes the key's state where KMS allows the call.
func (f *fake) set(call string, id *string, to types.KeyState, from ...types.KeyState) error {
	defer f.mu.Unlock()
	if err := f.enter(call, id); err != nil {
		return err
	}
	for _, s := range from {
		if f.state == s {
			f.state, f.date, f.window = to, time.Time{}, nil
			f.calls = append(f.calls, call)
			return nil
		}
	}
	return apiError("KMSInvalidStateException")
}

func (f *fake) DescribeKey(_ context.Context, in *kms.DescribeKeyInput, _ ...func(*kms.Options)) (*kms.DescribeKeyOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeKey", in.KeyId); err != nil {
		return nil, err
	}
	m := &types.KeyMetadata{KeyId: &f.id, KeyState: f.state, KeyManager: f.manager, PendingDeletionWindowInDays: f.window}
	if !f.date.IsZero() {
		m.DeletionDate = aws.Time(f.date)
	}
	return &kms.DescribeKeyOutput{KeyMetadata: m}, nil
}

func (f *fake) ListResourceTags(_ context.Context, in *kms.ListResourceTagsInput, _ ...func(*kms.Options)) (*kms.ListResourceTagsOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ListResourceTags", in.KeyId); err != nil {
		return nil, err
	}
	for i, tag := range f.tags {
		if in.Marker == nil || *in.Marker == *tag.TagKey {
			out := &kms.ListResourceTagsOutput{Tags: f.tags[i : i+1]}
			if i+1 < len(f.tags) {
				out.Truncated, out.NextMarker = true, f.tags[i+1].TagKey
			}
			return out, nil
		}
	}
	return &kms.ListResourceTagsOutput{}, nil
}

func (f *fake) CancelKeyDeletion(_ context.Context, in *kms.CancelKeyDeletionInput, _ ...func(*kms.Options)) (*kms.CancelKeyDeletionOutput, error) {
	return &kms.CancelKeyDeletionOutput{}, f.set("CancelKeyDeletion", in.KeyId, types.KeyStateDisabled, types.KeyStatePendingDeletion, types.KeyStatePendingReplicaDeletion)
}

func (f *fake) EnableKey(_ context.Context, in *kms.EnableKeyInput, _ ...func(*kms.Options)) (*kms.EnableKeyOutput, error) {
	return &kms.EnableKeyOutput{}, f.set("EnableKey", in.KeyId, types.KeyStateEnabled, types.KeyStateEnabled, types.KeyStateDisabled)
}

func (f *fake) DisableKey(_ context.Context, in *kms.DisableKeyInput, _ ...func(*kms.Options)) (*kms.DisableKeyOutput, error) {
	return &kms.DisableKeyOutput{}, f.set("DisableKey", in.KeyId, types.KeyStateDisabled, types.KeyStateEnabled, types.KeyStateDisabled)
}

func (f *fake) ScheduleKeyDeletion(_ context.Context, in *kms.ScheduleKeyDeletionInput, _ ...func(*kms.Options)) (*kms.ScheduleKeyDeletionOutput, error) {
	err := f.set("ScheduleKeyDeletion", in.KeyId, types.KeyStatePendingDeletion, types.KeyStateEnabled, types.KeyStateDisabled)
	if err == nil {
		f.date = now.AddDate(0, 0, int(*in.PendingWindowInDays))
	}
	return &kms.ScheduleKeyDeletionOutput{}, err
}

func awsTags(tags map[string]string) (out []types.Tag) {
	for k, v := range tags {
		out = append(out, types.Tag{TagKey: &k, TagValue: &v})
	}
	return out
}
