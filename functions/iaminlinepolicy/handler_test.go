package iaminlinepolicy

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

const samples = "../../events/iam-inline-policy"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

// of is a target in the account of the samples.
func of(kind, name, policy string) Target {
	return Target{iamevent.Principal{Kind: kind, Name: name, Account: "111122223333", Region: "us-east-1"}, policy}
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	want := map[string][]Target{
		"put-admin-on-role.json": {of("role", "deploy", "escalate")},
		"put-admin-on-user.json": {of("user", "jane", "escalate")},
		"put-on-group.json":      {of("group", "developers", "read")},
		"delete-from-role.json":  {of("role", "deploy", "escalate")},
		"put-denied.json":        nil, // a failed call
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

// document is the policy in a sample's call.
func document(t testing.TB, ev remedy.Event) policydoc.Identity {
	t.Helper()
	var d struct {
		RequestParameters struct{ PolicyDocument string }
	}
	if err := json.Unmarshal(ev.Detail, &d); err != nil {
		t.Fatal(err)
	}
	return doc(t, d.RequestParameters.PolicyDocument)
}

// TestPoliciesOfSamples judges the policies as the samples hold them.
func TestPoliciesOfSamples(t *testing.T) {
	t.Parallel()
	for file, want := range map[string][]string{
		"put-admin-on-role.json": {"All"}, "put-admin-on-user.json": {"#1"}, "put-on-group.json": nil,
	} {
		ev := sample(t, file)
		var got []string
		for _, v := range check(of("user", "jane", "x"), State{Policy: document(t, ev)}, Function.Params.(Params)) {
			got = append(got, v.Part)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ detail, want string }{
		"null parameters": {`{"requestParameters":null}`, "names no user, group or role"},
		"nobody":          {`{"requestParameters":{"policyName":"x"}}`, "names no user, group or role"},
		"no policy":       {`{"requestParameters":{"roleName":"ops"}}`, `policyName "" is no name that a policy has`},
		"a path in it":    {`{"requestParameters":{"roleName":"ops","policyName":"a/../b"}}`, "is no name that a policy has"},
		"wrong type":      {`{"requestParameters":{"roleName":1}}`, "decode CloudTrail record of PutRolePolicy"},
		"truncated":       {`{"requestParameters":{"roleName":`, "unexpected end"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{
				Source: "aws.iam", Name: "PutRolePolicy", Account: "111122223333", Region: "us-east-1", Detail: json.RawMessage(c.detail),
			})
			if err == nil || !strings.Contains(err.Error(), c.want) || got != nil {
				t.Errorf("decode = %v, %v; want an error with %q", got, err, c.want)
			}
		})
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{Type: "AWS::IAM::GroupPolicy", ID: "arn:aws:iam::111122223333:group/g/inline-policy/x", Account: "111122223333", Region: "us-east-1"}
	if diff := cmp.Diff(want, of("group", "g", "x").Ref()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	if err := Function.Params.(Params).Validate(); err != nil {
		t.Errorf("Validate of the defaults = %v", err)
	}
	if err := (Params{iamevent.Patterns{"[a"}}).Validate(); err == nil || !strings.Contains(err.Error(), "allowed_principals[0]") {
		t.Errorf("Validate = %v, want an error that names allowed_principals", err)
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
		targets, err := decode(remedy.Event{Name: "PutRolePolicy", Account: "111122223333", Region: "us-east-1", Detail: detail})
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if target.Name == "" || target.Policy == "" || strings.ContainsAny(target.Name+target.Policy, "/:% \n") {
				t.Errorf("target %+v", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck takes an event to its verdict; the live policy is
// parsed each time, as after a read.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "put-admin-on-role.json")
	text, p := document(b, ev).String(), Function.Params.(Params)
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		policy, err := policydoc.ParseIdentity(text)
		if err != nil {
			b.Fatal(err)
		}
		if v := check(targets[0], State{Policy: policy}, p); len(v) != 1 {
			b.Fatal(v)
		}
	}
}
