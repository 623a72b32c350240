// Package policytest is what the tests of functions share whose resource's setting
// is one policy document.
package policytest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
)

// Partner is the account of [Texts.Partner].
const Partner = "210987654321"

// Texts are statements of one service, laid out in different ways.
type Texts struct {
	TLSOnly, Partner, Org, Bound string // good ones
	Public, List, Widened        string // open to everybody; Widened has Org's Sid
	Unbound                      string // a service for anybody, with Bound's Sid
}

// Statements gives the statements for an action; members go into each, such as
// `"Resource":"*",`, or "" where the service has none.
func Statements(action, members, service string) Texts {
	r := strings.NewReplacer("ACTION", action, "MEMBERS", members, "SERVICE", service)
	return Texts{
		TLSOnly: r.Replace(`{"Sid":"TLSOnly","Effect":"Deny","Principal":"*",MEMBERS"Action":"ACTION","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`),
		Partner: r.Replace("{ \"Sid\" : \"Partner\",\n      \"Effect\": \"Allow\",  \"Principal\": { \"AWS\": \"arn:aws:iam::" + Partner + ":root\" },\n      MEMBERS\"Action\": [ \"ACTION\" ] }"),
		Org:     r.Replace(`{"Sid":"Org","Effect":"Allow","Principal":"*",MEMBERS"Action":"ACTION","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}}`),
		Bound:   r.Replace(`{"Sid":"Service","Effect":"Allow","Principal":{"Service":"SERVICE"},MEMBERS"Action":"ACTION","Condition":{"StringEquals":{"aws:SourceAccount":"` + Partner + `"}}}`),
		Public:  r.Replace(`{"Sid":"Public","Effect":"Allow","Principal":"*",MEMBERS"Action":"ACTION"}`),
		List:    r.Replace("{\"Effect\":\"Allow\",\n\t\"Principal\":{\"AWS\":[\"123456789012\",\"*\"]},MEMBERS\"Action\":[\"ACTION\"]}"),
		Widened: r.Replace(`{"Sid":"Org","Effect":"Allow","Principal":"*",MEMBERS"Action":"ACTION","Condition":{"StringLike":{"aws:PrincipalOrgID":"o-*"}}}`),
		Unbound: r.Replace(`{"Sid":"Service","Effect":"Allow","Principal":{"Service":"SERVICE"},MEMBERS"Action":"ACTION"}`),
	}
}

