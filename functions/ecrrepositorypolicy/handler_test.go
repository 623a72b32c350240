package ecrrepositorypolicy

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy/policytest"
)

func sample(t testing.TB, file string) remedy.Event {
	t.Helper()
	return remedytest.Sample(t, filepath.Join(policytest.Events, Function.Name, file))
}

func TestDecodeSamples(t *testing.T) {
	t.Parallel()
	policytest.Samples(t, Function, decode, map[string][]Target{
		"set-public-pull.json":    {{"acme/web", "111122223333", "us-east-1"}},
		"set-public-read.json":    {{"community", "112233445566", "eu-west-1"}},
		"delete.json":             {{"acme/web", "111122223333", "us-east-1"}},
		"set-denied.json":         nil,
		"set-other-registry.json": nil,
	})
}

// TestPolicyOfSample judges the policy as a recorded event holds it.
func TestPolicyOfSample(t *testing.T) {
	t.Parallel()
	var d struct {
		RequestParameters struct{ PolicyText string }
	}
	if err := json.Unmarshal(sample(t, "set-public-read.json").Detail, &d); err != nil {
		t.Fatal(err)
	}
	got := policytest.Parts(rules.Check(repository, State{Policy: policytest.Parsed(t, d.RequestParameters.PolicyText)}, Params{}))
	if diff := cmp.Diff([]string{"PublicRead"}, got); diff != "" {
		t.Errorf("statements at fault (-want +got):\n%s", diff)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	with := func(name string) string { return `{"requestParameters":{"repositoryName":"` + name + `"}}` }
	nowhere := setEvent(repository)
	nowhere.Region = ""
	long := strings.Repeat("a", 256)
	target := func(name string) []Target { return []Target{{name, repository.Account, repository.Region}} }
	policytest.Inputs(t, decode, setEvent(repository), map[string]policytest.Input[Target]{
		"a name with folders":        {Detail: with("a/b.c/d_e-f"), Want: target("a/b.c/d_e-f")},
		"the longest name":           {Detail: with(long), Want: target(long)},
		"the own registry":           {Detail: `{"requestParameters":{"registryId":"111122223333","repositoryName":"x1"}}`, Want: target("x1")},
		"another account's registry": {Detail: `{"requestParameters":{"registryId":"210987654321","repositoryName":"x1"}}`},
		"failed":                     {Detail: `{"errorCode":"AccessDeniedException","requestParameters":null}`},
		"null parameters":            {Detail: `{"requestParameters":null}`, Err: "repositoryName is missing"},
		"a name too long":            {Detail: with(long + "a"), Err: "is no name that a repository can have"},
		"upper case":                 {Detail: with("Web"), Err: "is no name that a repository can have"},
		"a wildcard":                 {Detail: with("*"), Err: "is no name that a repository can have"},
		"a line break behind it":     {Detail: with(`web\n`), Err: "is no name that a repository can have"},
		"no region":                  {Event: nowhere, Err: `region "", and both are needed`},
		"a list":                     {Detail: `{"requestParameters":{"repositoryName":[]}}`, Err: "decode CloudTrail record"},
		"truncated":                  {Detail: `{"requestParameters":`, Err: "decode CloudTrail record"},
	})
}

func TestRef(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{
		"eu-central-1": "arn:aws:ecr:eu-central-1:111122223333:repository/acme/web",
		"cn-north-1":   "arn:aws-cn:ecr:cn-north-1:111122223333:repository/acme/web",
	} {
		got := Target{"acme/web", "111122223333", region}.Ref()
		if got != (remedy.Ref{Type: "AWS::ECR::Repository", ID: want, Account: "111122223333", Region: region}) {
			t.Errorf("Ref() in %s = %+v", region, got)
		}
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	if err := Function.Params.(Params).Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	for want, p := range map[string]Params{
		"allowed_repositories[0] is empty": {AllowedRepositories: []string{""}},
		"allowed.accounts[0]":              {Params: resourcepolicy.Params{Allowed: policydoc.Allowed{Accounts: []string{"1"}}}},
	} {
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate() = %v, want %q", err, want)
		}
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	policytest.Properties(t, rules, repository, kit.Closed, kit)
}

func FuzzDecode(f *testing.F) {
	for _, file := range []string{"set-public-pull.json", "set-public-read.json", "delete.json", "set-denied.json"} {
		f.Add([]byte(sample(f, file).Detail))
	}
	f.Fuzz(func(t *testing.T, detail []byte) {
		targets, err := decode(remedy.Event{Name: "SetRepositoryPolicy", Account: "111122223333", Region: "eu-west-1", Detail: detail})
		if err != nil && len(targets) > 0 {
			t.Fatalf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if target.Account != "111122223333" || strings.ContainsAny(target.Repository, ":%?* \n") {
				t.Fatalf("target %+v", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck takes an event to its verdict.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "set-public-pull.json")
	var compact bytes.Buffer
	if err := json.Compact(&compact, ev.Detail); err != nil {
		b.Fatal(err)
	}
	ev.Detail = compact.Bytes()
	text := policytest.Doc(b, kit.Texts.TLSOnly, kit.Texts.Public).String()
	b.ReportAllocs()
	for b.Loop() {
		targets, err := decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		policy, err := policydoc.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		if v := rules.Check(targets[0], State{Policy: policy}, Params{}); len(v) != 1 {
			b.Fatal(v)
		}
	}
}
