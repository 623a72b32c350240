package iampolicyattachment

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

// Documents that the tests give policies.
const (
	everything = `{ "Version": "2012-10-17", "Statement": [ {"Sid":"All", "Effect":"Allow","Action":"*","Resource":"*"} ] }`
	allOfIAM   = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:*","iam:*"],"Resource":"*"}}`
	notBuckets = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}}`
	powerUser  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"}]}`
	buckets    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
)

func doc(t testing.TB, text string) policydoc.Identity {
	t.Helper()
	p, err := policydoc.ParseIdentity(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const own, role = "arn:aws:iam::111122223333:policy/team/NotAdmin", "arn:aws:iam::111122223333:role/ops"
	defaults := Function.Params.(Params)
	for name, c := range map[string]struct {
		policy, document, arn string
		detached              bool
		params                Params
		want                  string // rule and a part of the message; none means compliant
	}{
		"AdministratorAccess":          {policy: awsAdmin, arn: role, params: defaults, want: "forbidden-policy: AdministratorAccess is attached to role ops"},
		"AdministratorAccess in China": {policy: "arn:aws-cn:iam::aws:policy/AdministratorAccess", arn: role, params: defaults, want: "forbidden-policy: is attached"},
		"IAMFullAccess":                {policy: "arn:aws:iam::aws:policy/IAMFullAccess", arn: role, params: defaults, want: "forbidden-policy: is attached"},
		"a policy whose name only begins with AdministratorAccess": {policy: "arn:aws:iam::aws:policy/AdministratorAccess-Amplify", arn: role, params: defaults},
		"a policy of AWS that is not listed":                       {policy: "arn:aws:iam::aws:policy/ReadOnlyAccess", arn: role, params: defaults},
		"a listed one with a path":                                 {policy: "arn:aws:iam::aws:policy/job-function/SystemAdministrator", arn: role, params: Params{ForbiddenPolicies: iamevent.Patterns{"job-function/*"}}, want: "forbidden-policy: is attached"},
		"detached since":                                           {policy: awsAdmin, arn: role, params: defaults, detached: true},
		"an administrator policy under another name":               {policy: own, document: everything, arn: role, params: defaults, want: "administrator-policy: statement All allows all actions on all resources."},
		"all of IAM":                       {policy: own, document: allOfIAM, arn: role, params: defaults, want: "administrator-policy: all of IAM's actions"},
		"all but buckets":                  {policy: own, document: notBuckets, arn: role, params: defaults, want: "administrator-policy: all actions but s3:*"},
		"nothing is listed":                {policy: own, document: everything, arn: role, want: "administrator-policy: all actions"},
		"a power user":                     {policy: own, document: powerUser, arn: role, params: defaults},
		"one service":                      {policy: own, document: buckets, arn: role, params: defaults},
		"a break-glass role":               {policy: awsAdmin, arn: "arn:aws:iam::111122223333:role/break-glass/ops", params: Params{ForbiddenPolicies: iamevent.Patterns{"*"}, AllowedPrincipals: iamevent.Patterns{"role/break-glass/*"}}},
		"a break-glass user is not a role": {policy: awsAdmin, arn: "arn:aws:iam::111122223333:user/break-glass/ops", params: Params{ForbiddenPolicies: iamevent.Patterns{"*"}, AllowedPrincipals: iamevent.Patterns{"role/break-glass/*"}}, want: "forbidden-policy: is attached"},
		"the role of AWS Organizations":    {policy: awsAdmin, arn: "arn:aws:iam::111122223333:role/OrganizationAccountAccessRole", params: defaults},
		"the same name under a path":       {policy: awsAdmin, arn: "arn:aws:iam::111122223333:role/x/OrganizationAccountAccessRole", params: defaults, want: "forbidden-policy: is attached"},
		"a permission set of Identity Center, which IAM can't mend": {policy: awsAdmin, arn: "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_1", params: defaults},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := State{Attached: !c.detached, ARN: c.arn}
			if c.document != "" {
				s.Document = doc(t, c.document)
			}
			got := check(on("role", "ops", c.policy), s, c.params)
			if c.want == "" {
				if len(got) > 0 {
					t.Errorf("check = %v, want none", got)
				}
				return
			}
			rule, message, _ := strings.Cut(c.want, ": ")
			if len(got) != 1 || got[0].Rule != rule || got[0].Part != c.policy || !strings.Contains(got[0].Message, message) {
				t.Errorf("check = %+v, want one %s", got, c.want)
			}
		})
	}
}

func TestCalls(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]Change{
		`{"api":"iam:DetachRolePolicy","params":{"PolicyArn":"` + awsAdmin + `","RoleName":"ops"}}`: {on("role", "ops", awsAdmin), false},
		`{"api":"iam:AttachGroupPolicy","params":{"GroupName":"g","PolicyArn":"` + awsAdmin + `"}}`: {on("group", "g", awsAdmin), true},
		`{"api":"iam:DetachUserPolicy","params":{"PolicyArn":"` + awsAdmin + `","UserName":"u"}}`:   {on("user", "u", awsAdmin), false},
	} {
		got, err := json.Marshal(c.Call())
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("call = %s, want %s", got, want)
		}
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	texts := []string{"", everything, allOfIAM, notBuckets, powerUser, buckets}
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) State {
			s := State{
				Attached: rapid.Bool().Draw(t, label),
				ARN:      rapid.SampledFrom([]string{"arn:aws:iam::1:role/ops", "arn:aws:iam::1:role/aws-reserved/x", "arn:aws:iam::1:role/free/ops"}).Draw(t, label+" arn"),
				Tags:     rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), rapid.Just("v"), 0, 2).Draw(t, label+" tags"),
			}
			if text := rapid.SampledFrom(texts).Draw(t, label+" document"); text != "" {
				var err error
				if s.Document, err = policydoc.ParseIdentity(text); err != nil {
					t.Fatal(err)
				}
			}
			return s
		}
		a, b := draw("a"), draw("b")
		patterns := rapid.SliceOf(rapid.SampledFrom([]string{"*", "role/free/*", "AdministratorAccess"}))
		p := Params{patterns.Draw(t, "forbidden"), patterns.Draw(t, "allowed")}
		target := on("role", "ops", rapid.SampledFrom([]string{awsAdmin, "arn:aws:iam::111122223333:policy/x"}).Draw(t, "policy"))
		fixed := repair(target, a, remedy.Baseline[State]{State: b, Known: true}, p)
		if left := check(target, fixed, p); len(left) > 0 {
			t.Fatalf("the repaired state still breaks the policy: %v", left)
		}
		want := a
		want.Attached = a.Attached && len(check(target, a, p)) == 0
		if diff := cmp.Diff(want, fixed); diff != "" {
			t.Fatalf("repair (-want +got):\n%s", diff)
		}
		if len(diff(target, a, a)) > 0 {
			t.Fatal("diff of a state with itself is not empty")
		}
		attached := a.Attached
		for _, c := range diff(target, a, b) {
			attached = c.Attach
		}
		if attached != b.Attached {
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
