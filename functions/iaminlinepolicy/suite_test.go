package iaminlinepolicy

import (
	"context"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/iamprincipal"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/cloudtrail/iamevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

func suite(t testing.TB, kind string) remedytest.Suite[Target, State, Change, Params] {
	word := iamevent.Principal{Kind: kind}.Word()
	put, remove := []string{"iam:Put" + word + "Policy"}, []string{"iam:Delete" + word + "Policy"}
	with := func(statements ...string) State {
		s := State{ARN: "arn:aws:iam::111122223333:" + kind + "/ops"}
		if len(statements) > 0 {
			s.Policy = doc(t, text(statements...))
		}
		if kind != iamevent.Group {
			s.Tags = map[string]string{"team": "web"}
		}
		return s
	}
	state := func(s State) *State { return &s }
	bad := []string{"administrator-statement"}
	cases := []remedytest.Case[State, Params]{
		{Name: "only the bad statement goes", Live: with(logs, all, denyIAM), Rules: bad, Want: with(logs, denyIAM), Calls: put},
		{Name: "nothing else in it", Live: with(all), Rules: bad, Want: with(), Calls: remove},
	}
	if kind == iamevent.Role { // what does not depend on the kind
		cases = append(cases, []remedytest.Case[State, Params]{
			{Name: "no policy", Live: with()},
			{Name: "harmless", Live: with(logs, bucket, denyIAM)},
			{Name: "a break-glass role", Params: &Params{iamevent.Patterns{"role/ops"}}, Live: with(all)},
			{Name: "the baseline overwritten", Baseline: state(with(logs, bucket)), Live: with(butS3), Rules: bad, Want: with(logs, bucket), Calls: put},
			{Name: "added to the baseline", Baseline: state(with(logs)), Live: with(logs, allIAM, bucket), Rules: bad, Want: with(logs, bucket), Calls: put},
			{Name: "there was no such policy", Baseline: state(with()), Live: with(all), Rules: bad, Want: with(), Calls: remove},
		}...)
	}
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function, Rule: rules, Cases: cases,
		Normal: func(s State) State { s.ARN = ""; return s }, // what the worlds give of their own
	}
}

func putEvent(t Target) remedy.Event {
	return remedy.Event{
		Source: "aws.iam", Name: "Put" + t.Word() + "Policy", Account: t.Account, Region: t.Region,
		Detail: fmt.Appendf(nil, `{"requestParameters":{"%sName":%q,"policyName":%q}}`, t.Kind, t.Name, t.Policy),
	}
}

func TestConformanceFake(t *testing.T) {
	for _, kind := range kinds {
		s := suite(t, kind)
		s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
			f := newFake(kind)
			return remedytest.World[Target, State, Change]{
				Resource: storeOf(f),
				Seed: func(_ testing.TB, s State) remedy.Event {
					f.tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}}
					f.policies = map[string]string{"kept": text(butS3)}
					if !s.Policy.IsZero() {
						f.policies["x"] = s.Policy.String()
					}
					return putEvent(Target{f.p, "x"})
				},
				State: func(t testing.TB) State {
					if f.policies["kept"] != text(butS3) {
						t.Errorf("another policy was touched: %v", f.policies)
					}
					var s State
					if p, ok := f.policies["x"]; ok {
						s.Policy = doc(t, p)
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

func must(t testing.TB, err error, but ...string) {
	t.Helper()
	if err != nil && !cloud.HasCode(err, but...) {
		t.Fatal(err)
	}
}

// motoWorld makes a principal, which is gone again when the test ends.
func motoWorld(t testing.TB, account mototest.Account, kind string) remedytest.World[Target, State, Change] {
	t.Helper()
	api := iam.NewFromConfig(account.Config)
	p := iamevent.Principal{Kind: kind, Name: "ops", Account: account.ID, Region: mototest.Region}
	target, kept := Target{p, "x"}, Target{p, "kept"}
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
	s := store{func(remedy.Ref) client { return api }}
	read := func(t testing.TB, of Target) State {
		t.Helper()
		var state State
		encoded, err := get(t.Context(), api, of)
		must(t, err, iamprincipal.NoEntity)
		if err == nil {
			policy, err := iamprincipal.Document(encoded)
			must(t, err)
			state.Policy = doc(t, policy)
		}
		if kind != iamevent.Group {
			state.Tags = iamprincipal.Tags(tags)
		}
		return state
	}
	gone := false
	drop := func(ctx context.Context, t testing.TB) {
		must(t, s.Apply(ctx, target, Change{Target: target}))
		must(t, s.Apply(ctx, kept, Change{Target: kept}))
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
			drop(context.Background(), t)
		}
	})
	must(t, s.Apply(t.Context(), kept, Change{kept, doc(t, text(butS3))}))
	return remedytest.World[Target, State, Change]{
		Resource: s,
		Seed: func(t testing.TB, state State) remedy.Event {
			must(t, s.Apply(t.Context(), target, Change{target, state.Policy}))
			return putEvent(target)
		},
		State: func(t testing.TB) State {
			if got := read(t, kept).Policy.String(); got != text(butS3) {
				t.Errorf("another policy was touched: %s", got)
			}
			return read(t, target)
		},
		Remove: func(t testing.TB) { drop(t.Context(), t) },
	}
}

// TestFunctionOnEmulator opens the function as a host does, with nothing but an
// endpoint and credentials; every byte of a policy comes back.
func TestFunctionOnEmulator(t *testing.T) {
	t.Parallel()
	account := mototest.New(t)
	if _, err := remedy.Open(t.Context(), Function, account.Env); err != nil {
		t.Fatal(err)
	}
	want := doc(t, "{\"Version\": \"2012-10-17\",\n\t\"Statement\":[ "+logs+" ] }")
	w := motoWorld(t, account, iamevent.User)
	targets, err := decode(w.Seed(t, State{Policy: want}))
	must(t, err)
	got, err := w.Resource.Read(t.Context(), targets[0])
	must(t, err)
	if got.Policy.String() != want.String() || got.ARN != "arn:aws:iam::"+account.ID+":user/ops" {
		t.Errorf("state = %+v, want %s", got, want)
	}
}
