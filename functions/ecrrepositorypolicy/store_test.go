package ecrrepositorypolicy

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy/policytest"
)

func newFake() *fakeECR {
	return &fakeECR{target: repository, policy: " {\"Statement\":[]}\n", tags: map[string]string{"team": "web"}, fail: map[string]error{}}
}

func over(f *fakeECR) store { return store{func(remedy.Ref) client { return f }} }

func TestRead(t *testing.T) {
	t.Parallel()
	failing := func(op, code string) func(*fakeECR) {
		return func(f *fakeECR) { f.fail[op] = apiError(code) }
	}
	for name, c := range map[string]struct {
		change  func(*fakeECR)
		want    State
		wantErr string
		gone    bool
	}{
		"policy and tags":       {change: func(*fakeECR) {}, want: State{Policy: policytest.Parsed(t, " {\"Statement\":[]}\n"), Tags: map[string]string{"team": "web"}}},
		"neither":               {change: func(f *fakeECR) { f.policy, f.tags = "", nil }},
		"gone":                  {change: func(f *fakeECR) { f.target = Target{} }, wantErr: "RepositoryNotFoundException", gone: true},
		"policy unreadable":     {change: failing("GetRepositoryPolicy", "AccessDeniedException"), wantErr: "grant ecr:GetRepositoryPolicy"},
		"tags unreadable":       {change: failing("ListTagsForResource", "AccessDeniedException"), wantErr: "grant ecr:ListTagsForResource"},
		"throttled":             {change: failing("GetRepositoryPolicy", "ThrottlingException"), wantErr: "read repository acme/web of account 111122223333: ecr:GetRepositoryPolicy: "},
		"policy not understood": {change: func(f *fakeECR) { f.policy = `{"Statement":[],"New":1}` }, wantErr: "parse policy: New: is no member"},
		"policy of white space": {change: func(f *fakeECR) { f.policy = " " }, wantErr: "parse policy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			c.change(f)
			got, err := over(f).Read(t.Context(), repository)
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
	put := Change{Policy: text}
	for name, c := range map[string]struct {
		op, code  string
		had       string // the policy before
		change    Change
		want      string
		wantErr   string
		gone      bool
		permanent bool
	}{
		"set, never with force":    {had: "old", change: put, want: text.String()},
		"delete":                   {had: "old", want: ""},
		"delete what is not there": {},
		"set, gone":                {op: "SetRepositoryPolicy", code: "RepositoryNotFoundException", had: "old", change: put, want: "old", wantErr: "RepositoryNotFound", gone: true},
		"delete, gone":             {op: "DeleteRepositoryPolicy", code: "RepositoryNotFoundException", had: "old", want: "old", wantErr: "RepositoryNotFound", gone: true},
		"set, denied":              {op: "SetRepositoryPolicy", code: "AccessDeniedException", had: "old", change: put, want: "old", wantErr: "grant ecr:SetRepositoryPolicy"},
		"delete, denied":           {op: "DeleteRepositoryPolicy", code: "AccessDeniedException", had: "old", want: "old", wantErr: "grant ecr:DeleteRepositoryPolicy"},
		"set, throttled":           {op: "SetRepositoryPolicy", code: "ThrottlingException", had: "old", change: put, want: "old", wantErr: "set the policy of repository acme/web"},
		"set, it would lock":       {op: "SetRepositoryPolicy", code: "InvalidParameterException", had: "old", change: put, want: "old", wantErr: "which takes force", permanent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.policy = c.had
			if c.code != "" {
				f.fail[c.op] = apiError(c.code)
			}
			policytest.WantError(t, over(f).Apply(t.Context(), repository, c.change), c.wantErr, c.gone, c.permanent)
			if f.policy != c.want {
				t.Errorf("policy = %q, want %q", f.policy, c.want)
			}
		})
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
	api := ecr.NewFromConfig(account.Config)
	target := Target{"acme/web", account.ID, mototest.Region}
	if _, err := api.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: &target.Repository}); err != nil {
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
	target.Repository += "-missing"
	if _, err := s.Read(t.Context(), target); !errors.Is(err, remedy.ErrGone) {
		t.Errorf("a missing repository gives %v, want ErrGone", err)
	}
}
