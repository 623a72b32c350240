package iamroletrust

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloudtrail/iamevent"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

const samples = "../../events/iam-role-trust"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

// role is a target in the account of the samples.
func role(name string) Target {
	return Target{iamevent.Principal{Kind: "role", Name: name, Account: "111122223333", Region: "us-east-1"}}
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	want := map[string][]Target{
		"update-foreign-account.json":     {role("stratus-red-team-backdoor-r-role")},
		"create-for-foreign-account.json": {role("stratus-red-team-malicious-iam-role")},
		"create-for-github.json":          {role("deploy")},
		"update-denied.json":              nil, // failed calls
		"create-denied.json":              nil,
	}
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil || len(files) != len(want) {
		t.Fatalf("%d samples, %v; the table has %d", len(files), err, len(want))
	}
	for _, path := range files {
		file := filepath.Base(path)
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			ev := sample(t, file)
			if !Function.Handles(ev) {
				t.Errorf("no trigger matches %s %s", ev.Source, ev.Name)
			}
			got, err := decode(ev)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want[file], got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

// policy is the trust policy in a sample's call.
func policy(t testing.TB, ev remedy.Event) policydoc.Document {
	t.Helper()
	var d struct {
		RequestParameters struct{ PolicyDocument, AssumeRolePolicyDocument string }
	}
	if err := json.Unmarshal(ev.Detail, &d); err != nil {
		t.Fatal(err)
	}
	return doc(t, d.RequestParameters.PolicyDocument+d.RequestParameters.AssumeRolePolicyDocument)
}

// TestPoliciesOfSamples judges the policies as the samples hold them.
func TestPoliciesOfSamples(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"update-foreign-account.json":     "foreign-account arn:aws:iam::193672423079:root",
		"create-for-foreign-account.json": "foreign-account arn:aws:iam::193672423079:root",
		"create-for-github.json":          "open-identity-provider arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com",
	} {
		got := check(role("r"), State{Trust: policy(t, sample(t, file))}, Params{})
		if len(got) != 1 || got[0].Rule+" "+got[0].Part != want {
			t.Errorf("%s: %+v, want one %s", file, got, want)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ detail, want string }{
		"null parameters": {`{"requestParameters":null}`, "names no user, group or role"},
		"a user":          {`{"requestParameters":{"userName":"jane"}}`, "about user jane, but a role is expected"},
		"a path":          {`{"requestParameters":{"roleName":"a/../b"}}`, "is no name that IAM has"},
		"wrong type":      {`{"requestParameters":{"roleName":{}}}`, "decode CloudTrail record of CreateRole"},
		"truncated":       {`{"requestParameters":{"roleName":`, "unexpected end"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{
				Source: "aws.iam", Name: "CreateRole", Account: "111122223333", Region: "us-east-1", Detail: json.RawMessage(c.detail),
			})
			if err == nil || !strings.Contains(err.Error(), c.want) || got != nil {
				t.Errorf("decode = %v, %v; want an error with %q", got, err, c.want)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{Type: "AWS::IAM::Role", ID: "arn:aws:iam::111122223333:role/ops", Account: "111122223333", Region: "us-east-1"}
	if diff := cmp.Diff(want, role("ops").Ref()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	good := Params{[]string{"444455556666"}, []string{"o-a1b2c3d4e5"}, iamevent.Patterns{"role/x/*"}}
	for _, p := range []Params{Function.Params.(Params), good} {
		if err := p.Validate(); err != nil {
			t.Errorf("Validate of %+v = %v", p, err)
		}
	}
	for want, p := range map[string]Params{
		"allowed_accounts[1]": {AllowedAccounts: []string{"444455556666", "44445555666"}},
		"allowed_orgs[0]":     {AllowedOrgs: []string{"*"}},
		"allowed_roles[0]":    {AllowedRoles: iamevent.Patterns{"[x"}},
	} {
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate = %v, want an error that names %s", err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		f.Add([]byte(sample(f, filepath.Base(path)).Detail))
	}
	f.Fuzz(func(t *testing.T, detail []byte) {
		targets, err := decode(remedy.Event{Name: "CreateRole", Account: "111122223333", Region: "us-east-1", Detail: detail})
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if target.Kind != "role" || target.Name == "" || strings.ContainsAny(target.Name, "/:% \n") {
				t.Errorf("target %+v", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck takes a real event to its verdict; the live policy is
// parsed each time, as after a read.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "update-foreign-account.json")
	text := policy(b, ev).String()
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		trust, err := policydoc.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		if v := check(targets[0], State{Trust: trust}, Params{}); len(v) != 1 {
			b.Fatal(v)
		}
	}
}
