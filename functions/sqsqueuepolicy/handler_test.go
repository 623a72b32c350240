package sqsqueuepolicy

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
	acme := []Target{{"acme-jobs", "https://sqs.us-east-1.amazonaws.com/111122223333/acme-jobs", "111122223333", "us-east-1"}}
	policytest.Samples(t, Function, decode, map[string][]Target{
		"set-public-send.json":       acme,
		"create-with-policy.json":    acme,
		"create-without-policy.json": nil,
		"add-permission.json":        acme,
		"set-visibility.json":        nil,
		"set-empty-policy.json":      {{"example-queue", "https://sqs.us-east-1.amazonaws.com/123456789012/example-queue", "123456789012", "us-east-1"}},
		"set-denied.json":            nil,
	})
}

func TestDecode(t *testing.T) {
	t.Parallel()
	base := setEvent(queue)
	with := func(url string) string {
		return `{"requestParameters":{"queueUrl":"` + url + `","attributes":{"Policy":"x"}}}`
	}
	target := func(name, url string) []Target { return []Target{{name, url, queue.Account, queue.Region}} }
	nowhere := base
	nowhere.Region = ""
	removal := base
	removal.Name = "RemovePermission"
	const (
		fifo  = "https://sqs.eu-central-1.amazonaws.com/111122223333/a_b-1.fifo"
		old   = "https://eu-central-1.queue.amazonaws.com/111122223333/jobs"
		china = "https://sqs.cn-north-1.amazonaws.com.cn/111122223333/jobs"
		local = "http://127.0.0.1:4566/111122223333/jobs"
	)
	policytest.Inputs(t, decode, base, map[string]policytest.Input[Target]{
		"a FIFO queue":               {Detail: with(fifo), Want: target("a_b-1.fifo", fifo)},
		"the older host":             {Detail: with(old), Want: target("jobs", old)},
		"another partition":          {Detail: with(china), Want: target("jobs", china)},
		"an emulator":                {Detail: with(local), Want: target("jobs", local)},
		"a permission removed":       {Event: removal, Detail: `{"requestParameters":{"queueUrl":"` + fifo + `","label":"x"}}`, Want: target("a_b-1.fifo", fifo)},
		"a null policy":              {Detail: strings.Replace(with(fifo), `"x"`, "null", 1), Want: target("a_b-1.fifo", fifo)},
		"another account's queue":    {Detail: with("https://sqs.eu-central-1.amazonaws.com/210987654321/jobs")},
		"no attributes":              {Detail: `{"requestParameters":{"queueUrl":"` + fifo + `"}}`},
		"failed":                     {Detail: `{"errorCode":"AccessDenied","requestParameters":null}`},
		"no URL":                     {Detail: `{"requestParameters":{"attributes":{"Policy":"x"}}}`, Err: "queueUrl is missing"},
		"an ARN":                     {Detail: with("arn:aws:sqs:eu-central-1:111122223333:jobs"), Err: "is no URL that a queue can have"},
		"a path that leads away":     {Detail: with("https://sqs.eu-central-1.amazonaws.com/111122223333/jobs/../x"), Err: "is no URL that a queue can have"},
		"a line break behind it":     {Detail: with(fifo + `\n`), Err: "is no URL that a queue can have"},
		"a query behind it":          {Detail: with(fifo + "?x"), Err: "is no URL that a queue can have"},
		"a name in another alphabet": {Detail: with("https://x/111122223333/jöbs"), Err: "is no URL that a queue can have"},
		"no region":                  {Event: nowhere, Err: `region "", and both are needed`},
		"a list":                     {Detail: `{"requestParameters":[]}`, Err: "decode CloudTrail record"},
		"truncated":                  {Detail: `{"requestParameters":{"queueUrl":"`, Err: "decode CloudTrail record"},
	})
}

func TestRef(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{
		"eu-central-1":  "arn:aws:sqs:eu-central-1:111122223333:jobs",
		"cn-north-1":    "arn:aws-cn:sqs:cn-north-1:111122223333:jobs",
		"us-gov-west-1": "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:jobs",
	} {
		got := Target{"jobs", "any", "111122223333", region}.Ref()
		if got != (remedy.Ref{Type: "AWS::SQS::Queue", ID: want, Account: "111122223333", Region: region}) {
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
		"allowed_queues[0] is empty": {AllowedQueues: []string{""}},
		"allowed.accounts[0]":        {Params: resourcepolicy.Params{Allowed: policydoc.Allowed{Accounts: []string{"1"}}}},
	} {
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate() = %v, want %q", err, want)
		}
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	policytest.Properties(t, rules, queue, Function.Params.(Params), kit)
}

func FuzzDecode(f *testing.F) {
	for _, file := range []string{"set-public-send.json", "create-with-policy.json", "add-permission.json", "set-denied.json"} {
		ev := sample(f, file)
		f.Add(ev.Name, []byte(ev.Detail))
	}
	f.Fuzz(func(t *testing.T, name string, detail []byte) {
		targets, err := decode(remedy.Event{Name: name, Account: "111122223333", Region: "eu-west-1", Detail: detail})
		if err != nil && len(targets) > 0 {
			t.Fatalf("targets %v come with the error %v", targets, err)
		}
		for _, target := range targets {
			if !strings.HasSuffix(target.URL, "/111122223333/"+target.Queue) || strings.ContainsAny(target.Queue, "/:%? \n") {
				t.Fatalf("target %+v", target)
			}
		}
	})
}

// BenchmarkDecodeAndCheck takes an event to its verdict.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "set-public-send.json")
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
