package ec2imagesharing

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func storeOf(f *fake) store { return store{func(remedy.Ref) client { return f }} }

var target = Target{"ami-0fake", "111122223333", "us-east-1"}

func full() *fake {
	f := newFake()
	f.tags = awsTags(map[string]string{"team": "data"})
	for _, e := range []entry{
		{group, "all"},
		{account, backup},
		{account, partner},
		{account, unknown},
		{organization, theirs},
		{organization, ours},
		{unit, ourUnit},
	} {
		f.permissions[e] = true
	}
	return f
}

var fullState = State{
	Public: true, Accounts: []string{unknown, partner, backup}, Organizations: []string{ours, theirs}, Units: []string{ourUnit},
	Owner: "111122223333", Tags: map[string]string{"team": "data"},
}

func TestRead(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*fake){"available": func(*fake) {}, "disabled": func(f *fake) { f.disabled = true }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := full()
			change(f)
			got, err := storeOf(f).Read(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(fullState, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
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
		{name: "no such image", change: func(f *fake) { f.image = "" }, wantErr: "InvalidAMIID.NotFound", gone: true},
		{name: "deregistered a moment ago", change: func(f *fake) { f.fading = true }, wantErr: "InvalidAMIID.Unavailable", gone: true},
		{name: "image refused", change: func(f *fake) { f.fail["DescribeImages"] = "UnauthorizedOperation" }, wantErr: "grant ec2:DescribeImages "},
		{name: "permissions refused", change: func(f *fake) { f.fail["DescribeImageAttribute"] = "UnauthorizedOperation" }, wantErr: "grant ec2:DescribeImageAttribute "},
		{name: "throttled", change: func(f *fake) { f.fail["DescribeImageAttribute"] = "RequestLimitExceeded" }, wantErr: "RequestLimitExceeded"},
		{name: "a group that is not known", change: func(f *fake) { f.permissions[entry{group, "friends"}] = true }, wantErr: `group "friends"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := full()
			tt.change(f)
			got, err := storeOf(f).Read(t.Context(), target)
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
				t.Fatalf("error = %v, want one with %q", err, tt.wantErr)
			}
			if errors.Is(err, remedy.ErrGone) != tt.gone || remedy.IsPermanent(err) {
				t.Errorf("error %v: gone %v, permanent %v; want gone %v", err, errors.Is(err, remedy.ErrGone), remedy.IsPermanent(err), tt.gone)
			}
			if diff := cmp.Diff(State{}, got); diff != "" {
				t.Errorf("a partial state came with the error:\n%s", diff)
			}
		})
	}
}

func TestApplyTwice(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change Change
		want   func(*State)
	}{
		"remove everybody":                    {Change{target.ImageID, remove, group, []string{"all"}}, func(s *State) { s.Public = false }},
		"remove an account":                   {Change{target.ImageID, remove, account, []string{partner}}, func(s *State) { s.Accounts = []string{unknown, backup} }},
		"remove an account that is not there": {Change{target.ImageID, remove, account, []string{"222233334444"}}, func(*State) {}},
		"remove organizations":                {Change{target.ImageID, remove, organization, []string{ours, theirs}}, func(s *State) { s.Organizations = []string{} }},
		"remove a unit":                       {Change{target.ImageID, remove, unit, []string{ourUnit}}, func(s *State) { s.Units = []string{} }},
		"add a unit":                          {Change{target.ImageID, add, unit, []string{theirUnit}}, func(s *State) { s.Units = []string{ourUnit, theirUnit} }},
		"add an organization that is there":   {Change{target.ImageID, add, organization, []string{ours}}, func(*State) {}},
		"add everybody, who may already":      {Change{target.ImageID, add, group, []string{"all"}}, func(*State) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storeOf(full())
			for range 2 {
				if err := s.Apply(t.Context(), target, tt.change); err != nil {
					t.Fatal(err)
				}
			}
			got, err := s.Read(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			want := fullState
			tt.want(&want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApplyErrors(t *testing.T) {
	t.Parallel()
	change := Change{target.ImageID, remove, group, []string{"all"}}
	tests := []struct {
		name    string
		change  func(*fake)
		wantErr string
		gone    bool
	}{
		{"refused", func(f *fake) { f.fail["ModifyImageAttribute"] = "UnauthorizedOperation" }, "grant ec2:ModifyImageAttribute", false},
		{"busy", func(f *fake) { f.fail["ModifyImageAttribute"] = "IncorrectState" }, "IncorrectState", false},
		{"deregistered", func(f *fake) { f.fading = true }, "InvalidAMIID.Unavailable", true},
		{"gone", func(f *fake) { f.image = "" }, "InvalidAMIID.NotFound", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := full()
			tt.change(f)
			err := storeOf(f).Apply(t.Context(), target, change)
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || errors.Is(err, remedy.ErrGone) != tt.gone || remedy.IsPermanent(err) {
				t.Errorf("error = %v, want one with %q that a retry may mend", err, tt.wantErr)
			}
		})
	}
}
