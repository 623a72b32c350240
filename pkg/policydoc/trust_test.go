package policydoc

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// ours is the circle of the tests: an account and an organization.
var ours = Circle{Accounts: []string{"111122223333", "444455556666"}, Orgs: []string{"o-a1b2c3d4e5"}}

func trusting(principal, condition string) string {
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"` + condition + `}`
}

func TestOutsiders(t *testing.T) {
	t.Parallel()
	const none, any = "", `{"AWS":"*"}`
	github := func(condition string) string {
		return trusting(`{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}`, condition)
	}
	sub := func(operator, value string) string {
		return `{"` + operator + `":{"token.actions.githubusercontent.com:sub":` + value + `},"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}}`
	}
	for name, c := range map[string]struct{ statement, want string }{
		"a service":                                  {trusting(`{"Service":"ec2.amazonaws.com"}`, ""), none},
		"the own account":                            {trusting(`{"AWS":"111122223333"}`, ""), none},
		"the own account's root":                     {trusting(`{"AWS":"arn:aws:iam::111122223333:root"}`, ""), none},
		"a role of an allowed account":               {trusting(`{"AWS":"arn:aws-cn:iam::444455556666:role/x"}`, ""), none},
		"a session of the own account":               {trusting(`{"AWS":"arn:aws:sts::111122223333:assumed-role/x/y"}`, ""), none},
		"who was deleted":                            {trusting(`{"AWS":"AROAJQABLZS4A3QDU576Q"}`, ""), none},
		"a foreign account":                          {trusting(`{"AWS":"arn:aws:iam::193672423079:root"}`, ""), "foreign-account trusts arn:aws:iam::193672423079:root, whose account is not an allowed one"},
		"a foreign account's id":                     {trusting(`{"AWS":"193672423079"}`, ""), "foreign-account trusts 193672423079"},
		"a foreign user":                             {trusting(`{"AWS":"arn:aws:iam::193672423079:user/x"}`, ""), "foreign-account trusts"},
		"an external id makes nobody ours":           {trusting(`{"AWS":"193672423079"}`, `{"StringEquals":{"sts:ExternalId":"secret"}}`), "foreign-account trusts"},
		"an address makes nobody ours":               {trusting(`{"AWS":"193672423079"}`, `{"IpAddress":{"aws:SourceIp":"192.0.2.1"}}`), "foreign-account trusts"},
		"MFA makes nobody ours":                      {trusting(any, `{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`), "everyone trusts everyone"},
		"everyone":                                   {trusting(`"*"`, ""), `everyone trusts everyone (AWS principal "*")`},
		"any account's root":                         {trusting(`{"AWS":"arn:aws:iam::*:root"}`, ""), "everyone trusts everyone"},
		"everyone of our organization":               {trusting(any, `{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}`), none},
		"a foreign account in our organization":      {trusting(`{"AWS":"193672423079"}`, `{"StringEquals":{"aws:PrincipalOrgID":["o-a1b2c3d4e5"]}}`), none},
		"everyone of another organization":           {trusting(any, `{"StringEquals":{"aws:PrincipalOrgID":"o-zzzzzzzzzz"}}`), "everyone trusts everyone"},
		"one of two organizations":                   {trusting(any, `{"StringEquals":{"aws:PrincipalOrgID":["o-a1b2c3d4e5","o-zzzzzzzzzz"]}}`), "everyone trusts everyone"},
		"any organization":                           {trusting(any, `{"StringLike":{"aws:PrincipalOrgID":"o-*"}}`), "everyone trusts everyone"},
		"not another organization":                   {trusting(any, `{"StringNotEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}`), "everyone trusts everyone"},
		"our organization, if there is one":          {trusting(any, `{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}`), "everyone trusts everyone"},
		"our organization, and there is one":         {trusting(any, `{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"},"Null":{"aws:PrincipalOrgID":"false"}}`), none},
		"a unit of our organization":                 {trusting(any, `{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-a1b2c3d4e5/r-ab12/*"}}`), none},
		"all values of no path":                      {trusting(any, `{"ForAllValues:StringLike":{"aws:PrincipalOrgPaths":"o-a1b2c3d4e5/*"}}`), "everyone trusts everyone"},
		"everyone of our account":                    {trusting(any, `{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}`), none},
		"everyone of another account":                {trusting(any, `{"StringEquals":{"aws:PrincipalAccount":"193672423079"}}`), "everyone trusts everyone"},
		"roles of our account":                       {trusting(any, `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/x-*"}}`), none},
		"roles of any account":                       {trusting(any, `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/x"}}`), "everyone trusts everyone"},
		"all but one":                                {`{"Effect":"Allow","NotPrincipal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}`, "everyone trusts everyone but 111122223333"},
		"everyone denied":                            {`{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}`, none},
		"any service":                                {trusting(`{"Service":"*"}`, ""), "everyone trusts everyone"},
		"a canonical user":                           {trusting(`{"CanonicalUser":"79a5"}`, ""), "everyone trusts everyone"},
		"our SAML provider":                          {trusting(`{"Federated":"arn:aws:iam::111122223333:saml-provider/okta"}`, ""), none},
		"a foreign SAML provider":                    {trusting(`{"Federated":"arn:aws:iam::193672423079:saml-provider/okta"}`, ""), "foreign-account trusts the identity provider"},
		"a foreign provider, our organization":       {trusting(`{"Federated":"arn:aws:iam::193672423079:saml-provider/okta"}`, `{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}`), "foreign-account trusts"},
		"our cluster's provider":                     {trusting(`{"Federated":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"}`, ""), none},
		"GitHub without a condition":                 {github(""), "open-identity-provider trusts whoever gets a token of token.actions.githubusercontent.com: no condition on token.actions.githubusercontent.com:sub"},
		"GitHub with the audience alone":             {github(`{"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}}`), "open-identity-provider"},
		"a repository":                               {github(sub("StringLike", `"repo:acme/site:*"`)), none},
		"a branch":                                   {github(sub("stringequalsignorecase", `["repo:acme/site:ref:refs/heads/main"]`)), none},
		"all of an owner":                            {github(sub("StringLike", `"repo:acme/*"`)), none},
		"all owners that begin so":                   {github(sub("StringLike", `"repo:acme*"`)), "open-identity-provider"},
		"every repository":                           {github(sub("StringLike", `"repo:*"`)), "open-identity-provider"},
		"any owner's repository of a name":           {github(sub("StringLike", `"repo:*/site:ref:refs/heads/main"`)), "open-identity-provider"},
		"one of two subjects is open":                {github(sub("StringLike", `["repo:acme/site:*","*"]`)), "open-identity-provider"},
		"a variable for the owner":                   {github(sub("StringLike", `"repo:${aws:x}/site"`)), "open-identity-provider"},
		"all values of no subject":                   {github(sub("ForAllValues:StringLike", `"repo:acme/site:*"`)), "open-identity-provider"},
		"not another repository":                     {github(sub("StringNotLike", `"repo:evil/*"`)), "open-identity-provider"},
		"GitHub's enterprise issuer":                 {trusting(`{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com/acme"}`, ""), none},
		"GitLab without a condition":                 {trusting(`{"Federated":"arn:aws:iam::111122223333:oidc-provider/gitlab.com"}`, ""), "open-identity-provider"},
		"GitLab's project":                           {trusting(`{"Federated":"arn:aws:iam::111122223333:oidc-provider/gitlab.com"}`, `{"StringLike":{"gitlab.com:sub":"project_path:acme/*"}}`), none},
		"Terraform's organization":                   {trusting(`{"Federated":"arn:aws:iam::111122223333:oidc-provider/app.terraform.io"}`, `{"StringLike":{"app.terraform.io:sub":"organization:acme:project:*"}}`), none},
		"a Cognito pool":                             {trusting(`{"Federated":"cognito-identity.amazonaws.com"}`, `{"StringEquals":{"cognito-identity.amazonaws.com:aud":"us-east-1:1234"}}`), none},
		"any Cognito pool":                           {trusting(`{"Federated":"cognito-identity.amazonaws.com"}`, `{"ForAnyValue:StringLike":{"cognito-identity.amazonaws.com:amr":"authenticated"}}`), "open-identity-provider"},
		"any provider":                               {trusting(`{"Federated":"*"}`, ""), "everyone trusts everyone"},
		"a provider of the account, whoever that is": {trusting(`{"Federated":"arn:aws:iam::*:oidc-provider/x"}`, ""), "foreign-account trusts"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := parsed(t, `{"Statement":[`+c.statement+`]}`).Statements[0].Outsiders(ours)
			if c.want == none {
				if len(got) > 0 {
					t.Errorf("Outsiders = %v, want none", got)
				}
				return
			}
			if len(got) != 1 || !strings.HasPrefix(got[0].What+" "+got[0].Why, c.want) {
				t.Errorf("Outsiders = %+v, want %s", got, c.want)
			}
		})
	}
}

