package policydoc

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func identity(t testing.TB, text string) Identity {
	t.Helper()
	p, err := ParseIdentity(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestParseIdentity(t *testing.T) {
	t.Parallel()
	const text = " {\"Version\":\"2012-10-17\",\n\"Statement\": {\"Effect\":\"Allow\", \"Action\":\"s3:*\",\"NotResource\":[\"arn:aws:s3:::b\"]} }"
	got := identity(t, text)
	want := []Statement{{Allow: true, Actions: []string{"s3:*"}, Resources: []string{"arn:aws:s3:::b"}, NotResource: true}}
	if diff := cmp.Diff(want, got.Statements); diff != "" {
		t.Errorf("statements (-want +got):\n%s", diff)
	}
	if got.String() != text {
		t.Errorf("String() = %q, want the text as it was", got)
	}
	for name, c := range map[string]struct{ statement, want string }{
		"a principal":    {`{"Effect":"Allow","Principal":"*","Action":"a","Resource":"*"}`, "names a principal"},
		"not principal":  {`{"Effect":"Allow","NotPrincipal":"*","Action":"a","Resource":"*"}`, "names a principal"},
		"no resource":    {`{"Effect":"Allow","Action":"a"}`, "one of Resource and NotResource"},
		"both resources": {`{"Effect":"Allow","Action":"a","Resource":"*","NotResource":"*"}`, "both Resource and NotResource"},
		"no action":      {`{"Effect":"Allow","Resource":"*"}`, "one of Action and NotAction"},
		"no effect":      {`{"Action":"a","Resource":"*"}`, "has no Effect"},
		"unknown member": {`{"Effect":"Allow","Action":"a","Resource":"*","Resources":"*"}`, "Resources: is no member"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := ParseIdentity(`{"Statement":[` + c.statement + `]}`)
			if err == nil || !strings.Contains(err.Error(), c.want) || !p.IsZero() {
				t.Errorf("ParseIdentity = %v, %v; want an error with %q", p, err, c.want)
			}
		})
	}
}

func TestIdentitySurvivesJSON(t *testing.T) {
	t.Parallel()
	type state struct {
		Policy Identity `json:"policy,omitzero"`
	}
	for _, want := range []state{{}, {identity(t, "{ \"Statement\" : [ ],\r\n\"Id\":\"<&>\u2028 \\u00e9\" }\n")}} {
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got state
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		if got.Policy.String() != want.Policy.String() {
			t.Errorf("%q became %q", want.Policy, got.Policy)
		}
	}
	var s state
	if err := json.Unmarshal([]byte(`{"policy":"{}"}`), &s); err == nil {
		t.Error("a recorded policy that can't be parsed is no error")
	}
}

// allowIn is a statement that allows; its members say what.
func allowIn(members string) string { return `{"Effect":"Allow",` + members + `}` }

func TestAdmin(t *testing.T) {
	t.Parallel()
	const none = ""
	for name, c := range map[string]struct{ statement, want string }{
		"everything":                                {allowIn(`"Action":"*","Resource":"*"`), "allows all actions on all resources"},
		"everything, in two parts":                  {allowIn(`"Action":["*:*"],"Resource":["*"]`), "allows all actions on all resources"},
		"everything among others":                   {allowIn(`"Action":["s3:Get*","*"],"Resource":["arn:aws:s3:::b","*"]`), "allows all actions on all resources"},
		"more stars":                                {allowIn(`"Action":"**","Resource":"**"`), "all actions on all resources"},
		"every ARN":                                 {allowIn(`"Action":"*","Resource":"arn:aws:*"`), "all actions on arn:aws:*"},
		"every ARN, part by part":                   {allowIn(`"Action":"*","Resource":"arn:*:*:*:*:*"`), "all actions"},
		"all of IAM's resources":                    {allowIn(`"Action":"*","Resource":"arn:aws-cn:iam::123456789012:*"`), "all actions"},
		"IAM on everything":                         {allowIn(`"Action":"iam:*","Resource":"*"`), "all of IAM's actions, which can grant all others, on all resources"},
		"IAM in other letters":                      {allowIn(`"Action":["ec2:*","IAM:*"],"Resource":"*"`), "all of IAM's actions"},
		"IAM on its own resources":                  {allowIn(`"Action":"iam:*","Resource":"arn:aws:iam::*:*"`), "all of IAM's actions"},
		"all but some actions":                      {allowIn(`"NotAction":["s3:*","ec2:*"],"Resource":"*"`), "allows all actions but s3:*, ec2:* on all resources"},
		"all but one of IAM's actions":              {allowIn(`"NotAction":"iam:CreateUser","Resource":"*"`), "all actions but iam:CreateUser"},
		"all but some resources":                    {allowIn(`"Action":"*","NotResource":"arn:aws:s3:::b"`), "all actions on all resources but arn:aws:s3:::b"},
		"a condition does not make it less":         {allowIn(`"Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`), "all actions on all resources"},
		"denied":                                    {`{"Effect":"Deny","Action":"*","Resource":"*"}`, none},
		"all of a service that is not IAM":          {allowIn(`"Action":"s3:*","Resource":"*"`), none},
		"some of IAM":                               {allowIn(`"Action":["iam:Get*","iam:List*"],"Resource":"*"`), none},
		"a service whose name only begins with iam": {allowIn(`"Action":"iamx:*","Resource":"*"`), none},
		"all actions on a bucket":                   {allowIn(`"Action":"*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]`), none},
		"all actions on a service":                  {allowIn(`"Action":"*","Resource":"arn:aws:s3:::*"`), none},
		"all actions on users":                      {allowIn(`"Action":"*","Resource":"arn:aws:iam::123456789012:user/*"`), none},
		"all but IAM, as PowerUserAccess":           {allowIn(`"NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"`), none},
		"all but everything":                        {allowIn(`"NotAction":"*","Resource":"*"`), none},
		"all resources but all":                     {allowIn(`"Action":"*","NotResource":"*"`), none},
		"all resources but IAM's":                   {allowIn(`"Action":"*","NotResource":"arn:aws:iam::*:*"`), none},
		"no action at all":                          {allowIn(`"Action":[],"Resource":"*"`), none},
		"no exception at all":                       {allowIn(`"NotAction":[],"Resource":"*"`), none},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			admin, why := identity(t, `{"Statement":[`+c.statement+`]}`).Statements[0].Admin()
			if admin != (c.want != none) || !strings.Contains(why, c.want) || !admin && why != "" {
				t.Errorf("Admin() = %v, %q; want a reason with %q", admin, why, c.want)
			}
		})
	}
}

