package policy_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

var exact = []cmp.Option{cmp.AllowUnexported(sgParams{}), cmpopts.EquateComparable(netip.Prefix{})}

func prefixes(ss ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range ss {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func TestDecide(t *testing.T) {
	t.Parallel()
	p := load(t, sample(t, "full.yaml"))

	params := sgDefaults()
	params.RiskyPorts = []int{22, 3389}
	params.Allowed = map[string][]netip.Prefix{"vpn": prefixes("203.0.113.0/24"), "office": prefixes("192.0.2.0/24")}
	base := remedy.Decision{
		Mode: remedy.Enforce, Params: params,
		Blast: remedy.Cap{Limit: 10, Window: 5 * time.Minute}, Fight: remedy.Cap{Limit: 5, Window: 90 * time.Minute},
		UndoHold: 4 * time.Hour,
	}
	sandbox := base
	sandbox.Scope, sandbox.Mode = "sandbox", remedy.Observe
	sandboxParams := params
	sandboxParams.Limits.Most = 7
	sandboxParams.Allowed = map[string][]netip.Prefix{
		"vpn": prefixes("203.0.113.0/24"), "office": prefixes("192.0.2.0/24"), "home": prefixes("198.51.100.7/32"),
	}
	sandbox.Params = sandboxParams
	production := base
	production.Scope, production.Blast, production.UndoHold = "production", remedy.Cap{Limit: 1, Window: 24 * time.Hour}, 90*time.Second
	others := remedy.Decision{
		Mode: remedy.Observe, Params: struct{}{},
		Blast: remedy.Cap{Limit: 10, Window: 5 * time.Minute}, Fight: remedy.Cap{Limit: 2, Window: 30 * time.Minute},
		UndoHold: 12 * time.Hour,
	}
	off := others
	off.Mode, off.Params = remedy.Off, nil

	const sg = "arn:aws:ec2:us-east-1:111122223333:security-group/sg-1"
	for _, tc := range []struct {
		name     string
		function string
		ref      remedy.Ref
		want     remedy.Decision
	}{
		{"no scope matches", "ec2-security-group", remedy.Ref{ID: sg, Account: "444455556666", Region: "us-east-1"}, base},
		{"first scope, first account pattern", "ec2-security-group", remedy.Ref{ID: sg, Account: "111122223333", Region: "us-east-1"}, sandbox},
		{"first scope, second account pattern", "ec2-security-group", remedy.Ref{ID: sg, Account: "222222223333", Region: "us-west-2"}, sandbox},
		{"one digit too few", "ec2-security-group", remedy.Ref{ID: sg, Account: "22222222333", Region: "us-west-2"}, base},
		{"another region", "ec2-security-group", remedy.Ref{ID: sg, Account: "111122223333", Region: "eu-west-1"}, base},
		{"another resource", "ec2-security-group", remedy.Ref{ID: "arn:aws:s3:::b", Account: "111122223333", Region: "us-east-1"}, base},
		{"second scope", "ec2-security-group", remedy.Ref{ID: "anything", Account: "333333333333"}, production},
		{"not in the file", "s3-bucket-policy", remedy.Ref{Account: "333333333333"}, others},
		{"without parameters", "iam-access-key", remedy.Ref{}, off},
		{"not known", "nonsense", remedy.Ref{}, remedy.Decision{Mode: remedy.Off}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, p.Decide(tc.function, tc.ref), exact...); diff != "" {
				t.Errorf("Decide (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecideFirstScopeWins(t *testing.T) {
	t.Parallel()
	p := load(t, `version: 1
functions:
  s3-bucket-policy:
    scopes:
      - {name: narrow, resources: ["*-public"], mode: "off"}
      - {name: wide, resources: ["arn:*"], mode: enforce}
`)
	for id, want := range map[string]string{"arn:x-public": "narrow", "arn:x": "wide", "x-public": "narrow", "x": ""} {
		if got := p.Decide("s3-bucket-policy", remedy.Ref{ID: id}).Scope; got != want {
			t.Errorf("%s: got scope %q, want %q", id, got, want)
		}
	}
}

func TestDefault(t *testing.T) {
	t.Parallel()
	want := remedy.Decision{
		Mode: remedy.Observe, Params: sgDefaults(),
		Blast: remedy.Cap{Limit: 20, Window: 10 * time.Minute}, Fight: remedy.Cap{Limit: 3, Window: time.Hour},
		UndoHold: 24 * time.Hour,
	}
	for name, p := range map[string]*policy.Policy{"no file": policy.Default(fakes()), "minimal file": load(t, sample(t, "minimal.yaml"))} {
		if diff := cmp.Diff(want, p.Decide("ec2-security-group", remedy.Ref{ID: "x", Account: "1"}), exact...); diff != "" {
			t.Errorf("%s: Decide (-want +got):\n%s", name, diff)
		}
		if x := p.Exempt(remedy.ExemptionQuery{Function: "ec2-security-group", Now: now}); x != nil {
			t.Errorf("%s: Exempt = %v, want none", name, x)
		}
	}
}

func TestTracedNoops(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]float64{
		"version: 1":                          policy.DefaultTracedNoops,
		"version: 1\ntracing: {}":             policy.DefaultTracedNoops,
		"version: 1\ntracing: {noops: 0}":     0,
		"version: 1\ntracing: {noops: 1}":     1,
		"version: 1\ntracing: {noops: 0.001}": 0.001,
	} {
		if got := load(t, src).TracedNoops(); got != want {
			t.Errorf("%q: TracedNoops = %v, want %v", src, got, want)
		}
	}
}

// Lists are replaced whole: nothing of the default's entries shows through.
func TestParamsReplaceLists(t *testing.T) {
	t.Parallel()
	functions := fakes()
	p, err := policy.Load([]byte(`version: 1
functions:
  ec2-security-group:
    params: {rules: [{title: mine}], risky_ports: [], ratio: 1, maybe: 3, level: 65535, strict: true, small: -128, name: "1"}
    scopes:
      - {name: s, accounts: ["1"], params: {risky_ports: [80], rules: [{port: 9}, {}], maybe: 4, ratio: 0.5}}
`), "policy.yaml", functions, now)
	if err != nil {
		t.Fatal(err)
	}
	three, four := 3, 4
	want := sgDefaults()
	want.Rules, want.RiskyPorts, want.Ratio, want.Maybe, want.Level = []sgRule{{Title: "mine"}}, []int{}, 1, &three, 65535
	want.Strict, want.Small, want.Name = true, -128, "1"
	if diff := cmp.Diff(any(want), p.Decide("ec2-security-group", remedy.Ref{}).Params, exact...); diff != "" {
		t.Errorf("function's params (-want +got):\n%s", diff)
	}
	want.Rules, want.RiskyPorts, want.Ratio, want.Maybe = []sgRule{{Port: 9}, {}}, []int{80}, 0.5, &four
	if diff := cmp.Diff(any(want), p.Decide("ec2-security-group", remedy.Ref{Account: "1"}).Params, exact...); diff != "" {
		t.Errorf("scope's params (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(any(sgDefaults()), functions[0].Params, exact...); diff != "" {
		t.Errorf("the defaults were changed (-want +got):\n%s", diff)
	}
}

func TestLoadJSON(t *testing.T) {
	t.Parallel()
	p := load(t, sample(t, "policy.json"))
	want := sgDefaults()
	want.RiskyPorts = []int{22}
	got := p.Decide("ec2-security-group", remedy.Ref{})
	if diff := cmp.Diff(any(want), got.Params, exact...); diff != "" || got.Mode != remedy.Enforce {
		t.Errorf("mode %s, params (-want +got):\n%s", got.Mode, diff)
	}
}

func TestLoadForAllowsOtherFunctions(t *testing.T) {
	t.Parallel()
	p, err := policy.LoadFor([]byte(sample(t, "full.yaml")), "policy.yaml", remedy.Function{Name: "s3-bucket-policy"}, now)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Decide("s3-bucket-policy", remedy.Ref{}).UndoHold; got != 12*time.Hour {
		t.Errorf("undo hold = %s, want the file's default, 12h", got)
	}
	if got := p.Decide("ec2-security-group", remedy.Ref{}); got != (remedy.Decision{Mode: remedy.Off}) {
		t.Errorf("another's function: %+v, want it off", got)
	}
	_, err = policy.LoadFor([]byte("version: 1\nfunctions: {other: {mod: off}}"), "policy.yaml", remedy.Function{Name: "mine"}, now)
	if want := `policy.yaml:2:21: unknown key "mod" in function other: did you mean "mode"?`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	p := load(t, sample(t, "full.yaml"))
	got, ok := p.Describe("ec2-security-group")
	if !ok {
		t.Fatal("not described")
	}
	ref := func(account string) remedy.Ref {
		return remedy.Ref{ID: "arn:aws:ec2:us-east-1:1:security-group/sg-1", Account: account, Region: "us-east-1"}
	}
	want := policy.Description{
		Function: "ec2-security-group",
		Decision: p.Decide("ec2-security-group", ref("9")),
		Scopes: []policy.ScopeDescription{
			{
				Accounts: []string{"1111*", "2222????????"}, Regions: []string{"us-*"},
				Resources: []string{"arn:aws:ec2:*:*:security-group/sg-*"},
				Decision:  p.Decide("ec2-security-group", ref("1111")),
			},
			{Accounts: []string{"333333333333"}, Decision: p.Decide("ec2-security-group", ref("333333333333"))},
		},
	}
	if diff := cmp.Diff(want, got, append(exact, cmpopts.IgnoreFields(policy.Description{}, "Exemptions"))...); diff != "" {
		t.Errorf("Describe (-want +got):\n%s", diff)
	}
	var ids []string
	for _, x := range got.Exemptions {
		ids = append(ids, x.ID)
	}
	if diff := cmp.Diff([]string{"legacy-bastion", "tagged", "break-glass"}, ids); diff != "" {
		t.Errorf("exemptions (-want +got):\n%s", diff)
	}
	if d, _ := p.Describe("iam-access-key"); len(d.Exemptions) != 2 {
		t.Errorf("iam-access-key has exemptions %v, want the two that name no function", d.Exemptions)
	}
	if _, ok := p.Describe("nonsense"); ok {
		t.Error("an unknown function is described")
	}
	if diff := cmp.Diff([]string{"ec2-security-group", "iam-access-key", "s3-bucket-policy"}, p.Functions()); diff != "" {
		t.Errorf("Functions (-want +got):\n%s", diff)
	}
}
