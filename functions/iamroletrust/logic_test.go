package iamroletrust

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/cloudtrail/iamevent"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Statements that the tests put into policies, laid out in different ways.
const (
	ec2      = "{ \"Sid\" : \"EC2\",\n  \"Effect\":\"Allow\", \"Principal\":{ \"Service\" : [\"ec2.amazonaws.com\"]},\"Action\" : \"sts:AssumeRole\" }"
	own      = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}`
	org      = `{"Sid":"Org","Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}}`
	vendor   = `{"Sid":"Vendor","Effect":"Allow","Principal":{"AWS":"193672423079"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}}`
	everyone = `{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}`
	mixed    = `{"Sid":"Mixed", "Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:root", "arn:aws:iam::193672423079:role/x"],"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole" }`
	mended   = `{"Sid":"Mixed", "Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root","Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole" }`
	deleted  = `{"Effect":"Allow","Principal":{"AWS":"AIDAJQABLZS4A3QDU576Q"},"Action":"sts:AssumeRole"}`
	github   = `{"Sid":"GitHub","Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}}}`
	site     = `{"Sid":"GitHub","Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"},"StringLike":{"token.actions.githubusercontent.com:sub":"repo:acme/site:*"}}}`
)

// text is a policy of these statements, one a line.
func text(statements ...string) string {
	return "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    " + strings.Join(statements, ",\n    ") + "\n  ]\n}"
}

