package lambdapermission

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy/policytest"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	defaults := Function.Params.(Params)
	lists := Params{Params: resourcepolicy.Params{Allowed: policydoc.Allowed{Accounts: []string{"123456789012"}, Organizations: []string{"o-zzzzzzzzzz"}}}}
	const s3 = "s3.amazonaws.com"
	for name, c := range map[string]struct {
		grant  Grant
		params Params
		want   policydoc.Fault
	}{
		"everybody":                            {public, defaults, policydoc.Public},
		"everybody in an organization":         {org, defaults, policydoc.Fine},
		"everybody in another organization":    {org, lists, policydoc.Foreign},
		"everybody by a source account":        {Grant{Principal: "*", SourceAccount: "111122223333"}, defaults, policydoc.Fine},
		"everybody through an open URL":        {urlPublic, defaults, policydoc.Public},
		"everybody through a URL, new form":    {urlInvoke, defaults, policydoc.Public},
		"everybody who signs":                  {Grant{Principal: "*", URLAuth: "AWS_IAM"}, defaults, policydoc.Public},
		"an account that signs":                {urlSigned, defaults, policydoc.Fine},
		"an account":                           {Grant{Principal: "210987654321"}, defaults, policydoc.Fine},
		"an account that is not listed":        {Grant{Principal: "210987654321"}, lists, policydoc.Foreign},
		"the own account":                      {Grant{Principal: web.Account}, lists, policydoc.Fine},
		"a role of a stranger":                 {Grant{Principal: "arn:aws:iam::210987654321:role/x"}, lists, policydoc.Foreign},
		"a service without a source":           {Grant{Principal: s3}, defaults, policydoc.Unbound},
		"a regional service":                   {Grant{Principal: "logs.eu-west-1.amazonaws.com"}, defaults, policydoc.Unbound},
		"a service with an account":            {Grant{Principal: s3, SourceAccount: "111122223333"}, defaults, policydoc.Fine},
		"a service with a bucket":              {Grant{Principal: s3, SourceARN: "arn:aws:s3:::x"}, defaults, policydoc.Fine},
		"a service with any bucket":            {Grant{Principal: s3, SourceARN: "arn:aws:s3:::*"}, defaults, policydoc.Unbound},
		"an API of no account":                 {Grant{Principal: "apigateway.amazonaws.com", SourceARN: "arn:aws:execute-api:ap-southeast-1::*"}, defaults, policydoc.Unbound},
		"any API of an account":                {Grant{Principal: "apigateway.amazonaws.com", SourceARN: "arn:aws:execute-api:ap-southeast-1:111122223333:*/*/*"}, defaults, policydoc.Fine},
		"a bucket in a stranger's account":     {Grant{Principal: s3, SourceAccount: "210987654321"}, lists, policydoc.Foreign},
		"a skill's token":                      {alexa, Params{Params: resourcepolicy.Params{Bound: []string{"*"}}}, policydoc.Fine},
		"a service that need not":              {edge, defaults, policydoc.Fine},
		"a service, nothing need be bound":     {Grant{Principal: s3}, Params{}, policydoc.Fine},
		"everybody, the function may be open":  {public, Params{AllowedFunctions: []string{"w*"}}, policydoc.Fine},
		"everybody, another one may be open":   {public, Params{AllowedFunctions: []string{"w"}}, policydoc.Public},
		"a token does not stand for everybody": {Grant{Principal: "*", Token: "t"}, defaults, policydoc.Fine},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.grant.ID, c.grant.Action = "g", invoke
			var want []remedy.Violation
			if c.want != policydoc.Fine {
				_, why := fault(web, c.params, c.grant)
				want = []remedy.Violation{{Rule: string(c.want), Part: "g", Message: "Permission g (lambda:InvokeFunction) on function web " + why + "."}}
			}
			if diff := cmp.Diff(want, check(web, State{Grants: []Grant{c.grant}}, c.params)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestGrantRefuses holds what AddPermission can't have made.
func TestGrantRefuses(t *testing.T) {
	t.Parallel()
	good := statement(bucket)
	for name, c := range map[string]struct{ from, to, want string }{
		"no Sid":                {`"Sid":"bucket",`, ``, "has no Sid"},
		"a denial":              {`Allow`, `Deny`, "is no Allow of one action"},
		"two actions":           {`"lambda:InvokeFunction"`, `["a","b"]`, "is no Allow of one action"},
		"all actions but one":   {`Action`, `NotAction`, "is no Allow of one action"},
		"two principals":        {`"s3.amazonaws.com"`, `["s3.amazonaws.com","x.amazonaws.com"]`, "for one principal"},
		"everybody but one":     {`Principal`, `NotPrincipal`, "is no Allow of one action"},
		"an identity provider":  {`"Service":"s3.amazonaws.com"`, `"Federated":"x.com"`, "Federated principal"},
		"a service as AWS":      {`"Service"`, `"AWS"`, `the AWS principal "s3.amazonaws.com"`},
		"an account as Service": {`s3.amazonaws.com`, `210987654321`, "the Service principal"},
		"another key":           {`AWS:SourceAccount`, `aws:PrincipalTag/x`, "condition on aws:principaltag/x"},
		"another operator":      {`StringEquals`, `StringNotEquals`, "condition on aws:sourceaccount"},
		"two values":            {`"111122223333"`, `["111122223333","1"]`, "condition on aws:sourceaccount"},
		"if it exists":          {`StringEquals`, `StringEqualsIfExists`, "condition on aws:sourceaccount"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(good, c.from, c.to, 1)
			if text == good {
				t.Fatal("nothing is replaced")
			}
			_, err := grant(policytest.Parsed(t, `{"Statement":`+text+`}`).Statements[0])
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("err = %v, want %q", err, c.want)
			}
		})
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	live := web
	live.Qualifier = "live"
	of := func(revision string, grants ...Grant) State { return State{Grants: grants, Revision: revision} }
	for name, c := range map[string]struct {
		target   Target
		from, to State
		want     []remedy.Call
	}{
		"the same under another revision": {web, of("1", bucket), of("2", bucket), nil},
		"tags are only read":              {web, State{}, State{Tags: map[string]string{"k": "v"}}, nil},
		"a removal under the revision":    {live, of("7", bucket, public), of("", bucket), []remedy.Call{{API: removeCall, Params: removal{"web", "live", "public", "7"}}}},
		"the second one's is not known": {web, of("7", public, topics), State{}, []remedy.Call{
			{API: removeCall, Params: removal{"web", "", "public", "7"}}, {API: removeCall, Params: removal{"web", "", "topics", ""}},
		}},
		"an addition": {live, State{}, of("", bucket), []remedy.Call{{API: addCall, Params: addition{"web", "live", bucket}}}},
		"an id for another": {web, of("7", reused), of("", bucket), []remedy.Call{
			{API: removeCall, Params: removal{"web", "", "bucket", "7"}}, {API: addCall, Params: addition{"web", "", bucket}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []remedy.Call
			for _, ch := range diff(c.target, c.from, c.to) {
				got = append(got, ch.Call())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	pool := []Grant{bucket, partner, org, edge, public, topics, reused, anywhere, urlPublic, urlInvoke, urlSigned, alexa}
	params := Function.Params.(Params)
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) State {
			grants := rapid.SliceOfNDistinct(rapid.SampledFrom(pool), 0, 6, func(g Grant) string { return g.ID }).Draw(t, label)
			slices.SortFunc(grants, func(a, b Grant) int { return strings.Compare(a.ID, b.ID) })
			return State{Grants: grants, Revision: label}
		}
		live, other := draw("live"), draw("baseline")
		base := remedy.Baseline[State]{State: other, Known: rapid.Bool().Draw(t, "known")}
		got := repair(web, live, base, params)
		if left := check(web, got, params); len(left) > 0 {
			t.Fatalf("Check(Repair(s)) = %v", left)
		}
		for _, g := range live.Grants {
			if f, _ := fault(web, params, g); f == policydoc.Fine && !slices.Contains(got.Grants, g) {
				t.Fatalf("the good permission %+v went", g)
			}
		}
		for _, g := range got.Grants {
			if !slices.Contains(live.Grants, g) {
				t.Fatalf("%+v came, which was not there", g)
			}
		}
		for _, to := range []State{other, got} {
			model := slices.Clone(live.Grants) // of the API: an id is there once
			for _, c := range diff(web, live, to) {
				at := slices.IndexFunc(model, func(g Grant) bool { return g.ID == c.Grant.ID })
				if c.Remove == (at < 0) {
					t.Fatalf("change %+v of %+v", c, model)
				}
				if c.Remove {
					model = slices.Delete(model, at, at+1)
				} else {
					model = append(model, c.Grant)
				}
			}
			slices.SortFunc(model, func(a, b Grant) int { return strings.Compare(a.ID, b.ID) })
			if diff := cmp.Diff(to.Grants, model, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("Diff leads elsewhere (-want +got):\n%s", diff)
			}
		}
	})
}