// Doc is a policy of these statements, one a line.
func Doc(t testing.TB, statements ...string) policydoc.Document {
	t.Helper()
	text := "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": ["
	for i, s := range statements {
		if i > 0 {
			text += ","
		}
		text += "\n    " + s
	}
	return Parsed(t, text+"\n  ]\n}")
}

// Parsed is the policy of a text; "" is none.
func Parsed(t testing.TB, text string) policydoc.Document {
	t.Helper()
	var d policydoc.Document
	if err := d.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return d
}

// Of is the state with these statements.
func Of(t testing.TB, statements ...string) resourcepolicy.State {
	t.Helper()
	return resourcepolicy.State{Policy: Doc(t, statements...)}
}

// Kit is how a function's cases differ from those of others.
type Kit[P any] struct {
	Texts       Texts
	Put, Remove string             // the calls, as records name them
	Empty       policydoc.Document // what stands when no statement is left
	Open        P                  // parameters under which the resource may be open
	Closed      P                  // parameters that list an account, which is not Partner
}

// Cases gives the cases that all functions have. Those of peers' mistakes say so.
func (k Kit[P]) Cases(t testing.TB) []remedytest.Case[resourcepolicy.State, P] {
	type State = resourcepolicy.State
	x := k.Texts
	of := func(statements ...string) State { return Of(t, statements...) }
	one := func(statement string) State {
		return State{Policy: Parsed(t, `{"Statement": `+statement+` , "Id":"one"}`)}
	}
	tagged := func(s State) State {
		s.Tags = map[string]string{"team": "billing", "stage": "prod"}
		return s
	}
	state := func(s State) *State { return &s }
	none := State{Policy: k.Empty}
	public, put, remove := string(policydoc.Public), []string{k.Put}, []string{k.Remove}
	return []remedytest.Case[State, P]{
		{Name: "nothing is said", Live: none},
		{Name: "fixed principals and narrowed ones", Live: tagged(of(x.TLSOnly, x.Partner, x.Org, x.Bound))},
		{Name: "a resource that may be open", Live: of(x.Public), Params: &k.Open},
		{
			// Prowler replaces the whole policy, or deletes it.
			Name: "only the public statement goes, not the policy replaced", Live: tagged(of(x.TLSOnly, x.Public, x.Partner, x.Org)),
			Rules: []string{public}, Want: tagged(of(x.TLSOnly, x.Partner, x.Org)), Calls: put,
		},
		{
			Name: "several public statements", Live: of(x.List, x.TLSOnly, x.Public),
			Rules: []string{public, public}, Want: of(x.TLSOnly), Calls: put,
		},
		{
			Name: "nothing but public statements", Live: tagged(of(x.Public, x.List)),
			Rules: []string{public, public}, Want: tagged(none), Calls: remove,
		},
		{
			Name: "a single statement, not in a list", Live: one(x.Public),
			Rules: []string{public}, Want: none, Calls: remove,
		},
		{
			Name: "an account that is not allowed", Params: &k.Closed, Live: of(x.TLSOnly, x.Partner),
			Rules: []string{string(policydoc.Foreign)}, Want: of(x.TLSOnly), Calls: put,
		},
		{
			Name: "added to the baseline", Baseline: state(of(x.TLSOnly, x.Partner)), Live: of(x.TLSOnly, x.Partner, x.Public, x.Org),
			Rules: []string{public}, Want: of(x.TLSOnly, x.Partner, x.Org), Calls: put,
		},
		{
			// ASR's issue 246 deletes what is good beside what is bad.
			Name: "the baseline overwritten comes back", Baseline: state(tagged(of(x.TLSOnly, x.Partner))), Live: tagged(of(x.Public)),
			Rules: []string{public}, Want: tagged(of(x.TLSOnly, x.Partner)), Calls: put,
		},
		{
			Name: "a statement of the baseline widened", Baseline: state(of(x.TLSOnly, x.Org)), Live: of(x.TLSOnly, x.Widened),
			Rules: []string{public}, Want: of(x.TLSOnly, x.Org), Calls: put,
		},
		{
			Name: "there was nothing before", Baseline: state(none), Live: of(x.Public),
			Rules: []string{public}, Want: none, Calls: remove,
		},
	}
}

// Unbound is the case of a service that acts for anybody, for functions whose
// parameters bind it by default.
func (k Kit[P]) Unbound(t testing.TB) remedytest.Case[resourcepolicy.State, P] {
	x := k.Texts
	return remedytest.Case[resourcepolicy.State, P]{
		Name: "a service for any customer", Live: Of(t, x.TLSOnly, x.Unbound, x.Org),
		Rules: []string{string(policydoc.Unbound)}, Want: Of(t, x.TLSOnly, x.Org), Calls: []string{k.Put},
	}
}

// Compact takes out what an emulator does not keep: white space, and whether there
// are no tags or an empty list of them.
func Compact(s resourcepolicy.State) resourcepolicy.State {
	if len(s.Tags) == 0 {
		s.Tags = nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(s.Policy.String())); err == nil {
		s.Policy, _ = policydoc.Parse(b.String()) // it was one before
	}
	return s
}

// Properties lets a rule meet policies at random: what it repairs is compliant, what
// is compliant stays, all it leaves stands in the live policy or in the baseline,
// and Diff leads from any state to any other.
func Properties[T remedy.Target, P any](t *testing.T, rule remedy.Rule[T, resourcepolicy.State, resourcepolicy.Change, P], target T, params P, k Kit[P]) {
	t.Helper()
	x := k.Texts
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) resourcepolicy.State {
			sts := rapid.SliceOfN(rapid.SampledFrom([]string{x.TLSOnly, x.Partner, x.Org, x.Bound, x.Public, x.List, x.Widened, x.Unbound}), 0, 5).Draw(t, label)
			if len(sts) == 0 {
				return resourcepolicy.State{Policy: k.Empty}
			}
			version := rapid.SampledFrom([]string{"", `"Version":"2012-10-17",`, `"Version":"2008-10-17",`}).Draw(t, label+" version")
			d, err := policydoc.Parse(`{` + version + ` "Statement": [ ` + strings.Join(sts, " ,\n ") + ` ] }`)
			if err != nil {
				t.Fatal(err)
			}
			return resourcepolicy.State{Policy: d}
		}
		live, other := draw("live"), draw("baseline")
		base := remedy.Baseline[resourcepolicy.State]{State: other, Known: rapid.Bool().Draw(t, "known")}
		got := rule.Repair(target, live, base, params)
		if left := rule.Check(target, got, params); len(left) > 0 {
			t.Fatalf("Check(Repair(s)) = %v", left)
		}
		if len(rule.Check(target, live, params)) == 0 && (!base.Known || live.Policy.Holds(other.Policy)) && !got.Policy.Equivalent(live.Policy) {
			t.Fatalf("a compliant policy %s became %s", live.Policy, got.Policy)
		}
		for _, part := range strings.Split(got.Policy.String(), " ,\n ") {
			if _, after, ok := strings.Cut(part, "[ {"); ok {
				part = "{" + after
			}
			part = strings.TrimSuffix(part, " ] }")
			if !strings.Contains(live.Policy.String()+other.Policy.String()+k.Empty.String(), part) {
				t.Fatalf("statement %q is in neither policy", part)
			}
		}
		for _, s := range []resourcepolicy.State{live, other, got} {
			if n := len(rule.Diff(target, s, s)); n != 0 {
				t.Fatalf("Diff(s, s) has %d changes", n)
			}
			image, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			var back resourcepolicy.State
			if err := json.Unmarshal(image, &back); err != nil || !back.Policy.Equal(s.Policy) {
				t.Fatalf("%s is read as %s, %v", image, back.Policy, err)
			}
		}
		model := live // of the API: what is put is what is there
		for _, c := range rule.Diff(target, live, other) {
			model.Policy = c.Policy
		}
		if !model.Policy.Equivalent(other.Policy) {
			t.Fatalf("Diff applied to %s gives %s, want %s", live.Policy, model.Policy, other.Policy)
		}
	})
}

// Parts gives the parts of the violations of a state, in order.
func Parts(violations []remedy.Violation) []string {
	var out []string
	for _, v := range violations {
		out = append(out, v.Part)
	}
	return slices.Clip(out)
}
