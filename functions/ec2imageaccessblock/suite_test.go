package ec2imageaccessblock

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/cloudtrail/regionevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

func suite() remedytest.Suite[Target, State, Change, struct{}] {
	off, on := []string{"public-sharing-not-blocked"}, []string{"ec2:" + enable}
	blocked, open := State{Block: blockNew}, State{Block: unblocked}
	return remedytest.Suite[Target, State, Change, struct{}]{
		Function: Function,
		Rule:     rules,
		Cases: []remedytest.Case[State, struct{}]{
			{Name: "blocked", Live: blocked},
			{Name: "unblocked", Live: open, Rules: off, Calls: on, Want: blocked},
			{Name: "unblocked after the baseline", Baseline: &blocked, Live: open, Rules: off, Calls: on, Want: blocked},
		},
	}
}

func TestConformanceFake(t *testing.T) { onFake(t, false) }

// TestConformanceWhileCallsSettle is the same on an EC2 that never shows within
// the test what the store did.
func TestConformanceWhileCallsSettle(t *testing.T) { onFake(t, true) }

func onFake(t *testing.T, lags bool) {
	s := suite()
	managed := State{unblocked, true}
	s.Cases = append(s.Cases, remedytest.Case[State, struct{}]{
		Name: "a declarative policy says so", Live: managed, Rules: []string{"public-sharing-not-blocked"}, Left: []string{"public-sharing-not-blocked"}, Want: managed,
	})
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		f := &fake{lags: lags}
		return world(f, place, func(_ testing.TB, s State) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.shown, f.real, f.byPolicy = s.Block, s.Block, s.ByPolicy
		}, func(testing.TB) State {
			f.mu.Lock()
			defer f.mu.Unlock()
			return State{f.real, f.byPolicy}
		})
	}
	remedytest.Run(t, s)
}

func TestConformanceMoto(t *testing.T) {
	s := suite()
	account := mototest.New(t)
	api := ec2.NewFromConfig(account.Config)
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		return world(api, regionevent.Place{Account: account.ID, Region: mototest.Region}, func(t testing.TB, s State) {
			_, err := api.DisableImageBlockPublicAccess(t.Context(), &ec2.DisableImageBlockPublicAccessInput{})
			must(t, err)
			if s.Block == blockNew {
				_, err := api.EnableImageBlockPublicAccess(t.Context(), &ec2.EnableImageBlockPublicAccessInput{ImageBlockPublicAccessState: blockNew})
				must(t, err)
			}
		}, func(t testing.TB) State {
			out, err := api.GetImageBlockPublicAccessState(t.Context(), &ec2.GetImageBlockPublicAccessStateInput{})
			must(t, err)
			return State{Block: aws.ToString(out.ImageBlockPublicAccessState)}
		})
	}
	remedytest.RunEmulated(t, s)
}

// world is the setting in an EC2, real enough. Whoever else changes it does so
// long after everything before has settled.
func world(api client, place regionevent.Place, set func(testing.TB, State), state func(testing.TB) State) remedytest.World[Target, State, Change] {
	var mu sync.Mutex
	now := noon
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Millisecond)
		return now
	}
	return remedytest.World[Target, State, Change]{
		Resource: newStore(func(remedy.Ref) client { return api }, clock),
		State:    state,
		Seed: func(t testing.TB, s State) remedy.Event {
			set(t, s)
			name := enable
			if s.Block == unblocked {
				name = disable
			}
			mu.Lock()
			defer mu.Unlock()
			now = now.Add(2 * settling)
			return remedy.Event{
				Source: "aws.ec2", Name: name, Account: place.Account, Region: place.Region, Time: now,
				Detail: []byte(`{"requestParameters":{"` + name + `Request":""}}`),
			}
		},
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fake is the setting of one account in one region, with EC2's answers.
type fake struct {
	mu       sync.Mutex
	shown    string // what EC2 tells
	real     string // what it becomes
	lags     bool   // calls don't show
	byPolicy bool
	code     string // with which every call fails
	calls    int    // that changed something
}

func (f *fake) fails() error {
	if f.code == "" {
		return nil
	}
	return &smithy.GenericAPIError{Code: f.code, Message: "no"}
}

func (f *fake) set(block string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fails(); err != nil {
		return err
	}
	if f.byPolicy {
		return &smithy.GenericAPIError{Code: "OperationNotPermitted", Message: "managed by a declarative policy"}
	}
	f.calls++
	f.real = block
	if !f.lags {
		f.shown = block
	}
	return nil
}

func (f *fake) GetImageBlockPublicAccessState(context.Context, *ec2.GetImageBlockPublicAccessStateInput, ...func(*ec2.Options)) (*ec2.GetImageBlockPublicAccessStateOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fails(); err != nil {
		return nil, err
	}
	out := &ec2.GetImageBlockPublicAccessStateOutput{ImageBlockPublicAccessState: aws.String(f.shown), ManagedBy: types.ManagedByAccount}
	if f.byPolicy {
		out.ManagedBy = types.ManagedByDeclarativePolicy
	}
	return out, nil
}

func (f *fake) EnableImageBlockPublicAccess(context.Context, *ec2.EnableImageBlockPublicAccessInput, ...func(*ec2.Options)) (*ec2.EnableImageBlockPublicAccessOutput, error) {
	if err := f.set(blockNew); err != nil {
		return nil, err
	}
	return &ec2.EnableImageBlockPublicAccessOutput{ImageBlockPublicAccessState: types.ImageBlockPublicAccessEnabledStateBlockNewSharing}, nil
}

func (f *fake) DisableImageBlockPublicAccess(context.Context, *ec2.DisableImageBlockPublicAccessInput, ...func(*ec2.Options)) (*ec2.DisableImageBlockPublicAccessOutput, error) {
	if err := f.set(unblocked); err != nil {
		return nil, err
	}
	return &ec2.DisableImageBlockPublicAccessOutput{ImageBlockPublicAccessState: types.ImageBlockPublicAccessDisabledStateUnblocked}, nil
}
