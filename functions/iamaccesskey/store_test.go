package iamaccesskey

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func storeOf(f *fake) store { return store{func(remedy.Ref) client { return f }} }

var (
	janes = Target{"jane", "AKIA2", "111122223333", "us-east-1"}
	roots = Target{"", "AKIA2", "111122223333", "us-gov-west-1"}
)

func TestRead(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.tags = awsTags(map[string]string{"team": "web"})
	f.keys["AKIA1"], f.keys["AKIA2"] = types.StatusTypeActive, types.StatusTypeInactive // on the second page
	want := State{
		Status: inactive, Created: created, UserARN: "arn:aws:iam::111122223333:user/staff/jane", Tags: map[string]string{"team": "web"},
	}
	got, err := storeOf(f).Read(t.Context(), janes)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

func TestReadRoot(t *testing.T) {
	t.Parallel()
	f := newFake()
	if _, err := storeOf(f).Read(t.Context(), roots); !errors.Is(err, remedy.ErrGone) {
		t.Errorf("without root keys: error = %v, want ErrGone", err)
	}
	f.rootKeys = 1
	got, err := storeOf(f).Read(t.Context(), roots)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(State{Status: active, UserARN: "arn:aws-us-gov:iam::111122223333:root"}, got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	f.deny = "GetAccountSummary"
	if _, err := storeOf(f).Read(t.Context(), roots); err == nil || !strings.Contains(err.Error(), "grant iam:GetAccountSummary") {
		t.Errorf("refused: error = %v, want one that names the action to grant", err)
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
		{name: "no such user", change: func(f *fake) { f.user = "" }, wantErr: "NoSuchEntity", gone: true},
		{name: "no such key", change: func(f *fake) { delete(f.keys, "AKIA2") }, wantErr: "user jane has no such key", gone: true},
		{name: "no keys at all", change: func(f *fake) { clear(f.keys) }, wantErr: "user jane has no such key", gone: true},
		{name: "user refused", change: func(f *fake) { f.deny = "GetUser" }, wantErr: "grant iam:GetUser "},
		{name: "keys refused", change: func(f *fake) { f.deny = "ListAccessKeys" }, wantErr: "grant iam:ListAccessKeys "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.keys["AKIA1"], f.keys["AKIA2"] = types.StatusTypeActive, types.StatusTypeActive
			tt.change(f)
			got, err := storeOf(f).Read(t.Context(), janes)
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

func TestApply(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.keys["AKIA1"], f.keys["AKIA2"] = types.StatusTypeActive, types.StatusTypeActive
	change := Change{"jane", "AKIA2", inactive}
	for range 2 {
		if err := storeOf(f).Apply(t.Context(), janes, change); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]types.StatusType{"AKIA1": types.StatusTypeActive, "AKIA2": types.StatusTypeInactive}
	if diff := cmp.Diff(want, f.keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	f.deny = "UpdateAccessKey"
	if err := storeOf(f).Apply(t.Context(), janes, change); err == nil || !strings.Contains(err.Error(), "grant iam:UpdateAccessKey") {
		t.Errorf("refused: error = %v, want one that names the action to grant", err)
	}
	f.deny = ""
	clear(f.keys)
	if err := storeOf(f).Apply(t.Context(), janes, change); !errors.Is(err, remedy.ErrGone) {
		t.Errorf("gone: error = %v, want ErrGone", err)
	}
}
