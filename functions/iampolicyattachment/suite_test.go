package iampolicyattachment

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/ebb-ops/ebb/pkg/cloud/iamprincipal"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/cloudtrail/iamevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

func suite(t testing.TB, kind string) remedytest.Suite[Target, State, Change, Params] {
	word := iamevent.Principal{Kind: kind}.Word()
	detach := []string{"iam:Detach" + word + "Policy"}
	with := func(attached bool, text string) State {
		s := State{Attached: attached, ARN: "arn:aws:iam::111122223333:" + kind + "/ops"}
		if text != "" {
			s.Document = doc(t, text)
		}
		if kind != iamevent.Group {
			s.Tags = map[string]string{"team": "web"}
		}
		return s
	}
	state := func(s State) *State { return &s }
	cases := []remedytest.Case[State, Params]{
		{Name: "AdministratorAccess, other policies stay", Live: with(true, ""), Rules: []string{"forbidden-policy"}, Want: with(false, ""), Calls: detach},
		{Name: "an administrator policy under another name", Live: with(true, everything), Rules: []string{"administrator-policy"}, Want: with(false, everything), Calls: detach},
	}
	if kind == iamevent.Role { // what does not depend on the kind
		cases = append(cases,
			remedytest.Case[State, Params]{Name: "detached already", Live: with(false, "")},
			remedytest.Case[State, Params]{Name: "a harmless policy", Live: with(true, buckets)},
			remedytest.Case[State, Params]{Name: "a policy that is not forbidden", Params: &Params{}, Live: with(true, "")},
			remedytest.Case[State, Params]{Name: "a break-glass role", Params: &Params{ForbiddenPolicies: iamevent.Patterns{"*"}, AllowedPrincipals: iamevent.Patterns{"role/ops"}}, Live: with(true, "")},
			remedytest.Case[State, Params]{Name: "attached once more after it was detached", Baseline: state(with(false, "")), Live: with(true, ""), Rules: []string{"forbidden-policy"}, Want: with(false, ""), Calls: detach},
			remedytest.Case[State, Params]{Name: "its document became an administrator's", Baseline: state(with(true, buckets)), Live: with(true, everything), Rules: []string{"administrator-policy"}, Want: with(false, everything), Calls: detach},
		)
	}
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function, Rule: rules, Cases: cases,
		Normal: func(s State) State { s.ARN = ""; return s }, // what the worlds give of their own
	}
}

// about gives the policy that a state is about: without a document it is AWS's.
func about(s State, own string) string {
	if s.Document.IsZero() {
		return awsAdmin
	}
	return own
}

func attachEvent(t Target) remedy.Event {
	return remedy.Event{
		Source: "aws.iam", Name: "Attach" + t.Word() + "Policy", Account: t.Account, Region: t.Region,
		Detail: fmt.Appendf(nil, `{"requestParameters":{"%sName":%q,"policyArn":%q}}`, t.Kind, t.Name, t.Policy),
	}
}

const kept = "arn:aws:iam::aws:policy/ReadOnlyAccess"

func TestConformanceFake(t *testing.T) {
	for _, kind := range kinds {
		s := suite(t, kind)
		s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
			f := newFake(kind)
			var target Target
			return remedytest.World[Target, State, Change]{
				Resource: storeOf(f),
				Seed: func(_ testing.TB, s State) remedy.Event {
					target = Target{f.p, about(s, ownPolicy)}
					f.tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}}
					f.policies[ownPolicy] = s.Document.String()
					f.attached = []string{kept}
					if s.Attached {
						f.attached = append(f.attached, target.Policy)
					}
					return attachEvent(target)
				},
				State: func(t testing.TB) State {
					if !slices.Contains(f.attached, kept) {
						t.Errorf("another policy was touched: %v", f.attached)
					}
					s := State{Attached: slices.Contains(f.attached, target.Policy)}
					if target.Policy == ownPolicy {
						s.Document = doc(t, f.policies[ownPolicy])
					}
					if kind != iamevent.Group {
						s.Tags = iamprincipal.Tags(f.tags)
					}
					return s
				},
				Remove: func(testing.TB) { f.gone = true },
			}
		}
		t.Run(kind, func(t *testing.T) { remedytest.Run(t, s) })
	}
}

