package iampasswordpolicy

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func storeOf(f *fake) store { return store{func(remedy.Ref) client { return f }} }

func TestApplyThenRead(t *testing.T) {
	t.Parallel()
	f := &fake{}
	for _, want := range []*Policy{
		with(good), with(func(p *Policy) { p.MaxPasswordAge, p.HardExpiry = 90, true }), {MinimumPasswordLength: 6}, nil,
	} {
		for range 2 {
			if err := storeOf(f).Apply(t.Context(), ours, Change{want}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := storeOf(f).Read(t.Context(), ours)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(State{want}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// IAM refuses 0 for what a policy does not ask for, and takes what is left out
// for its default: all that the policy has must be sent, and nothing else.
func TestTheWholePolicyIsSent(t *testing.T) {
	t.Parallel()
	f := &fake{}
	if err := storeOf(f).Apply(t.Context(), ours, Change{with(func(p *Policy) { p.PasswordReusePrevention = 0 })}); err != nil {
		t.Fatal(err)
	}
	want := &iam.UpdateAccountPasswordPolicyInput{
		MinimumPasswordLength: aws.Int32(14), RequireUppercaseCharacters: true, RequireLowercaseCharacters: true, RequireNumbers: true,
		RequireSymbols: true, HardExpiry: aws.Bool(false), AllowUsersToChangePassword: true,
	}
	if diff := cmp.Diff(want, f.sent, cmpopts.IgnoreUnexported(iam.UpdateAccountPasswordPolicyInput{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{"AccessDenied": "grant iam:GetAccountPasswordPolicy ", "Throttling": "read the password policy of account 111122223333: iam:GetAccountPasswordPolicy: "} {
		f := &fake{fail: map[string]error{"GetAccountPasswordPolicy": apiError(code)}}
		got, err := storeOf(f).Read(t.Context(), ours)
		if err == nil || !strings.Contains(err.Error(), want) || remedy.IsPermanent(err) || errors.Is(err, remedy.ErrGone) {
			t.Errorf("%s: err = %v, want one with %q that a retry may mend", code, err, want)
		}
		if got.Policy != nil {
			t.Errorf("a state came with the error: %+v", got)
		}
	}
}

func TestApplyErrors(t *testing.T) {
	t.Parallel()
	for call, c := range map[string]Change{"UpdateAccountPasswordPolicy": {with(good)}, "DeleteAccountPasswordPolicy": {}} {
		for code, want := range map[string]string{"AccessDenied": "grant iam:" + call, "EntityTemporarilyUnmodifiable": "iam:" + call + ": "} {
			f := &fake{fail: map[string]error{call: apiError(code)}}
			if err := storeOf(f).Apply(t.Context(), ours, c); err == nil || !strings.Contains(err.Error(), want) || remedy.IsPermanent(err) {
				t.Errorf("%s: err = %v, want one with %q that a retry may mend", code, err, want)
			}
		}
	}
}
