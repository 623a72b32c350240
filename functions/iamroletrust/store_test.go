package iamroletrust

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func storeOf(f *fake) store {
	return store{func(remedy.Ref) client { return f }, func(arn string) bool { return strings.HasSuffix(arn, "/ebb-x") }}
}

func TestRead(t *testing.T) {
	t.Parallel()
	for _, arn := range []string{"arn:aws:iam::111122223333:role/path/ops", "arn:aws:iam::111122223333:role/ebb-x"} {
		f := newFake()
		f.arn, f.trust, f.tags = arn, text(ec2, mixed), []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}}
		want := State{Trust: doc(t, text(ec2, mixed)), ARN: arn, Own: strings.HasSuffix(arn, "ebb-x"), Tags: map[string]string{"team": "web"}}
		got, err := storeOf(f).Read(t.Context(), role("ops"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("state (-want +got):\n%s", diff)
		}
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*fake)
		wantErr string
		gone    bool
	}{
		"gone":           {change: func(f *fake) { f.gone = true }, wantErr: "NoSuchEntity", gone: true},
		"refused":        {change: func(f *fake) { f.fail["GetRole"] = apiError("AccessDenied") }, wantErr: "grant iam:GetRole "},
		"throttled":      {change: func(f *fake) { f.fail["GetRole"] = apiError("Throttling") }, wantErr: "Throttling"},
		"not understood": {change: func(f *fake) { f.trust = `{"Statement":[],"New":1}` }, wantErr: "its trust policy: parse policy: New: is no member"},
		"no policy":      {change: func(f *fake) { f.trust = "" }, wantErr: "its trust policy: parse policy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			c.change(f)
			got, err := storeOf(f).Read(t.Context(), role("ops"))
			if err == nil || !strings.Contains(err.Error(), c.wantErr) {
				t.Fatalf("err = %v, want one with %q", err, c.wantErr)
			}
			if errors.Is(err, remedy.ErrGone) != c.gone || remedy.IsPermanent(err) {
				t.Errorf("gone %v, permanent %v: %v", errors.Is(err, remedy.ErrGone), remedy.IsPermanent(err), err)
			}
			if diff := cmp.Diff(State{}, got); diff != "" {
				t.Errorf("a partial state came with the error:\n%s", diff)
			}
		})
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change          func(*fake)
		wantErr         string
		gone, permanent bool
	}{
		"replaced":               {change: func(*fake) {}},
		"gone":                   {change: func(f *fake) { f.gone = true }, wantErr: "NoSuchEntity", gone: true},
		"refused":                {change: func(f *fake) { f.fail["UpdateAssumeRolePolicy"] = apiError("AccessDenied") }, wantErr: "grant iam:UpdateAssumeRolePolicy"},
		"busy":                   {change: func(f *fake) { f.fail["UpdateAssumeRolePolicy"] = apiError("ConcurrentModification") }, wantErr: "replace the trust policy of role ops: "},
		"a principal is deleted": {change: func(f *fake) { f.fail["UpdateAssumeRolePolicy"] = apiError("MalformedPolicyDocument") }, wantErr: "a principal that it names may have been deleted", permanent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			c.change(f)
			for range 2 {
				err := storeOf(f).Apply(t.Context(), role("ops"), Change{"ops", doc(t, text(own))})
				if c.wantErr == "" && err != nil || c.wantErr != "" && (err == nil || !strings.Contains(err.Error(), c.wantErr)) {
					t.Errorf("err = %v, want %q", err, c.wantErr)
				}
				if errors.Is(err, remedy.ErrGone) != c.gone || remedy.IsPermanent(err) != c.permanent {
					t.Errorf("gone %v, permanent %v: %v", errors.Is(err, remedy.ErrGone), remedy.IsPermanent(err), err)
				}
			}
			if want := c.wantErr == ""; (f.trust == text(own)) != want {
				t.Errorf("the policy was replaced: %v, want %v", !want, want)
			}
		})
	}
}

// TestOwnRolesAreNeverChanged: in another account Ebb's roles trust Ebb's
// account, which is foreign there.
func TestOwnRolesAreNeverChanged(t *testing.T) {
	t.Parallel()
	account := mototest.New(t)
	env := account.Env
	settings := map[string]string{
		"EBB_ACCOUNT": account.ID, "EBB_SPOKE_ROLE": "arn:aws:iam::{account}:role/ebb-{function}", "EBB_SPOKE_EXTERNAL_ID": "x:{account}:{function}",
	}
	under := env.Getenv
	env.Getenv = func(name string) string {
		if v, ok := settings[name]; ok {
			return v
		}
		return under(name)
	}
	env.Function = Function.Name
	s, err := newStore(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	for arn, want := range map[string]bool{
		"arn:aws:iam::193672423079:role/ebb-iam-role-trust": true,
		"arn:aws:iam::193672423079:role/ebb-s3-bucket":      true,
		"arn:aws:iam::193672423079:role/ebb-":               false,
		"arn:aws:iam::193672423079:role/x/ebb-s3-bucket":    false,
		"arn:aws:iam::193672423079:role/ebb-s3/x":           false,
		"arn:aws:iam::1936:role/ebb-s3":                     false,
	} {
		if got := s.own(arn); got != want {
			t.Errorf("own(%s) = %v, want %v", arn, got, want)
		}
	}
	if s, err = newStore(t.Context(), account.Env); err != nil || s.own("arn:aws:iam::193672423079:role/ebb-s3-bucket") {
		t.Errorf("without spokes a role is Ebb's own; %v", err)
	}
	if _, err := remedy.Open(t.Context(), Function, account.Env); err != nil {
		t.Fatal(err)
	}
}
