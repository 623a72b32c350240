package snstopicpolicy

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
	acme := []Target{{"arn:aws:sns:us-east-1:111122223333:acme-alerts", "acme-alerts", "111122223333", "us-east-1"}}
	policytest.Samples(t, Function, decode, map[string][]Target{
		"set-public-publish.json":    acme,
		"create-with-policy.json":    acme,
		"create-without-policy.json": nil,
		"add-permission.json":        acme,
		"set-display-name.json":      nil,
		"set-denied.json":            nil,
	})
}

func TestDecode(t *testing.T) {
	t.Parallel()
	with := func(arn string) string {
		return `{"requestParameters":{"topicArn":"` + arn + `","attributeName":"Policy"}}`
	}
	nobody := setEvent(topic)
	nobody.Account = ""
	removal := setEvent(topic)
	removal.Name = "RemovePermission"
	const (
		fifo  = "arn:aws:sns:eu-central-1:111122223333:a_b-1.fifo"
		china = "arn:aws-cn:sns:cn-north-1:111122223333:alerts"
	)
	policytest.Inputs(t, decode, setEvent(topic), map[string]policytest.Input[Target]{
		"a FIFO topic":            {Detail: with(fifo), Want: []Target{{fifo, "a_b-1.fifo", "111122223333", "eu-central-1"}}},
		"a permission removed":    {Event: removal, Detail: `{"requestParameters":{"topicArn":"` + fifo + `","label":"x"}}`, Want: []Target{{fifo, "a_b-1.fifo", "111122223333", "eu-central-1"}}},
		"another partition":       {Detail: with(china), Want: []Target{{china, "alerts", "111122223333", "cn-north-1"}}},
		"another account's topic": {Detail: with("arn:aws:sns:eu-central-1:210987654321:alerts")},
		"failed":                  {Detail: `{"errorCode":"AuthorizationError","requestParameters":null}`},
		"another attribute":       {Detail: strings.Replace(with(fifo), "Policy", "DeliveryPolicy", 1)},
		"no attribute":            {Detail: `{"requestParameters":{"topicArn":"` + fifo + `"}}`},
		"no ARN":                  {Detail: `{"requestParameters":{"attributeName":"Policy"}}`, Err: "topicArn is missing"},
		"a subscription":          {Detail: with(fifo + ":8a21d249-4329-4871-acc6-7be709c6ea7f"), Err: "is no ARN that a topic can have"},
		"a queue":                 {Detail: with("arn:aws:sqs:eu-central-1:111122223333:x"), Err: "is no ARN that a topic can have"},
		"a line break behind it":  {Detail: with(fifo + `\n`), Err: "is no ARN that a topic can have"},
		"a wildcard":              {Detail: with("arn:aws:sns:eu-central-1:111122223333:*"), Err: "is no ARN that a topic can have"},
		"no account":              {Event: nobody, Err: "names no account"},
		"a number":                {Detail: `{"requestParameters":{"topicArn":7}}`, Err: "decode CloudTrail record"},
		"truncated":               {Detail: `{"requestParameters":{"topicArn":"`, Err: "decode CloudTrail record"},
	})
}

func TestRef(t *testing.T) {
	t.Parallel()
	want := remedy.Ref{Type: "AWS::SNS::Topic", ID: topic.ARN, Account: topic.Account, Region: topic.Region}
	if got := topic.Ref(); got != want {
		t.Errorf("Ref() = %+v, want %+v", got, want)
	}
}

// TestInitial holds the policy that is put when nothing is left: it lets the owner
// in, breaks no policy, and names its topic in any partition.
func TestInitial(t *testing.T) {
	t.Parallel()
	for _, target := range []Target{topic, {"arn:aws-us-gov:sns:us-gov-west-1:111122223333:x.fifo", "x.fifo", "111122223333", "us-gov-west-1"}} {
		d := initial(target)
		strict := Params{Params: resourcepolicy.Params{Bound: []string{"*"}, Allowed: policydoc.Allowed{Accounts: []string{"210987654321"}}}}
		if v := rules.Check(target, State{Policy: d}, strict); len(d.Statements) != 1 || len(v) != 0 {
			t.Errorf("%s: %v", d, v)
		}
		if !strings.Contains(d.String(), `"Resource":"`+target.ARN+`"`) {
			t.Errorf("%s does not name %s", d, target.ARN)
		}
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	if err := Function.Params.(Params).Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	for want, p := range map[string]Params{
		"allowed_topics[0] is empty": {AllowedTopics: []string{""}},
		"allowed.accounts[0]":        {Params: resourcepolicy.Params{Allowed: policydoc.Allowed{Accounts: []string{"1"}}}},
	} {
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate() = %v, want %q", err, want)
		}
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	policytest.Properties(t, rules, topic, Function.Params.(Params), kit(topic))
}

func FuzzDecode(f *testing.F) {
	for _, file := range []string{"set-public-publish.json", "create-with-policy.json", "add-permission.json", "set-denied.json"} {
		ev := sample(f, file)
		f.Add(ev.Name, []byte(ev.Detail))
	}
	f.Fuzz(func(t *testing.T, name string, detail []byte) {
		targets, err := decode(remedy.Event{Name: name, Account: "111122223333", Region: "eu-west-1", Detail: detail})
		if err != nil && len(targets) > 0 {
			t.Fatalf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if !strings.HasSuffix(target.ARN, ":111122223333:"+target.Topic) || strings.ContainsAny(target.Topic, "/:%? \n") {
				t.Fatalf("target %+v", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck takes an event to its verdict.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "set-public-publish.json")
	var compact bytes.Buffer
	if err := json.Compact(&compact, ev.Detail); err != nil {
		b.Fatal(err)
	}
	ev.Detail = compact.Bytes()
	text := policytest.Doc(b, kit(topic).Texts.TLSOnly, kit(topic).Texts.Public).String()
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
