package lambdapermission

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
	orders := []Target{{Function: "acme-orders", Account: "111122223333", Region: "us-east-1"}}
	policytest.Samples(t, Function, rules.Decode, map[string][]Target{
		"add-public.json":           orders,
		"add-old.json":              orders,
		"add-service-to-alias.json": {{Function: "acme-orders", Qualifier: "live", Account: "111122223333", Region: "us-east-1"}},
		"add-backdoor.json":         {{Function: "stratus-red-team-backdoor-f-func", Account: "880896431042", Region: "ca-centralnorth-1r"}},
		"add-denied.json":           nil,
	})
}

// TestStatementsOfSamples judges the statements that Lambda answered with.
func TestStatementsOfSamples(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]policydoc.Fault{
		"add-backdoor.json":         policydoc.Public,
		"add-public.json":           policydoc.Public,
		"add-service-to-alias.json": policydoc.Unbound,
	} {
		var d struct {
			ResponseElements struct{ Statement string }
		}
		if err := json.Unmarshal(sample(t, file).Detail, &d); err != nil {
			t.Fatal(err)
		}
		g, err := grant(policytest.Parsed(t, `{"Statement":`+d.ResponseElements.Statement+`}`).Statements[0])
		if err != nil {
			t.Fatal(err)
		}
		if got, why := fault(web, Function.Params.(Params), g); got != want {
			t.Errorf("%s: %q (%s), want %q", file, got, why, want)
		}
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	if err := Function.Params.(Params).Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	for want, p := range map[string]Params{
		"allowed_functions[0] is empty": {AllowedFunctions: []string{""}},
		"allowed.accounts[0]":           {Params: resourcepolicy.Params{Allowed: policydoc.Allowed{Accounts: []string{"1"}}}},
	} {
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate() = %v, want %q", err, want)
		}
	}
}

func TestStateSurvivesJSON(t *testing.T) {
	t.Parallel()
	want := State{Grants: []Grant{bucket, org, urlPublic, urlInvoke, alexa}, Revision: "r", Tags: map[string]string{"k": "v"}}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got State
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzDecode(f *testing.F) {
	for _, file := range []string{"add-public.json", "add-service-to-alias.json", "add-denied.json"} {
		f.Add([]byte(sample(f, file).Detail))
	}
	f.Fuzz(func(t *testing.T, detail []byte) {
		targets, err := rules.Decode(remedy.Event{Name: "AddPermission20150331v2", Account: "111122223333", Region: "eu-west-1", Detail: detail})
		if err != nil && len(targets) > 0 {
			t.Fatalf("targets %v come with the error %v", targets, err)
		}
	})
}

// FuzzGrant reads statements at random. What is read makes the same statement again.
func FuzzGrant(f *testing.F) {
	for _, g := range []Grant{bucket, partner, org, edge, urlPublic, urlInvoke, urlSigned, alexa} {
		f.Add(statement(g))
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := policydoc.Parse(`{"Statement":` + text + `}`)
		if err != nil {
			return
		}
		for _, st := range d.Statements {
			g, err := grant(st)
			if err != nil {
				continue
			}
			again, err := grant(g.statement())
			if err != nil || again != g {
				t.Fatalf("%s is read as %+v, then %+v, %v", text, g, again, err)
			}
		}
	})
}

// BenchmarkDecodeAndCheck takes an event to its verdict.
func BenchmarkDecodeAndCheck(b *testing.B) {
	ev := sample(b, "add-public.json")
	var compact bytes.Buffer
	if err := json.Compact(&compact, ev.Detail); err != nil {
		b.Fatal(err)
	}
	ev.Detail = compact.Bytes()
	text := `{"Version":"2012-10-17","Id":"default","Statement":[` + statement(bucket) + "," + statement(public) + `]}`
	b.ReportAllocs()
	for b.Loop() {
		targets, err := rules.Decode(ev)
		if err != nil {
			b.Fatal(err)
		}
		policy, err := policydoc.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		var s State
		for _, st := range policy.Statements {
			g, err := grant(st)
			if err != nil {
				b.Fatal(err)
			}
			s.Grants = append(s.Grants, g)
		}
		if v := check(targets[0], s, Params{}); len(v) != 1 {
			b.Fatal(v)
		}
	}
}
