package iampasswordpolicy

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

func suite() remedytest.Suite[Target, State, Change, Params] {
	of := func(change func(*Policy)) State { return State{with(change)} }
	state := func(s State) *State { return &s }
	update := []string{"iam:UpdateAccountPasswordPolicy"}
	longer := of(func(p *Policy) { p.MinimumPasswordLength, p.MaxPasswordAge = 20, 60 })
	aged := defaults
	aged.MaxAgeDays = 90
	weak := State{&Policy{MinimumPasswordLength: 8, RequireUppercaseCharacters: true, RequireLowercaseCharacters: true, RequireNumbers: true, HardExpiry: true, MaxPasswordAge: 100, PasswordReusePrevention: 24}}
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function, Rule: rules,
		Cases: []remedytest.Case[State, Params]{
			{Name: "strong enough", Live: longer},
			{Name: "little is asked for", Params: &Params{MinimumLength: 8}, Live: weak},
			{
				Name: "only weak fields are raised", Params: &aged, Live: weak, Rules: []string{"short-password", "no-symbols", "old-password"}, Calls: update,
				Want: of(func(p *Policy) { p.HardExpiry, p.MaxPasswordAge, p.AllowUsersToChangePassword = true, 90, false }),
			},
			{Name: "the baseline comes back", Baseline: state(longer), Live: weak, Rules: []string{"short-password", "no-symbols"}, Want: longer, Calls: update},
			{Name: "deleted", Baseline: state(longer), Live: State{}, Rules: []string{"no-password-policy"}, Want: longer, Calls: update},
			{Name: "deleted, unknown what was", Live: State{}, Rules: []string{"no-password-policy"}, Want: of(good), Calls: update},
		},
	}
}

func updateEvent(t Target) remedy.Event {
	return remedy.Event{
		Source: "aws.iam", Name: "UpdateAccountPasswordPolicy", Account: t.Account, Region: t.Region, Detail: []byte(`{"requestParameters":null}`),
	}
}

// world is an account whose policy is read and changed with api.
func world(api client, target Target) remedytest.World[Target, State, Change] {
	must := func(t testing.TB, err error) {
		t.Helper()
		if err != nil && !cloud.HasCode(err, "NoSuchEntity") {
			t.Fatal(err)
		}
	}
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Seed: func(t testing.TB, s State) remedy.Event {
			_, err := api.DeleteAccountPasswordPolicy(t.Context(), &iam.DeleteAccountPasswordPolicyInput{})
			must(t, err)
			if p := s.Policy; p != nil {
				in := &iam.UpdateAccountPasswordPolicyInput{
					MinimumPasswordLength:      aws.Int32(int32(p.MinimumPasswordLength)),
					RequireUppercaseCharacters: p.RequireUppercaseCharacters, RequireLowercaseCharacters: p.RequireLowercaseCharacters,
					RequireNumbers: p.RequireNumbers, RequireSymbols: p.RequireSymbols,
					HardExpiry: &p.HardExpiry, AllowUsersToChangePassword: p.AllowUsersToChangePassword,
				}
				if p.PasswordReusePrevention > 0 {
					in.PasswordReusePrevention = aws.Int32(int32(p.PasswordReusePrevention))
				}
				if p.MaxPasswordAge > 0 {
					in.MaxPasswordAge = aws.Int32(int32(p.MaxPasswordAge))
				}
				_, err = api.UpdateAccountPasswordPolicy(t.Context(), in)
				must(t, err)
			}
			return updateEvent(target)
		},
		State: func(t testing.TB) State {
			out, err := api.GetAccountPasswordPolicy(t.Context(), &iam.GetAccountPasswordPolicyInput{})
			must(t, err)
			if err != nil {
				return State{}
			}
			p := out.PasswordPolicy
			return State{&Policy{
				int(*p.MinimumPasswordLength), p.RequireUppercaseCharacters, p.RequireLowercaseCharacters, p.RequireNumbers, p.RequireSymbols,
				int(aws.ToInt32(p.PasswordReusePrevention)), int(aws.ToInt32(p.MaxPasswordAge)), aws.ToBool(p.HardExpiry), p.AllowUsersToChangePassword,
			}}
		},
	}
}

func TestConformanceFake(t *testing.T) {
	s := suite()
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] { return world(&fake{}, ours) }
	remedytest.Run(t, s)
}

func TestConformanceMoto(t *testing.T) {
	account := mototest.New(t)
	api := iam.NewFromConfig(account.Config)
	s := suite()
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		return world(api, Target{account.ID, mototest.Region})
	}
	remedytest.RunEmulated(t, s)
}

// TestFunctionOnEmulator opens the function as a host does, with nothing but an
// endpoint and credentials.
func TestFunctionOnEmulator(t *testing.T) {
	t.Parallel()
	if _, err := remedy.Open(t.Context(), Function, mototest.New(t).Env); err != nil {
		t.Fatal(err)
	}
}
