package s3accountaccessblock

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func newFake() *fakeControl {
	return &fakeControl{block: configuration(flagged(true, false, true, false)), fail: map[string]error{}}
}

func over(f *fakeControl) store { return store{func(remedy.Ref) client { return f }} }

func TestRead(t *testing.T) {
	t.Parallel()
	const on, off = true, false
	for name, c := range map[string]struct {
		change  func(*fakeControl)
		want    State
		wantErr string
	}{
		"block":           {change: func(*fakeControl) {}, want: with(on, off, on, off)},
		"the other flags": {change: func(f *fakeControl) { f.block = configuration(flagged(off, on, off, on)) }, want: with(off, on, off, on)},
		"none":            {change: func(f *fakeControl) { f.block = nil }},
		"flags not mentioned": {change: func(f *fakeControl) {
			f.block = &types.PublicAccessBlockConfiguration{BlockPublicPolicy: aws.Bool(true)}
		}, want: with(off, off, on, off)},
		"an empty answer": {change: func(f *fakeControl) { f.block = &types.PublicAccessBlockConfiguration{} }, wantErr: "the answer holds no configuration"},
		"unreadable":      {change: func(f *fakeControl) { f.fail["GetPublicAccessBlock"] = apiError("AccessDenied") }, wantErr: "grant s3:GetAccountPublicAccessBlock"},
		"throttled":       {change: func(f *fakeControl) { f.fail["GetPublicAccessBlock"] = apiError("SlowDown") }, wantErr: "read the public access block of account 111122223333: s3:GetAccountPublicAccessBlock: api error SlowDown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			c.change(f)
			got, err := over(f).Read(t.Context(), acme)
			wantError(t, err, c.wantErr)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	const on, off = true, false
	old, all := flagged(on, off, on, off), flagged(on, on, on, on)
	for name, c := range map[string]struct {
		change  func(*fakeControl)
		block   *Block
		want    *Block
		wantErr string
	}{
		"put":                      {block: all, want: all},
		"put each flag as it is":   {block: flagged(off, on, on, off), want: flagged(off, on, on, off)},
		"put all off":              {block: &Block{}, want: &Block{}},
		"delete":                   {},
		"delete what is not there": {change: func(f *fakeControl) { f.block = nil }},
		"put, denied":              {change: func(f *fakeControl) { f.fail["PutPublicAccessBlock"] = apiError("AccessDenied") }, block: all, want: old, wantErr: "put the public access block of account 111122223333: s3:PutAccountPublicAccessBlock: access denied"},
		"delete, denied":           {change: func(f *fakeControl) { f.fail["DeletePublicAccessBlock"] = apiError("AccessDenied") }, want: old, wantErr: "delete the public access block of account 111122223333: s3:PutAccountPublicAccessBlock: access denied"},
		"put, in the way":          {change: func(f *fakeControl) { f.fail["PutPublicAccessBlock"] = apiError("OperationAborted") }, block: all, want: old, wantErr: "OperationAborted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			if c.change != nil {
				c.change(f)
			}
			wantError(t, over(f).Apply(t.Context(), acme, Change{acme, c.block}), c.wantErr)
			if diff := cmp.Diff(c.want, flagsOf(f.block)); diff != "" {
				t.Errorf("block (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCallsGoToTheRegionOfTheEvent because a change is seen there first.
func TestCallsGoToTheRegionOfTheEvent(t *testing.T) {
	t.Parallel()
	var asked remedy.Ref
	s := store{func(r remedy.Ref) client { asked = r; return newFake() }}
	if _, err := s.Read(t.Context(), Target{acme.Account, "eu-west-1"}); err != nil {
		t.Fatal(err)
	}
	if want := (remedy.Ref{Account: acme.Account, Region: "eu-west-1"}); asked != want {
		t.Errorf("a client for %+v was asked for, want %+v", asked, want)
	}
}

// wantError wants an error that a retry may mend.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("err = %v, want %q", err, want)
	}
	if remedy.IsPermanent(err) {
		t.Errorf("%v is permanent, want one that is retried", err)
	}
}

// TestFunctionOnEmulator opens the function as a host does, with nothing but an
// endpoint and credentials.
func TestFunctionOnEmulator(t *testing.T) {
	t.Parallel()
	account := mototest.New(t)
	if _, err := remedy.Open(t.Context(), Function, account.Env); err != nil {
		t.Fatal(err)
	}
	opened, err := newStore(t.Context(), account.Env)
	if err != nil {
		t.Fatal(err)
	}
	target, want := Target{account.ID, mototest.Region}, with(true, false, false, true)
	if err := opened.Apply(t.Context(), target, Change{target, want.Block}); err != nil {
		t.Fatal(err)
	}
	got, err := opened.Read(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}
