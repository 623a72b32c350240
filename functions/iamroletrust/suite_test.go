package iamroletrust

import (
	"context"
	"fmt"
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

func suite(t testing.TB) remedytest.Suite[Target, State, Change, Params] {
	of := func(policy string) State {
		return State{Trust: doc(t, policy), ARN: "arn:aws:iam::111122223333:role/ops", Tags: map[string]string{"team": "web"}}
	}
	with := func(statements ...string) State { return of(text(statements...)) }
	state := func(s State) *State { return &s }
	call, foreign, all := []string{"iam:UpdateAssumeRolePolicy"}, []string{"foreign-account"}, []string{"everyone"}
	// The accounts of the emulator differ, so the tests' own one is allowed.
	params := &Params{AllowedAccounts: []string{"111122223333"}, AllowedOrgs: ours.AllowedOrgs}
	cases := []remedytest.Case[State, Params]{
		{Name: "compliant", Live: with(ec2, own, org, site)},
		{Name: "an allowed role", Params: &Params{AllowedRoles: iamevent.Patterns{"role/ops"}}, Live: with(everyone)},
		{Name: "a foreign account", Live: with(ec2, vendor, own), Rules: foreign, Want: with(ec2, own), Calls: call},
		{Name: "a stranger among others", Live: with(mixed, ec2), Rules: foreign, Want: with(mended, ec2), Calls: call},
		{Name: "nobody is left", Live: with(everyone), Rules: all, Want: of(nobody), Calls: call},
		{Name: "any repository", Baseline: state(with(site)), Live: with(github), Rules: []string{"open-identity-provider"}, Want: with(site), Calls: call},
		{Name: "the baseline overwritten", Baseline: state(with(ec2, own)), Live: with(everyone), Rules: all, Want: with(ec2, own), Calls: call},
	}
	for i := range cases {
		if cases[i].Params == nil {
			cases[i].Params = params
		}
	}
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function, Rule: rules, Cases: cases,
		Normal: func(s State) State { s.ARN = ""; return s }, // what the worlds give of their own
	}
}

func updateEvent(t Target) remedy.Event {
	return remedy.Event{
		Source: "aws.iam", Name: "UpdateAssumeRolePolicy", Account: t.Account, Region: t.Region,
		Detail: fmt.Appendf(nil, `{"requestParameters":{"roleName":%q}}`, t.Name),
	}
}

func TestConformanceFake(t *testing.T) {
	s := suite(t)
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		f := newFake()
		return remedytest.World[Target, State, Change]{
			Resource: storeOf(f),
			Seed: func(_ testing.TB, s State) remedy.Event {
				f.trust, f.tags = s.Trust.String(), []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}}
				return updateEvent(role("ops"))
			},
			State: func(t testing.TB) State {
				return State{Trust: doc(t, f.trust), Tags: iamprincipal.Tags(f.tags)}
			},
			Remove: func(testing.TB) { f.gone = true },
		}
	}
	remedytest.Run(t, s)
}

func TestConformanceMoto(t *testing.T) {
	account := mototest.New(t)
	api := iam.NewFromConfig(account.Config)
	must := func(t testing.TB, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s := suite(t)
	s.Open = func(t testing.TB) remedytest.World[Target, State, Change] {
		target := role("ops")
		target.Account = account.ID
		_, err := api.CreateRole(t.Context(), &iam.CreateRoleInput{
			RoleName: &target.Name, AssumeRolePolicyDocument: aws.String(text(ec2)),
			Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}},
		})
		must(t, err)
		gone := false
		remove := func(ctx context.Context, t testing.TB) {
			if !gone {
				_, err := api.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &target.Name})
				must(t, err)
			}
			gone = true
		}
		t.Cleanup(func() { remove(context.Background(), t) })
		return remedytest.World[Target, State, Change]{
			Resource: store{func(remedy.Ref) client { return api }, ownRoles("")},
			Seed: func(t testing.TB, s State) remedy.Event {
				_, err := api.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{RoleName: &target.Name, PolicyDocument: aws.String(s.Trust.String())})
				must(t, err)
				return updateEvent(target)
			},
			State: func(t testing.TB) State {
				out, err := api.GetRole(t.Context(), &iam.GetRoleInput{RoleName: &target.Name})
				must(t, err)
				policy, err := iamprincipal.Document(out.Role.AssumeRolePolicyDocument)
				must(t, err)
				return State{Trust: doc(t, policy), Tags: iamprincipal.Tags(out.Role.Tags)}
			},
			Remove: func(t testing.TB) { remove(t.Context(), t) },
		}
	}
	remedytest.RunEmulated(t, s)
}