func TestConformanceMoto(t *testing.T) {
	account := mototest.New(t)
	for _, kind := range kinds {
		s := suite(t, kind)
		s.Open = func(t testing.TB) remedytest.World[Target, State, Change] { return motoWorld(t, account, kind) }
		t.Run(kind, func(t *testing.T) { remedytest.RunEmulated(t, s) })
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// motoWorld makes a principal and a policy, which are gone again when the test ends.
func motoWorld(t testing.TB, account mototest.Account, kind string) remedytest.World[Target, State, Change] {
	t.Helper()
	api := iam.NewFromConfig(account.Config)
	p := iamevent.Principal{Kind: kind, Name: "ops", Account: account.ID, Region: mototest.Region}
	tags := []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}}
	var err error
	switch kind {
	case iamevent.User:
		_, err = api.CreateUser(t.Context(), &iam.CreateUserInput{UserName: &p.Name, Tags: tags})
	case iamevent.Group:
		_, err = api.CreateGroup(t.Context(), &iam.CreateGroupInput{GroupName: &p.Name})
	case iamevent.Role:
		_, err = api.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &p.Name, Tags: tags, AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[]}`)})
	}
	must(t, err)
	own, err := api.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String("NotAdmin"), Path: aws.String("/team/"), PolicyDocument: aws.String(buckets)})
	must(t, err)
	set := func(t testing.TB, policy string, attach bool) {
		t.Helper()
		must(t, store{func(remedy.Ref) client { return api }}.Apply(t.Context(), Target{p, policy}, Change{Target{p, policy}, attach}))
	}
	has := func(t testing.TB, policy string) bool {
		t.Helper()
		got, err := attached(t.Context(), api, Target{p, policy})
		must(t, err)
		return got
	}
	gone := false
	remove := func(ctx context.Context, t testing.TB) {
		for _, policy := range []string{kept, awsAdmin, *own.Policy.Arn} {
			must(t, store{func(remedy.Ref) client { return api }}.Apply(ctx, Target{p, policy}, Change{Target{p, policy}, false}))
		}
		var err error
		switch kind {
		case iamevent.User:
			_, err = api.DeleteUser(ctx, &iam.DeleteUserInput{UserName: &p.Name})
		case iamevent.Group:
			_, err = api.DeleteGroup(ctx, &iam.DeleteGroupInput{GroupName: &p.Name})
		case iamevent.Role:
			_, err = api.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &p.Name})
		}
		must(t, err)
		gone = true
	}
	t.Cleanup(func() {
		if !gone {
			remove(context.Background(), t)
		}
		versions, err := api.ListPolicyVersions(context.Background(), &iam.ListPolicyVersionsInput{PolicyArn: own.Policy.Arn})
		must(t, err)
		for _, v := range versions.Versions {
			if !v.IsDefaultVersion {
				_, err := api.DeletePolicyVersion(context.Background(), &iam.DeletePolicyVersionInput{PolicyArn: own.Policy.Arn, VersionId: v.VersionId})
				must(t, err)
			}
		}
		_, err = api.DeletePolicy(context.Background(), &iam.DeletePolicyInput{PolicyArn: own.Policy.Arn})
		must(t, err)
	})
	var target Target
	text := buckets
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Seed: func(t testing.TB, s State) remedy.Event {
			target = Target{p, about(s, *own.Policy.Arn)}
			if target.Policy != awsAdmin && text != s.Document.String() {
				text = s.Document.String()
				_, err := api.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{
					PolicyArn: own.Policy.Arn, PolicyDocument: &text, SetAsDefault: true,
				})
				must(t, err)
			}
			set(t, kept, true)
			set(t, target.Policy, s.Attached)
			return attachEvent(target)
		},
		State: func(t testing.TB) State {
			if !has(t, kept) {
				t.Error("another policy was touched")
			}
			s := State{Attached: has(t, target.Policy)}
			if target.Policy != awsAdmin {
				s.Document = doc(t, text)
			}
			if kind != iamevent.Group {
				s.Tags = iamprincipal.Tags(tags)
			}
			return s
		},
		Remove: func(t testing.TB) { remove(t.Context(), t) },
	}
}

// TestFunctionOnEmulator opens the function as a host does, with nothing but an
// endpoint and credentials, and reads a policy of AWS.
func TestFunctionOnEmulator(t *testing.T) {
	t.Parallel()
	account := mototest.New(t)
	if _, err := remedy.Open(t.Context(), Function, account.Env); err != nil {
		t.Fatal(err)
	}
	w := motoWorld(t, account, iamevent.User)
	targets, err := decode(w.Seed(t, State{Attached: true}))
	must(t, err)
	got, err := w.Resource.Read(t.Context(), targets[0])
	must(t, err)
	if want := "arn:aws:iam::" + account.ID + ":user/ops"; !got.Attached || got.ARN != want {
		t.Errorf("state = %+v, want it attached to %s", got, want)
	}
}
