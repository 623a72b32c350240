package secretsmanagersecretpolicy

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

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
	db := []Target{{"arn:aws:secretsmanager:us-east-1:111122223333:secret:acme/db-a1b2c3", "111122223333", "us-east-1"}}
	policytest.Samples(t, Function, decode, map[string][]Target{
		"put-public-read.json": db,
		"put-by-arn.json":      db,
		"delete.json":          db,
		"put-denied.json":      nil,
		"put-blocked.json":     nil,
	})
}

func TestDecode(t *testing.T) {
	t.Parallel()
	with := func(id string) string {
		return `{"requestParameters":{"secretId":"` + id + `"},"responseElements":null}`
	}
	nowhere := putEvent(secret)
	nowhere.Region = ""
	const china = "arn:aws-cn:secretsmanager:cn-north-1:111122223333:secret:x-AbCdEf"
	target := func(id string) []Target { return []Target{{id, secret.Account, secret.Region}} }
	policytest.Inputs(t, decode, putEvent(secret), map[string]policytest.Input[Target]{
		"a name, no answer":        {Detail: with("prod/db+x@y=z_1.0"), Want: target("prod/db+x@y=z_1.0")},
		"the answer's ARN":         {Detail: `{"requestParameters":{"secretId":"x"},"responseElements":{"ARN":"` + china + `","name":"x"}}`, Want: target(china)},
		"another account's secret": {Detail: with("arn:aws:secretsmanager:eu-central-1:210987654321:secret:x-AbCdEf")},
		"failed":                   {Detail: `{"errorCode":"AccessDenied","requestParameters":null}`},
		"nothing":                  {Detail: `{"requestParameters":null}`, Err: "secretId are missing"},
		"a wildcard":               {Detail: with("*"), Err: "is no ARN and no name"},
		"another service's ARN":    {Detail: with("arn:aws:glue:eu-central-1:111122223333:catalog"), Err: "is no ARN and no name"},
		"a line break behind it":   {Detail: with(`x\n`), Err: "is no ARN and no name"},
		"a name too long":          {Detail: with(strings.Repeat("x", 513)), Err: "is no ARN and no name"},
		"no region":                {Event: nowhere, Err: `region "", and both are needed`},
		"a list":                   {Detail: `{"requestParameters":{"secretId":[]}}`, Err: "decode CloudTrail record"},
		"truncated":                {Detail: `{"requestParameters":`, Err: "decode CloudTrail record"},
	})
}

func TestNameAndRef(t *testing.T) {
	t.Parallel()
	const short = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:x-AbC"
	for id, want := range map[string][2]string{
		secret.Secret: {"prod/db", secret.Secret},
		"prod/db":     {"prod/db", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:prod/db"},
		"a-secret":    {"a-secret", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:a-secret"},
		short:         {"x-AbC", short},
	} {
		got := Target{id, secret.Account, secret.Region}
		if got.Name() != want[0] || got.Ref() != (remedy.Ref{Type: "AWS::SecretsManager::Secret", ID: want[1], Account: secret.Account, Region: secret.Region}) {
			t.Errorf("%s: name %s, %+v; want %v", id, got.Name(), got.Ref(), want)
		}
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	if err := Function.Params.(Params).Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	for want, p := range map[string]Params{
		"allowed_secrets[0] is empty": {AllowedSecrets: []string{""}},
		"allowed.accounts[0]":         {Params: resourcepolicy.Params{Allowed: policydoc.Allowed{Accounts: []string{"1"}}}},
	} {
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate() = %v, want %q", err, want)
		}
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	policytest.Properties(t, rules, secret, kit.Closed, kit)
}

func FuzzDecode(f *testing.F) {
	for _, file := range []string{"put-public-read.json", "put-by-arn.json", "delete.json", "put-denied.json"} {
		f.Add([]byte(sample(f, file).Detail))
	}
	f.Fuzz(func(t *testing.T, detail []byte) {
		targets, err := decode(remedy.Event{Name: "PutResourcePolicy", Account: "111122223333", Region: "eu-west-1", Detail: detail})
		if err != nil && len(targets) > 0 {
			t.Fatalf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if !strings.Contains(target.Ref().ID, ":111122223333:secret:"+target.Name()) || strings.ContainsAny(target.Name(), ":%?* \n") {
				t.Fatalf("target %+v", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck takes an event to its verdict.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "put-public-read.json")
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
