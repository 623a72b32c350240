package iampolicyversion

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

const samples = "../../events/iam-policy-version"

// sample reads one of them.
func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(samples, file))
}

// at is the samples' policy, with the version that an event is about.
func at(version string) Target { return Target{deploy, "111122223333", "us-east-1", version} }

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	want := map[string][]Target{
		"create-version.json":             {at("v2")},
		"create-version-not-default.json": {at("v12")},
		"set-default.json":                {at("v1")},
		"create-policy.json":              {at("v1")},
		"create-version-denied.json":      nil, // failed calls
		"set-default-denied.json":         nil,
		"create-policy-denied.json":       nil,
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

func TestDecodeOddEvents(t *testing.T) {
	t.Parallel()
	const named = `"policyArn":"` + deploy + `"`
	for name, c := range map[string]struct{ detail, version, want string }{
		"no answer":            {`{"requestParameters":{` + named + `},"responseElements":null}`, "", ""},
		"no version":           {`{"requestParameters":{` + named + `,"versionId":"../v1"}}`, "", ""},
		"a number too large":   {`{"requestParameters":{` + named + `,"versionId":"v99999999999999999999"}}`, "", ""},
		"null parameters":      {`{"requestParameters":null}`, "", "names no policy"},
		"a policy of AWS":      {`{"requestParameters":{"policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}}`, "", "no ARN of an account's managed policy"},
		"a role":               {`{"requestParameters":{"policyArn":"arn:aws:iam::111122223333:role/x"}}`, "", "no ARN of an account's managed policy"},
		"wrong type":           {`{"requestParameters":{"policyArn":1}}`, "", "decode CloudTrail record of CreatePolicyVersion"},
		"truncated":            {`{"requestParameters":{"policyArn":`, "", "unexpected end"},
		"only the answer says": {`{"requestParameters":{},"responseElements":{"policy":{"arn":"` + deploy + `","defaultVersionId":"v1"}}}`, "v1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(remedy.Event{
				Source: "aws.iam", Name: "CreatePolicyVersion", Account: "111122223333", Region: "us-east-1", Detail: json.RawMessage(c.detail),
			})
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) || got != nil {
					t.Errorf("decode = %v, %v; want an error with %q", got, err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]Target{at(c.version)}, got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

// Events about different versions are about one policy.
func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{Type: "AWS::IAM::ManagedPolicy", ID: deploy, Account: "111122223333", Region: "us-east-1"}
	for _, version := range []string{"", "v2"} {
		if diff := cmp.Diff(want, at(version).Ref()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	if err := Function.Params.(Params).Validate(); err != nil {
		t.Errorf("Validate of the defaults = %v", err)
	}
	if err := (Params{iamevent.Patterns{""}}).Validate(); err == nil || !strings.Contains(err.Error(), "allowed_policies[0]") {
		t.Errorf("Validate = %v, want an error that names allowed_policies", err)
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
		targets, err := decode(remedy.Event{Name: "CreatePolicy", Account: "111122223333", Region: "us-east-1", Detail: detail})
		if err != nil && targets != nil {
			t.Errorf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if target.name() == "" || strings.ContainsAny(target.Policy, " \n") || target.Version != "" && number(target.Version) == 0 {
				t.Errorf("target %+v", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck takes an event to its verdict; the live versions are
// parsed each time, as after a read.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "create-version.json")
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		s := State{Default: "v2"}
		for _, v := range []struct{ id, text string }{{"v2", everything}, {"v1", buckets}} {
			policy, err := policydoc.ParseIdentity(v.text)
			if err != nil {
				b.Fatal(err)
			}
			s.Versions = append(s.Versions, Version{v.id, policy})
		}
		if v := check(targets[0], s, Params{}); len(v) != 1 {
			b.Fatal(v)
		}
	}
}