func doc(t testing.TB, text string) policydoc.Document {
	t.Helper()
	d, err := policydoc.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// ours allows the tests' organization.
var ours = Params{AllowedOrgs: []string{"o-a1b2c3d4e5"}}

func TestCheck(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:iam::111122223333:role/ops"
	foreign := []string{"foreign-account 193672423079"}
	for name, c := range map[string]struct {
		statements []string
		arn        string
		own        bool
		params     Params
		want       []string // rules and parts
	}{
		"services and the own account":      {statements: []string{ec2, own}, arn: arn},
		"a vendor with an external id":      {statements: []string{ec2, vendor}, arn: arn, want: foreign},
		"an allowed account":                {statements: []string{vendor}, arn: arn, params: Params{AllowedAccounts: []string{"193672423079"}}},
		"an allowed organization":           {statements: []string{org}, arn: arn, params: ours},
		"an organization that is not":       {statements: []string{org}, arn: arn, want: []string{"everyone *"}},
		"everyone":                          {statements: []string{own, everyone}, arn: arn, want: []string{"everyone *"}},
		"one of several":                    {statements: []string{mixed}, arn: arn, want: []string{"foreign-account arn:aws:iam::193672423079:role/x"}},
		"any repository on GitHub":          {statements: []string{github}, arn: arn, want: []string{"open-identity-provider arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}},
		"one repository on GitHub":          {statements: []string{site}, arn: arn},
		"who was deleted":                   {statements: []string{deleted}, arn: arn},
		"an allowed role":                   {statements: []string{everyone}, arn: arn, params: Params{AllowedRoles: iamevent.Patterns{"role/op?"}}},
		"another is allowed":                {statements: []string{vendor}, arn: arn, params: Params{AllowedRoles: iamevent.Patterns{"role/op"}}, want: foreign},
		"a role linked to a service":        {statements: []string{vendor}, arn: "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"},
		"Ebb's own role trusts its account": {statements: []string{vendor}, arn: arn, own: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, v := range check(role("ops"), State{Trust: doc(t, text(c.statements...)), ARN: c.arn, Own: c.own}, c.params) {
				if !strings.HasPrefix(v.Message, "Statement ") || !strings.Contains(v.Message, " of the trust policy of role ops trusts ") {
					t.Errorf("message %q", v.Message)
				}
				got = append(got, v.Rule+" "+v.Part)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRepair(t *testing.T) {
	t.Parallel()
	const unknown = "unknown"
	for name, c := range map[string]struct{ live, base, want string }{
		"only the stranger's statement goes":              {text(ec2, vendor, own), unknown, text(ec2, own)},
		"only the stranger goes from a statement":         {text(ec2, mixed), unknown, text(ec2, mended)},
		"nobody is left":                                  {text(everyone), unknown, nobody},
		"nobody is left in a policy that is no list":      {`{"Statement":` + vendor + `}`, unknown, nobody},
		"the baseline, byte for byte":                     {text(everyone), text(ec2, own), text(ec2, own)},
		"the baseline lost a condition":                   {text(ec2, github), text(ec2, site), text(ec2, site)},
		"a stranger was added to a statement of it":       {text(mixed), text(mended), text(mended)},
		"a statement came beside the baseline":            {text(ec2, vendor, own), text(ec2), text(ec2, own)},
		"the baseline trusted whom it must not any more":  {text(own, everyone), text(ec2, vendor), text(ec2)},
		"who was deleted goes along, or IAM would refuse": {text(ec2, deleted, vendor), unknown, text(ec2)},
		"who was deleted does not come back":              {text(everyone), text(deleted, ec2), text(ec2)},
		"who was deleted is no reason to change anything": {text(ec2, deleted), text(ec2), text(ec2, deleted)},
		"the baseline trusts nobody that is left":         {text(everyone), text(deleted), nobody},
		"the organization stays":                          {text(org, everyone), unknown, text(org)},
		"nobody, and then a stranger beside":              {`{"Version":"2012-10-17","Statement":[{"Sid":"Nobody","Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"},` + vendor + `]}`, nobody, nobody},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live := State{Trust: doc(t, c.live), ARN: "arn:aws:iam::111122223333:role/ops", Tags: map[string]string{"k": "v"}}
			base := remedy.Baseline[State]{Known: c.base != unknown}
			if base.Known {
				base.State.Trust = doc(t, c.base)
			}
			got := repair(role("ops"), live, base, ours)
			if got.Trust.String() != c.want {
				t.Errorf("policy = %s, want %s", got.Trust, c.want)
			}
			got.Trust = live.Trust
			if diff := cmp.Diff(live, got); diff != "" {
				t.Errorf("what is only read changed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCall(t *testing.T) {
	t.Parallel()
	changes := diff(role("ops"), State{Trust: doc(t, text(everyone))}, State{Trust: doc(t, `{"Statement":[]}`)})
	if len(changes) != 1 {
		t.Fatalf("%d changes, want 1", len(changes))
	}
	got, err := json.Marshal(changes[0].Call())
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"api":"iam:UpdateAssumeRolePolicy","params":{"PolicyDocument":"{\"Statement\":[]}","RoleName":"ops"}}`; string(got) != want {
		t.Errorf("call = %s, want %s", got, want)
	}
	if got := diff(role("ops"), State{Trust: doc(t, text(ec2))}, State{Trust: doc(t, `{"Statement":`+ec2+`,"Version":"2012-10-17"}`)}); len(got) > 0 {
		t.Errorf("the same policy laid out anew leads to %v", got)
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) State {
			sts := rapid.SliceOfN(rapid.SampledFrom([]string{ec2, own, org, vendor, everyone, mixed, deleted, github, site}), 1, 5).Draw(t, label)
			trust, err := policydoc.Parse(text(sts...))
			if err != nil {
				t.Fatal(err)
			}
			return State{
				Trust: trust, ARN: "arn:aws:iam::1:role/ops", Own: rapid.IntRange(0, 9).Draw(t, label+" own") == 0,
				Tags: rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), rapid.Just("v"), 0, 2).Draw(t, label+" tags"),
			}
		}
		a, b := draw("a"), draw("b")
		p := Params{
			rapid.SliceOf(rapid.SampledFrom([]string{"193672423079", "444455556666"})).Draw(t, "accounts"),
			rapid.SliceOf(rapid.SampledFrom([]string{"o-a1b2c3d4e5"})).Draw(t, "orgs"),
			rapid.SliceOfN(rapid.SampledFrom([]string{"role/ops", "role/x", "role/y", "role/z"}), 0, 1).Draw(t, "roles"),
		}
		base := remedy.Baseline[State]{State: b, Known: rapid.Bool().Draw(t, "known")}
		fixed := repair(role("ops"), a, base, p)
		if left := check(role("ops"), fixed, p); len(left) > 0 {
			t.Fatalf("the repaired state still breaks the policy: %v", left)
		}
		if fixed.Trust.IsZero() || len(fixed.Trust.Statements) == 0 {
			t.Fatal("a role is left without a policy")
		}
		if len(check(role("ops"), a, p)) == 0 && !fixed.Trust.Equal(a.Trust) {
			t.Fatal("a compliant policy is changed")
		}
		if len(diff(role("ops"), a, a)) > 0 {
			t.Fatal("diff of a state with itself is not empty")
		}
		got := a.Trust
		for _, c := range diff(role("ops"), a, b) {
			got = c.Trust
		}
		if !got.Equivalent(b.Trust) {
			t.Fatal("the changes from a to b lead elsewhere")
		}
		image, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back State
		if err := json.Unmarshal(image, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, back, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("a state changes in its JSON form (-want +got):\n%s", diff)
		}
	})
}
