package ebsdefaultencryption

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func storeOf(f *fake) store { return store{func(remedy.Ref) client { return f }} }

func TestReadErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		change  func(*fake)
		wantErr string
	}{
		{"setting refused", func(f *fake) { f.fail["GetEbsEncryptionByDefault"] = "UnauthorizedOperation" }, "grant ec2:GetEbsEncryptionByDefault "},
		{"key refused", func(f *fake) { f.fail["GetEbsDefaultKmsKeyId"] = "UnauthorizedOperation" }, "grant ec2:GetEbsDefaultKmsKeyId "},
		{"throttled", func(f *fake) { f.fail["GetEbsDefaultKmsKeyId"] = "RequestLimitExceeded" }, "RequestLimitExceeded"},
		{"an answer without the setting", func(f *fake) { f.enabled = nil }, "does not say whether encryption is on"},
		{"an answer without a key", func(f *fake) { f.key = "" }, "holds no key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			tt.change(f)
			got, err := storeOf(f).Read(t.Context(), target)
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || remedy.IsPermanent(err) {
				t.Errorf("error = %v, want one with %q that a retry may mend", err, tt.wantErr)
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
		change       Change
		before, want State
	}{
		{Change{API: enable}, State{false, other}, State{true, other}},
		{Change{API: disable}, State{true, other}, State{false, other}},
		{Change{API: modifyKey, Key: ours}, State{true, managedKey}, State{true, ours}},
		{Change{API: resetKey}, State{true, ours}, State{true, managedKey}},
	}
	for _, tt := range tests {
		t.Run(tt.change.API, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.enabled, f.key = &tt.before.Enabled, tt.before.Key
			s := storeOf(f)
			for range 2 {
				if err := s.Apply(t.Context(), target, tt.change); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := s.Read(t.Context(), target); err != nil || got != tt.want {
				t.Errorf("state = %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestApplyErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []Change{{API: enable}, {API: disable}, {API: modifyKey, Key: ours}, {API: resetKey}} {
		f := newFake()
		f.fail[c.API] = "UnauthorizedOperation"
		if err := storeOf(f).Apply(t.Context(), target, c); err == nil || !strings.Contains(err.Error(), "grant ec2:"+c.API) {
			t.Errorf("refused: error = %v, want one that names the action to grant", err)
		}
		f.fail[c.API] = "InternalError"
		if err := storeOf(f).Apply(t.Context(), target, c); err == nil || remedy.IsPermanent(err) {
			t.Errorf("failing: error = %v, want one that a retry may mend", err)
		}
	}
	if err := storeOf(newFake()).Apply(t.Context(), target, Change{API: "Other"}); !remedy.IsPermanent(err) {
		t.Errorf("an unknown call: error = %v, want a permanent one", err)
	}
}
