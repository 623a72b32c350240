package ebssnapshotsharing

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func storeOf(f *fake) store { return store{func(remedy.Ref) client { return f }} }

var target = Target{"snap-0fake", "111122223333", "us-east-1"}

func TestRead(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.tags = awsTags(map[string]string{"team": "data"})
	f.groups["all"] = true
	f.accounts[backup], f.accounts[partner], f.accounts[unknown] = true, true, true
	want := State{Public: true, Accounts: []string{unknown, partner, backup}, Owner: "111122223333", Tags: map[string]string{"team": "data"}}
	got, err := storeOf(f).Read(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		change  func(*fake)
		wantErr string
		gone    bool
	}{
		{name: "no such snapshot", change: func(f *fake) { f.snapshot = "" }, wantErr: "InvalidSnapshot.NotFound", gone: true},
		{name: "snapshot refused", change: func(f *fake) { f.deny = "DescribeSnapshots" }, wantErr: "grant ec2:DescribeSnapshots "},
		{name: "permissions refused", change: func(f *fake) { f.deny = "DescribeSnapshotAttribute" }, wantErr: "grant ec2:DescribeSnapshotAttribute "},
		{name: "a group that is not known", change: func(f *fake) { f.groups["friends"] = true }, wantErr: `group "friends"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			tt.change(f)
			got, err := storeOf(f).Read(t.Context(), target)
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
				t.Fatalf("error = %v, want one with %q", err, tt.wantErr)
			}
			if errors.Is(err, remedy.ErrGone) != tt.gone {
				t.Errorf("ErrGone: %v, want %v", !tt.gone, tt.gone)
			}
			if diff := cmp.Diff(State{}, got); diff != "" {
				t.Errorf("a partial state came with the error:\n%s", diff)
			}
		})
	}
}

func TestApplyTwice(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change Change
		want   State
	}{
		{"remove everybody", Change{target.SnapshotID, remove, []string{"all"}, nil}, State{Accounts: []string{partner}}},
		{"remove an account", Change{target.SnapshotID, remove, nil, []string{partner}}, State{Public: true}},
		{"remove an account that is not there", Change{target.SnapshotID, remove, nil, []string{unknown}}, State{Public: true, Accounts: []string{partner}}},
		{"add an account", Change{target.SnapshotID, add, nil, []string{backup}}, State{Public: true, Accounts: []string{partner, backup}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.groups["all"], f.accounts[partner] = true, true
			s := storeOf(f)
			for range 2 {
				if err := s.Apply(t.Context(), target, tt.change); err != nil {
					t.Fatal(err)
				}
			}
			got, err := s.Read(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			if d := diff(target, tt.want, got); len(d) > 0 {
				t.Errorf("state = %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestApplyErrors(t *testing.T) {
	t.Parallel()
	f := newFake()
	change := Change{target.SnapshotID, remove, []string{"all"}, nil}
	f.deny = "ModifySnapshotAttribute"
	if err := storeOf(f).Apply(t.Context(), target, change); err == nil || !strings.Contains(err.Error(), "grant ec2:ModifySnapshotAttribute") {
		t.Errorf("refused: error = %v, want one that names the action to grant", err)
	}
	f.deny, f.snapshot = "", ""
	if err := storeOf(f).Apply(t.Context(), target, change); !errors.Is(err, remedy.ErrGone) {
		t.Errorf("gone: error = %v, want ErrGone", err)
	}
}
