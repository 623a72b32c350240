package secretsmanagersecretpolicy

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy/policytest"
)

func newFake() *fakeSecrets {
	return &fakeSecrets{arn: secret.Secret, policy: " {\"Statement\":[]}\n", tags: map[string]string{"team": "web"}, fail: map[string]error{}}
}

func over(f *fakeSecrets) store { return store{func(remedy.Ref) client { return f }} }

func TestRead(t *testing.T) {
	t.Parallel()
	failing := func(op, code string) func(*fakeSecrets) {
		return func(f *fakeSecrets) { f.fail[op] = apiError(code) }
	}
	for name, c := range map[string]struct {
		change  func(*fakeSecrets)
		want    State
		wantErr string
		gone    bool
	}{
		"policy and tags":       {change: func(*fakeSecrets) {}, want: State{Policy: policytest.Parsed(t, " {\"Statement\":[]}\n"), Tags: map[string]string{"team": "web"}}},
		"neither":               {change: func(f *fakeSecrets) { f.policy, f.tags = "", nil }},
		"gone":                  {change: func(f *fakeSecrets) { f.arn = "" }, wantErr: "ResourceNotFoundException", gone: true},
		"marked for deletion":   {change: func(f *fakeSecrets) { f.deleted = time.Unix(1, 0) }, wantErr: "it is marked for deletion", gone: true},
		"another bad request":   {change: failing("GetResourcePolicy", "InvalidRequestException"), wantErr: "secretsmanager:GetResourcePolicy: "},
		"policy unreadable":     {change: failing("GetResourcePolicy", "AccessDeniedException"), wantErr: "grant secretsmanager:GetResourcePolicy"},
		"tags unreadable":       {change: failing("DescribeSecret", "AccessDeniedException"), wantErr: "grant secretsmanager:DescribeSecret"},
		"throttled":             {change: failing("GetResourcePolicy", "ThrottlingException"), wantErr: "read secret prod/db of account 111122223333: secretsmanager:GetResourcePolicy: "},
		"policy not understood": {change: func(f *fakeSecrets) { f.policy = `{"Statement":[],"New":1}` }, wantErr: "parse policy: New: is no member"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			c.change(f)
			got, err := over(f).Read(t.Context(), secret)
			policytest.WantError(t, err, c.wantErr, c.gone, false)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	text := policytest.Doc(t, kit.Texts.Partner)
	write := Change{Policy: text}
	for name, c := range map[string]struct {
		op, code  string
		change    Change
		want      string
		wantErr   string
		gone      bool
		permanent bool
	}{
		"put":                      {change: write, want: text.String()},
		"delete":                   {},
		"put, gone":                {op: "PutResourcePolicy", code: "ResourceNotFoundException", change: write, want: "old", wantErr: "ResourceNotFound", gone: true},
		"delete, gone":             {op: "DeleteResourcePolicy", code: "ResourceNotFoundException", want: "old", wantErr: "ResourceNotFound", gone: true},
		"put, denied":              {op: "PutResourcePolicy", code: "AccessDeniedException", change: write, want: "old", wantErr: "grant secretsmanager:PutResourcePolicy"},
		"delete, denied":           {op: "DeleteResourcePolicy", code: "AccessDeniedException", want: "old", wantErr: "grant secretsmanager:DeleteResourcePolicy"},
		"put, throttled":           {op: "PutResourcePolicy", code: "ThrottlingException", change: write, want: "old", wantErr: "put the policy of secret prod/db"},
		"put, in the way":          {op: "PutResourcePolicy", code: "PreconditionNotMetException", change: write, want: "old", wantErr: "put the policy of secret prod/db"},
		"put, a principal is gone": {op: "PutResourcePolicy", code: "MalformedPolicyDocumentException", change: write, want: "old", wantErr: "may have been deleted since", permanent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.policy = "old"
			if c.code != "" {
				f.fail[c.op] = apiError(c.code)
			}
			policytest.WantError(t, over(f).Apply(t.Context(), secret, c.change), c.wantErr, c.gone, c.permanent)
			if f.policy != c.want {
				t.Errorf("policy = %q, want %q", f.policy, c.want)
			}
		})
	}
}

// TestFunctionOnEmulator opens the function as a host does, with nothing but an
// endpoint and credentials. A secret is found by its name too.
func TestFunctionOnEmulator(t *testing.T) {
	t.Parallel()
	account := mototest.New(t)
	if _, err := remedy.Open(t.Context(), Function, account.Env); err != nil {
		t.Fatal(err)
	}
	api := secretsmanager.NewFromConfig(account.Config)
	target := Target{"prod/db", account.ID, mototest.Region}
	if _, err := api.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: &target.Secret, SecretString: aws.String("x")}); err != nil {
		t.Fatal(err)
	}
	s := store{func(remedy.Ref) client { return api }}
	want := policytest.Of(t, kit.Texts.TLSOnly)
	if err := s.Apply(t.Context(), target, Change{Policy: want.Policy}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Read(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	target.Secret += "-missing"
	if _, err := s.Read(t.Context(), target); !errors.Is(err, remedy.ErrGone) {
		t.Errorf("a missing secret gives %v, want ErrGone", err)
	}
}
