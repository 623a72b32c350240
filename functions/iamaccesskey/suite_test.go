package iamaccesskey

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const call = "iam:UpdateAccessKey"

func suite() remedytest.Suite[Target, State, Change, Params] {
	params := func(forbidden, allowed []string) *Params { return &Params{forbidden, allowed} }
	tags := map[string]string{"team": "web"}
	on, off := State{Status: active, Tags: tags}, State{Status: inactive, Tags: tags}
	forbidden := []string{"forbidden-user"}
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function,
		Rule:     rules,
		// What the worlds give of their own, and no call changes.
		Normal: func(s State) State { s.Created, s.UserARN = time.Time{}, ""; return s },
		Cases: []remedytest.Case[State, Params]{
			{Name: "a key that is inactive already", Live: off},
			{Name: "a user who is not forbidden", Params: params([]string{"*.admin"}, nil), Live: on},
			{Name: "a user who is allowed", Params: params([]string{"*"}, []string{"jan?"}), Live: on},
			{Name: "nobody is forbidden", Params: params(nil, nil), Live: on},
			{Name: "everybody is forbidden", Live: on, Rules: forbidden, Calls: []string{call}, Want: off},
			{Name: "a forbidden user without tags", Live: State{Status: active}, Rules: forbidden, Calls: []string{call}, Want: State{Status: inactive}},
			{Name: "a forbidden pattern", Params: params([]string{"bob", "j*"}, nil), Live: on, Rules: forbidden, Calls: []string{call}, Want: off},
			{Name: "a name in other letters", Params: params([]string{"JANE"}, []string{"jan"}), Live: on, Rules: forbidden, Calls: []string{call}, Want: off},
			{Name: "others are allowed", Params: params([]string{"*"}, []string{"ci-*"}), Live: on, Rules: forbidden, Calls: []string{call}, Want: off},
			{Name: "activated again after it was inactive", Baseline: &off, Live: on, Rules: forbidden, Calls: []string{call}, Want: off},
		},
	}
}

// keyEvent is what the making of a key causes.
func keyEvent(target Target) remedy.Event {
	return remedy.Event{
		Source: "aws.iam", Name: "CreateAccessKey", Account: target.Account, Region: target.Region,
		Detail: fmt.Appendf(nil, `{"requestParameters":{"userName":%[1]q},"responseElements":{"accessKey":{"userName":%[1]q,"accessKeyId":%[2]q}}}`, target.User, target.KeyID),
	}
}

func TestConformanceFake(t *testing.T) {
	s := suite()
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		f := newFake()
		target := Target{f.user, "AKIA2", "111122223333", "us-east-1"}
		f.keys["AKIA1"], f.keys["AKIA2"] = types.StatusTypeActive, types.StatusTypeActive
		return remedytest.World[Target, State, Change]{
			Resource: storeOf(f),
			Seed: func(_ testing.TB, s State) remedy.Event {
				f.keys[target.KeyID], f.tags = types.StatusType(s.Status), awsTags(s.Tags)
				return keyEvent(target)
			},
			State: func(t testing.TB) State {
				if f.keys["AKIA1"] != types.StatusTypeActive || len(f.keys) != 2 {
					t.Errorf("the user's other key was touched, or one was deleted: %v", f.keys)
				}
				return State{Status: string(f.keys[target.KeyID]), Tags: tagMap(f.tags)}
			},
			Remove: func(testing.TB) { delete(f.keys, target.KeyID) },
		}
	}
	remedytest.Run(t, s)
}

func TestConformanceMoto(t *testing.T) {
	s := suite()
	account := mototest.New(t)
	s.Open = func(t testing.TB) remedytest.World[Target, State, Change] { return motoWorld(t, account) }
	remedytest.RunEmulated(t, s)
}

// motoWorld makes a user with two keys, who is gone again when the test ends.
func motoWorld(t testing.TB, account mototest.Account) remedytest.World[Target, State, Change] {
	t.Helper()
	api := iam.NewFromConfig(account.Config)
	must := func(t testing.TB, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	user := aws.String("jane")
	_, err := api.CreateUser(t.Context(), &iam.CreateUserInput{UserName: user, Path: aws.String("/staff/")})
	must(t, err)
	newKey := func() string {
		out, err := api.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: user})
		must(t, err)
		return *out.AccessKey.AccessKeyId
	}
	other := newKey()
	target := Target{*user, newKey(), account.ID, mototest.Region}
	t.Cleanup(func() {
		ctx := context.Background()
		for _, key := range []string{other, target.KeyID} {
			_, _ = api.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: user, AccessKeyId: &key}) // one may be gone
		}
		_, err := api.DeleteUser(ctx, &iam.DeleteUserInput{UserName: user})
		must(t, err)
	})
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Seed: func(t testing.TB, s State) remedy.Event {
			if len(s.Tags) > 0 {
				_, err := api.TagUser(t.Context(), &iam.TagUserInput{UserName: user, Tags: awsTags(s.Tags)})
				must(t, err)
			}
			_, err := api.UpdateAccessKey(t.Context(), &iam.UpdateAccessKeyInput{
				UserName: user, AccessKeyId: &target.KeyID, Status: types.StatusType(s.Status),
			})
			must(t, err)
			return keyEvent(target)
		},
		State: func(t testing.TB) State {
			keys, err := api.ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: user})
			must(t, err)
			tags, err := api.ListUserTags(t.Context(), &iam.ListUserTagsInput{UserName: user})
			must(t, err)
			status := map[string]types.StatusType{}
			for _, k := range keys.AccessKeyMetadata {
				status[*k.AccessKeyId] = k.Status
			}
			if status[other] != types.StatusTypeActive || len(status) != 2 {
				t.Errorf("the user's other key was touched, or one was deleted: %v", status)
			}
			return State{Status: string(status[target.KeyID]), Tags: tagMap(tags.Tags)}
		},
		Remove: func(t testing.TB) {
			_, err := api.DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{UserName: user, AccessKeyId: &target.KeyID})
			must(t, err)
		},
	}
}

func tagMap(tags []types.Tag) map[string]string {
	var out map[string]string
	for _, t := range tags {
		if out == nil {
			out = map[string]string{}
		}
		out[*t.Key] = *t.Value
	}
	return out
}

// TestMotoNamesTheUser reads what the suite's worlds leave out of a state.
func TestMotoNamesTheUser(t *testing.T) {
	w := motoWorld(t, mototest.New(t))
	ev := w.Seed(t, State{Status: active})
	targets, err := decode(ev)
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.Resource.Read(t.Context(), targets[0])
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(got.UserARN, ":user/staff/jane") || got.Created.IsZero() {
		t.Errorf("state = %+v, want the user's ARN with its path, and when the key was made", got)
	}
}
