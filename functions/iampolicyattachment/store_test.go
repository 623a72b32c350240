package iampolicyattachment

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func storeOf(f *fake) store { return store{func(remedy.Ref) client { return f }} }

const ownPolicy = "arn:aws:iam::111122223333:policy/team/NotAdmin"

var kinds = []string{"user", "group", "role"}

func TestRead(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f := newFake(kind)
			f.path, f.tags = "/staff/", []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}}
			f.attached = []string{"arn:aws:iam::aws:policy/ReadOnlyAccess", ownPolicy} // on the second page
			f.policies[ownPolicy] = everything
			want := State{Attached: true, Document: doc(t, everything), ARN: "arn:aws:iam::111122223333:" + kind + "/staff/ops"}
			if kind != "group" {
				want.Tags = map[string]string{"team": "web"}
			}
			got, err := storeOf(f).Read(t.Context(), Target{f.p, ownPolicy})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
			// A policy of AWS is judged by its name: its document is not read.
			f.fail["GetPolicy"] = apiError("AccessDenied")
			want.Attached, want.Document = false, policydoc.Identity{}
			got, err = storeOf(f).Read(t.Context(), Target{f.p, awsAdmin})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*fake)
		wantErr string
		gone    bool
	}{
		"gone":                         {change: func(f *fake) { f.gone = true }, wantErr: "NoSuchEntity", gone: true},
		"role refused":                 {change: func(f *fake) { f.fail["GetRole"] = apiError("AccessDenied") }, wantErr: "grant iam:GetRole "},
		"attachments refused":          {change: func(f *fake) { f.fail["ListAttachedRolePolicies"] = apiError("AccessDenied") }, wantErr: "grant iam:ListAttachedRolePolicies "},
		"policy refused":               {change: func(f *fake) { f.fail["GetPolicy"] = apiError("AccessDenied") }, wantErr: "grant iam:GetPolicy "},
		"document refused":             {change: func(f *fake) { f.fail["GetPolicyVersion"] = apiError("AccessDenied") }, wantErr: "grant iam:GetPolicyVersion "},
		"throttled":                    {change: func(f *fake) { f.fail["ListAttachedRolePolicies"] = apiError("Throttling") }, wantErr: "Throttling"},
		"document not understood":      {change: func(f *fake) { f.policies[ownPolicy] = `{"Statement":[],"New":1}` }, wantErr: "New: is no member"},
		"attached but not there":       {change: func(f *fake) { delete(f.policies, ownPolicy) }, wantErr: "one of them is not up to date"},
		"its default version was cut ": {change: func(f *fake) { f.fail["GetPolicyVersion"] = apiError("NoSuchEntity") }, wantErr: "iam:GetPolicyVersion: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake("role")
			f.attached, f.policies[ownPolicy] = []string{ownPolicy}, everything
			c.change(f)
			got, err := storeOf(f).Read(t.Context(), Target{f.p, ownPolicy})
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

func TestApplyTwice(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		f := newFake(kind)
		f.attached = []string{"other", awsAdmin}
		for _, want := range [][]string{{"other"}, {"other", awsAdmin}} {
			c := Change{Target{f.p, awsAdmin}, len(want) > 1}
			for range 2 {
				if err := storeOf(f).Apply(t.Context(), c.Target, c); err != nil {
					t.Fatalf("%s: %v", c.Call().API, err)
				}
			}
			if diff := cmp.Diff(want, f.attached); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.Call().API, diff)
			}
		}
		for _, attach := range []bool{false, true} {
			c := Change{Target{f.p, awsAdmin}, attach}
			f.fail[strings.TrimPrefix(c.Call().API, "iam:")] = apiError("AccessDenied")
			if err := storeOf(f).Apply(t.Context(), c.Target, c); err == nil || !strings.Contains(err.Error(), "grant "+c.Call().API) {
				t.Errorf("refused: %v, want an error that names the action to grant", err)
			}
			clear(f.fail)
			f.fail[strings.TrimPrefix(c.Call().API, "iam:")] = apiError("ConcurrentModification")
			if err := storeOf(f).Apply(t.Context(), c.Target, c); err == nil || remedy.IsPermanent(err) {
				t.Errorf("busy: %v, want an error that a retry may mend", err)
			}
			clear(f.fail)
		}
		f.gone = true
		if err := storeOf(f).Apply(t.Context(), Target{f.p, awsAdmin}, Change{Target{f.p, awsAdmin}, false}); err != nil {
			t.Errorf("detach from who is gone: %v", err)
		}
		if err := storeOf(f).Apply(t.Context(), Target{f.p, awsAdmin}, Change{Target{f.p, awsAdmin}, true}); !errors.Is(err, remedy.ErrGone) {
			t.Errorf("attach to who is gone: %v, want ErrGone", err)
		}
	}
}