func TestAdminOfPolicies(t *testing.T) {
	t.Parallel()
	admin, why := identity(t, `{"Statement":[`+allowIn(`"Action":"s3:*","Resource":"*"`)+`,`+allowIn(`"Action":"*","Resource":"*"`)+`]}`).Admin()
	if !admin || why != "statement #2 allows all actions on all resources" {
		t.Errorf("Admin() = %v, %q", admin, why)
	}
	if admin, why := identity(t, `{"Statement":[{"Sid":"x","Effect":"Deny","Action":"*","Resource":"*"}]}`).Admin(); admin || why != "" {
		t.Errorf("Admin() = %v, %q, want false", admin, why)
	}
}

func FuzzIdentity(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":["*"],"Resource":"arn:aws:iam::1:*"},{"Effect":"Deny","NotAction":"a","NotResource":[]}]}`)
	f.Add(`{"Statement":{"Effect":"Allow","NotAction":"iam:","Resource":"arn:*:::::"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParseIdentity(text)
		if err != nil {
			return
		}
		if p.String() != text {
			t.Fatalf("String() = %q, want %q", p, text)
		}
		admin, why := p.Admin()
		if admin != (why != "") {
			t.Fatalf("Admin() = %v, %q", admin, why)
		}
		for _, s := range p.Statements {
			if ok, _ := s.Admin(); ok && !admin {
				t.Fatal("a statement makes an administrator, the policy does not")
			}
		}
	})
}
