package resourcepolicy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy/policytest"
)

type target struct{ name string }

func (t target) Ref() remedy.Ref { return remedy.Ref{Type: "Test", ID: t.name} }

type params struct {
	Names resourcepolicy.Names
	resourcepolicy.Params
}

var texts = policytest.Statements("sqs:SendMessage", `"Resource":"*",`, "s3.amazonaws.com")

// ruleWith is a rule for resources whose policy is never less than empty.
func ruleWith(empty policydoc.Document) remedy.Rule[target, resourcepolicy.State, resourcepolicy.Change, params] {
	return resourcepolicy.Rule(
		func(remedy.Event) ([]target, error) { return nil, nil },
		func(t target, p params) resourcepolicy.Judge {
			j := p.Judge("111122223333", p.Names.Has(t.name))
			j.Empty = empty
			return j
		},
		func(t target, d policydoc.Document) remedy.Call {
			return remedy.Call{API: "test:Put", Params: t.name + d.String()}
		},
	)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const everyone = ` of the policy of queue allows everyone (AWS principal "*") without a condition.`
	p := params{Params: resourcepolicy.Params{Bound: []string{"s3.*"}, Allowed: policydoc.Allowed{Accounts: []string{"123456789012"}}}}
	for name, c := range map[string]struct {
		policy []string
		params params
		want   []remedy.Violation
	}{
		"nothing at fault": {policy: []string{texts.TLSOnly, texts.Org, texts.Bound}},
		"in the order of the policy": {policy: []string{texts.List, texts.Partner, texts.Public}, want: []remedy.Violation{
			{Rule: "public-statement", Part: "#1", Message: "Statement #1 (sqs:SendMessage)" + everyone},
			{Rule: "public-statement", Part: "Public", Message: "Statement Public (sqs:SendMessage)" + everyone},
		}},
		"all actions but some": {policy: []string{strings.Replace(texts.Public, "Action", "NotAction", 1)}, want: []remedy.Violation{
			{Rule: "public-statement", Part: "Public", Message: "Statement Public (all actions but sqs:SendMessage)" + everyone},
		}},
		"under a company's lists": {policy: []string{texts.Partner, texts.Unbound}, params: p, want: []remedy.Violation{
			{Rule: "foreign-statement", Part: "Partner", Message: "Statement Partner (sqs:SendMessage) of the policy of queue lets in account 210987654321 (AWS principal), which is not an allowed one."},
			{Rule: "unbound-service", Part: "Service", Message: "Statement Service (sqs:SendMessage) of the policy of queue lets in service s3.amazonaws.com for any AWS customer: no condition says for which resource or account (aws:SourceArn, aws:SourceAccount)."},
		}},
		"open": {policy: []string{texts.Public}, params: params{Names: []string{"x", "qu*"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ruleWith(policydoc.Document{}).Check(target{"queue"}, policytest.Of(t, c.policy...), c.params)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRepair(t *testing.T) {
	t.Parallel()
	of := func(statements ...string) string { return policytest.Doc(t, statements...).String() }
	const unknown = "unknown"
	x, empty := texts, policytest.Doc(t, texts.Bound)
	for name, c := range map[string]struct {
		live, base string // "" is no policy
		empty      policydoc.Document
		params     params
		want       string
	}{
		"good statements keep their bytes":           {of(x.TLSOnly, x.Public, x.Partner), unknown, policydoc.Document{}, params{}, of(x.TLSOnly, x.Partner)},
		"nothing left is no policy":                  {of(x.Public), unknown, policydoc.Document{}, params{}, ""},
		"nothing left is the default":                {of(x.Public), unknown, empty, params{}, empty.String()},
		"nothing left, and nothing before":           {of(x.Public), "", empty, params{}, empty.String()},
		"nothing left, and the baseline comes back":  {of(x.Public), of(x.Org), empty, params{}, of(x.Org)},
		"nothing is at fault":                        {of(x.TLSOnly), of(x.TLSOnly), empty, params{}, of(x.TLSOnly)},
		"open":                                       {of(x.Public), of(x.TLSOnly), empty, params{Names: []string{"queue"}}, of(x.Public)},
		"baseline is whole, another came beside":     {of(x.TLSOnly, x.Public, x.Org), of(x.TLSOnly), empty, params{}, of(x.TLSOnly, x.Org)},
		"baseline lost its deny":                     {of(x.Public), of(x.TLSOnly), empty, params{}, of(x.TLSOnly)},
		"baseline was public while that was allowed": {of(x.Partner, x.Public), of(x.TLSOnly, x.Public), empty, params{}, of(x.TLSOnly)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live := resourcepolicy.State{Policy: policytest.Parsed(t, c.live), Tags: map[string]string{"k": "v"}}
			var base remedy.Baseline[resourcepolicy.State]
			if c.base != unknown {
				base.Known, base.State.Policy = true, policytest.Parsed(t, c.base)
			}
			got := ruleWith(c.empty).Repair(target{"queue"}, live, base, c.params)
			if diff := cmp.Diff(c.want, got.Policy.String()); diff != "" {
				t.Errorf("policy (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(live.Tags, got.Tags); diff != "" {
				t.Errorf("tags (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	rule := ruleWith(policydoc.Document{})
	a, b := policytest.Of(t, texts.Partner), policytest.Of(t, texts.Org)
	if got := rule.Diff(target{"q"}, a, policytest.Compact(a)); got != nil {
		t.Errorf("laid out anew: %v", got)
	}
	if got := rule.Diff(target{"q"}, a, resourcepolicy.State{Policy: a.Policy, Tags: map[string]string{"k": "v"}}); got != nil {
		t.Errorf("tags are only read: %v", got)
	}
	for _, to := range []resourcepolicy.State{b, {}} {
		got := rule.Diff(target{"q"}, a, to)
		if len(got) != 1 || !got[0].Policy.Equal(to.Policy) || got[0].Call().Params != "q"+to.Policy.String() {
			t.Errorf("to %q: %v", to.Policy, got)
		}
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	p := params{Params: resourcepolicy.Params{Bound: []string{"s3.*"}, Allowed: policydoc.Allowed{Organizations: []string{"o-a1b2c3d4e5"}}}}
	for _, empty := range []policydoc.Document{{}, policytest.Doc(t, texts.Bound)} {
		policytest.Properties(t, ruleWith(empty), target{"q"}, p, policytest.Kit[params]{Texts: texts, Empty: empty})
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]params{
		"":                                       {Names: []string{"www.example.com", "site-*", "[a-c]?"}, Params: resourcepolicy.Params{Bound: []string{"*"}}},
		"names[1] is":                            {Names: []string{"a", ""}},
		"names[0]: patt":                         {Names: []string{"[a"}},
		`allowed.vpcs[0]: "x" is not a VPC's id`: {Params: resourcepolicy.Params{Allowed: policydoc.Allowed{VPCs: []string{"x"}}}},
		`bound_services[0]: "" is not a pattern`: {Params: resourcepolicy.Params{Bound: []string{""}}},
	} {
		err := p.Names.Validate("names")
		if err == nil {
			err = p.Validate()
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("Validate() = %v, want %q", err, want)
		}
	}
}
