package ebssnapshotaccessblock

import (
	"context"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/cloudtrail/regionevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

func suite() remedytest.Suite[Target, State, Change, Params] {
	off := []string{"public-sharing-not-blocked"}
	on := []string{"ec2:EnableSnapshotBlockPublicAccess"}
	all, some, none := State{Block: blockAll}, State{Block: blockNew}, State{Block: unblocked}
	loose := Params{Minimum: blockNew}
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function,
		Rule:     rules,
		Cases: []remedytest.Case[State, Params]{
			{Name: "all sharing is blocked", Live: all},
			{Name: "new sharing is blocked, which is enough", Params: &loose, Live: some},
			{Name: "unblocked", Live: none, Rules: off, Calls: on, Want: all},
			{Name: "weakened to new sharing", Baseline: &all, Live: some, Rules: off, Calls: on, Want: all},
			{Name: "unblocked, the minimum comes back", Params: &loose, Live: none, Rules: off, Calls: on, Want: some},
			{Name: "unblocked, the baseline's state comes back", Params: &loose, Baseline: &all, Live: none, Rules: off, Calls: on, Want: all},
		},
	}
}

func TestConformanceFake(t *testing.T) {
	s := suite()
	managed := State{Block: blockNew, ByPolicy: true}
	s.Cases = append(s.Cases, remedytest.Case[State, Params]{
		Name: "a declarative policy says so", Live: managed, Rules: []string{"public-sharing-not-blocked"}, Left: []string{"public-sharing-not-blocked"}, Want: managed,
	})
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		f := newFake()
		return world(f, target, func(byPolicy bool) { f.byPolicy = byPolicy })
	}
	remedytest.Run(t, s)
}

func TestConformanceMoto(t *testing.T) {
	s := suite()
	account := mototest.New(t)
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		return world(ec2.NewFromConfig(account.Config), Target{regionevent.Place{Account: account.ID, Region: mototest.Region}}, func(bool) {})
	}
	remedytest.RunEmulated(t, s)
}

// world is the setting in an EC2, real enough.
func world(api client, target Target, manage func(byPolicy bool)) remedytest.World[Target, State, Change] {
	must := func(t testing.TB, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Seed: func(t testing.TB, s State) remedy.Event {
			name := "EnableSnapshotBlockPublicAccess"
			manage(false)
			if s.Block == unblocked {
				name = "DisableSnapshotBlockPublicAccess"
				_, err := api.DisableSnapshotBlockPublicAccess(t.Context(), &ec2.DisableSnapshotBlockPublicAccessInput{})
				must(t, err)
			} else {
				_, err := api.EnableSnapshotBlockPublicAccess(t.Context(), &ec2.EnableSnapshotBlockPublicAccessInput{State: types.SnapshotBlockPublicAccessState(s.Block)})
				must(t, err)
			}
			manage(s.ByPolicy)
			return remedy.Event{
				Source: "aws.ec2", Name: name, Account: target.Account, Region: target.Region,
				Detail: []byte(`{"requestParameters":{"` + name + `Request":""}}`),
			}
		},
		State: func(t testing.TB) State {
			out, err := api.GetSnapshotBlockPublicAccessState(t.Context(), &ec2.GetSnapshotBlockPublicAccessStateInput{})
			must(t, err)
			return State{string(out.State), out.ManagedBy == types.ManagedByDeclarativePolicy}
		},
	}
}

// fake is the setting of one account in one region, with EC2's answers.
type fake struct {
	mu       sync.Mutex
	state    types.SnapshotBlockPublicAccessState
	byPolicy bool
	code     string // with which every call fails
}

func newFake() *fake { return &fake{state: unblocked} }

func (f *fake) enter(change bool) error {
	f.mu.Lock()
	code := f.code
	if change && f.byPolicy {
		code = "OperationNotPermitted"
	}
	if code != "" {
		return &smithy.GenericAPIError{Code: code, Message: "no"}
	}
	return nil
}

func (f *fake) GetSnapshotBlockPublicAccessState(context.Context, *ec2.GetSnapshotBlockPublicAccessStateInput, ...func(*ec2.Options)) (*ec2.GetSnapshotBlockPublicAccessStateOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter(false); err != nil {
		return nil, err
	}
	out := &ec2.GetSnapshotBlockPublicAccessStateOutput{State: f.state, ManagedBy: types.ManagedByAccount}
	if f.byPolicy {
		out.ManagedBy = types.ManagedByDeclarativePolicy
	}
	return out, nil
}

func (f *fake) EnableSnapshotBlockPublicAccess(_ context.Context, in *ec2.EnableSnapshotBlockPublicAccessInput, _ ...func(*ec2.Options)) (*ec2.EnableSnapshotBlockPublicAccessOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter(true); err != nil {
		return nil, err
	}
	f.state = in.State
	return &ec2.EnableSnapshotBlockPublicAccessOutput{State: in.State}, nil
}

func (f *fake) DisableSnapshotBlockPublicAccess(context.Context, *ec2.DisableSnapshotBlockPublicAccessInput, ...func(*ec2.Options)) (*ec2.DisableSnapshotBlockPublicAccessOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter(true); err != nil {
		return nil, err
	}
	f.state = unblocked
	return &ec2.DisableSnapshotBlockPublicAccessOutput{State: unblocked}, nil
}
