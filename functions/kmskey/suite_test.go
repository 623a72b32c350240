package kmskey

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

func suite() remedytest.Suite[Target, State, Change, Params] {
	tags := map[string]string{"stage": "prod"}
	on, off, doomed := State{KeyState: enabled, Tags: tags}, State{KeyState: disabled, Tags: tags}, State{KeyState: pending, Window: 12, Tags: tags}
	both := []string{"kms:CancelKeyDeletion", "kms:EnableKey"}
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function, Rule: rules,
		Cases: []remedytest.Case[State, Params]{
			{Name: "enabled", Live: on},
			{Name: "not protected", Params: &Params{[]string{"stage=dev"}}, Live: doomed},
			{Name: "disabled", Live: off, Rules: []string{"key-disabled"}, Want: on, Calls: []string{"kms:EnableKey"}},
			{Name: "disabled after the baseline", Baseline: &on, Live: off, Rules: []string{"key-disabled"}, Want: on, Calls: []string{"kms:EnableKey"}},
			{Name: "to be deleted, and not left disabled", Live: doomed, Rules: []string{"key-deletion"}, Want: on, Calls: both},
			{Name: "a protected tag", Params: &Params{[]string{"stage=prod"}}, Baseline: &on, Live: doomed, Rules: []string{"key-deletion"}, Want: on, Calls: both},
		},
	}
}

func disableEvent(t Target) remedy.Event {
	return remedy.Event{
		Source: "aws.kms", Name: "DisableKey", Account: t.Account, Region: t.Region,
		Detail: fmt.Appendf(nil, `{"requestParameters":{"keyId":%q}}`, t.KeyID),
	}
}

func TestConformanceFake(t *testing.T) {
	s := suite()
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		f := newFake()
		return remedytest.World[Target, State, Change]{
			Resource: storeOf(f),
			Seed: func(_ testing.TB, s State) remedy.Event {
				f.state, f.tags, f.date = types.KeyState(s.KeyState), awsTags(s.Tags), time.Time{}
				if s.Window > 0 {
					f.date = now.AddDate(0, 0, s.Window)
				}
				return disableEvent(target)
			},
			State: func(testing.TB) State {
				s := State{KeyState: string(f.state), Tags: map[string]string{}}
				if !f.date.IsZero() {
					s.Window = int(f.date.Sub(now).Hours() / 24)
				}
				for _, tag := range f.tags {
					s.Tags[*tag.TagKey] = *tag.TagValue
				}
				return s
			},
			Remove: func(testing.TB) { f.id = "" },
		}
	}
	remedytest.Run(t, s)
}

func TestConformanceMoto(t *testing.T) {
	account := mototest.New(t)
	api := kms.NewFromConfig(account.Config)
	must := func(t testing.TB, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s := suite()
	s.Open = func(t testing.TB) remedytest.World[Target, State, Change] {
		out, err := api.CreateKey(t.Context(), &kms.CreateKeyInput{Tags: []types.Tag{{TagKey: aws.String("stage"), TagValue: aws.String("prod")}}})
		must(t, err)
		id := out.KeyMetadata.KeyId
		own := Target{*id, account.ID, mototest.Region}
		gone := false
		return remedytest.World[Target, State, Change]{
			// No call deletes a key at once: one that is gone is another's id.
			Resource: store{func(remedy.Ref) client {
				if gone {
					return missing{api}
				}
				return api
			}, time.Now},
			Seed: func(t testing.TB, s State) remedy.Event {
				_, _ = api.CancelKeyDeletion(t.Context(), &kms.CancelKeyDeletionInput{KeyId: id})
				_, err := api.EnableKey(t.Context(), &kms.EnableKeyInput{KeyId: id})
				must(t, err)
				switch {
				case s.KeyState == disabled:
					_, err = api.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: id})
				case s.doomed():
					_, err = api.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: id, PendingWindowInDays: aws.Int32(int32(s.Window))})
				}
				must(t, err)
				return disableEvent(own)
			},
			State: func(t testing.TB) State {
				out, err := api.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: id})
				must(t, err)
				s := State{KeyState: string(out.KeyMetadata.KeyState), Tags: map[string]string{"stage": "prod"}}
				if d := out.KeyMetadata.DeletionDate; d != nil {
					s.Window = int((time.Until(*d) + time.Hour).Hours() / 24)
				}
				return s
			},
			Remove: func(testing.TB) { gone = true },
		}
	}
	remedytest.RunEmulated(t, s)
}

// missing asks the emulator about a key that it does not have.
type missing struct{ *kms.Client }

var none = aws.String("00000000-0000-0000-0000-000000000000")

func (m missing) DescribeKey(ctx context.Context, _ *kms.DescribeKeyInput, o ...func(*kms.Options)) (*kms.DescribeKeyOutput, error) {
	return m.Client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: none}, o...)
}

func (m missing) ListResourceTags(ctx context.Context, _ *kms.ListResourceTagsInput, o ...func(*kms.Options)) (*kms.ListResourceTagsOutput, error) {
	return m.Client.ListResourceTags(ctx, &kms.ListResourceTagsInput{KeyId: none}, o...)
}

// TestFunctionOnEmulator opens the function as a host does, with nothing but an
// endpoint and credentials.
func TestFunctionOnEmulator(t *testing.T) {
	t.Parallel()
	if _, err := remedy.Open(t.Context(), Function, mototest.New(t).Env); err != nil {
		t.Fatal(err)
	}
}