func TestOutsidersByIndex(t *testing.T) {
	t.Parallel()
	s := parsed(t, `{"Statement":`+trusting(`{"AWS":["111122223333","*","193672423079"],"Service":"ec2.amazonaws.com","Federated":"gitlab.com"}`, "")+`}`).Statements[0]
	var got []int
	for _, o := range s.Outsiders(ours) {
		got = append(got, o.Index)
	}
	if diff := cmp.Diff([]int{1, 2, 4}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWithoutPrincipals(t *testing.T) {
	t.Parallel()
	foreign := func(p Principal) bool { return p.Value == "foreign" || p.Value == "*" }
	for name, c := range map[string]struct{ text, want string }{
		"nobody":                    {`{"Statement": [ ` + trusting(`{"AWS": "own"}`, "") + ` ]}`, `{"Statement": [ ` + trusting(`{"AWS": "own"}`, "") + ` ]}`},
		"one of a list":             {"{\"Statement\" : [ {\"Effect\":\"Allow\", \"Principal\" :\t{ \"AWS\" : [ \"own\",\n\"foreign\" ] } , \"Action\":\"a\"} ]}\n", "{\"Statement\" : [ {\"Effect\":\"Allow\", \"Principal\" :\t{\"AWS\":\"own\"} , \"Action\":\"a\"} ]}\n"},
		"one of three":              {`{"Statement":` + trusting(`{"AWS":["own","foreign","other"]}`, "") + `}`, `{"Statement":` + trusting(`{"AWS":["own","other"]}`, "") + `}`},
		"a kind beside another":     {`{"Statement":` + trusting(`{"AWS":"foreign","Service":["ec2"]}`, "") + `}`, `{"Statement":` + trusting(`{"Service":"ec2"}`, "") + `}`},
		"a statement with nobody":   {`{"Statement":[` + trusting(`{"AWS":["foreign"]}`, "") + `, ` + trusting(`{"Service":"ec2"}`, "") + `]}`, `{"Statement":[` + trusting(`{"Service":"ec2"}`, "") + `]}`},
		"the last one":              {`{"Statement":[` + trusting(`"*"`, "") + `]}`, ""},
		"the last one, an object":   {`{"Statement":` + trusting(`{"AWS":"*"}`, "") + `}`, ""},
		"two statements are mended": {`{"Statement":[` + trusting(`{"AWS":["foreign","own"]}`, "") + `,` + trusting(`{"AWS":["own","foreign"]}`, "") + `]}`, `{"Statement":[` + trusting(`{"AWS":"own"}`, "") + `,` + trusting(`{"AWS":"own"}`, "") + `]}`},
		"all but":                   {`{"Statement":[{"Effect":"Allow","NotPrincipal":{"AWS":["own","foreign"]},"Action":"a"},` + trusting(`{"AWS":"own"}`, "") + `]}`, `{"Statement":[` + trusting(`{"AWS":"own"}`, "") + `]}`},
		"a member named like it":    {`{"Statement":{"Condition":{"StringEquals":{"Principal":"x"}},"Principal":{"AWS":["foreign","own"]},"Effect":"Allow","Action":"a"}}`, `{"Statement":{"Condition":{"StringEquals":{"Principal":"x"}},"Principal":{"AWS":"own"},"Effect":"Allow","Action":"a"}}`},
		"an escaped name of it":     {`{"Statement":{"\u0050rincipal":{"AWS":["foreign","own"]},"Effect":"Allow","Action":"a"}}`, `{"Statement":{"\u0050rincipal":{"AWS":"own"},"Effect":"Allow","Action":"a"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := parsed(t, c.text)
			got := d.WithoutPrincipals(func(i, j int) bool { return foreign(d.Statements[i].Principals[j]) })
			if diff := cmp.Diff(parsed(t, c.want), got, whole); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestWithoutPrincipalsProperties drops principals at random.
func TestWithoutPrincipalsProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var sts []string
		for range rapid.IntRange(1, 4).Draw(t, "statements") {
			values := rapid.SliceOfN(rapid.SampledFrom([]string{`"a"`, `"b<"`, `"c"`}), 1, 3).Draw(t, "values")
			sts = append(sts, trusting(`{ "AWS": [`+strings.Join(values, " , ")+`], "Service":"s" }`, ""))
		}
		d, err := Parse(`{"Statement":[ ` + strings.Join(sts, " ,\n") + ` ]}`)
		if err != nil {
			t.Fatal(err)
		}
		bad := rapid.SampledFrom([]string{"a", "b<", "c", "s", "none"}).Draw(t, "bad")
		got := d.WithoutPrincipals(func(i, j int) bool { return d.Statements[i].Principals[j].Value == bad })
		var want, have []Principal
		for _, s := range d.Statements {
			for _, p := range s.Principals {
				if p.Value != bad {
					want = append(want, p)
				}
			}
		}
		for _, s := range got.Statements {
			have = append(have, s.Principals...)
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Fatalf("principals (-want +got):\n%s", diff)
		}
		if bad == "none" && got.String() != d.String() {
			t.Fatal("a policy that loses nobody is written anew")
		}
	})
}

func FuzzTrust(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[` + trusting(`{"AWS":["1","*"],"Federated":"gitlab.com"}`, `{"StringLike":{"gitlab.com:sub":"a:b/*"}}`) + `,` + trusting(`"*"`, "") + `]}`)
	f.Add(`{"Statement":{"Effect":"Allow","NotPrincipal":{"AWS":["1","2"]},"NotAction":"a"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse(text)
		if err != nil {
			return
		}
		out := func(i, j int) bool {
			for _, o := range d.Statements[i].Outsiders(ours) {
				if o.Index == j {
					return true
				}
			}
			return false
		}
		rest := d.WithoutPrincipals(out)
		for _, s := range rest.Statements {
			if left := s.Outsiders(ours); len(left) > 0 {
				t.Fatalf("%q becomes %q, which trusts %v", text, rest, left)
			}
		}
		if !rest.IsZero() {
			if _, err := Parse(rest.String()); err != nil {
				t.Fatalf("%q becomes %q: %v", text, rest, err)
			}
		}
	})
}
