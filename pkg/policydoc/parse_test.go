package policydoc

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	const text = ` {"Id": "p", "Version": "2012-10-17", "Statement": [ {
		"Sid": "a \u0041", "Effect": "Allow",
		"Principal": {"AWS": ["123456789012", "arn:aws:iam::210987654321:root"], "Service": "logging.s3.amazonaws.com",
			"Federated": "cognito-identity.amazonaws.com", "CanonicalUser": "79a5"},
		"Action": "s3:GetObject", "Resource": ["arn:aws:s3:::b/*"],
		"Condition": {
			"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-1/*"]},
			"forallvalues:ARNEQUALSifexists": {"AWS:SourceArn": "arn:aws:s3:::x"},
			"Bool": {"aws:SecureTransport": true},
			"NumericLessThan": {"s3:max-keys": [10, "20"]}
		}
	}, {"Effect": "Deny", "NotPrincipal": "*", "NotAction": ["s3:*"], "NotResource": "*"} ] }
`
	got, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != text {
		t.Errorf("String() = %q, want the text as it was", got)
	}
	if got.Version != "2012-10-17" {
		t.Errorf("Version = %q", got.Version)
	}
	want := []Statement{
		{
			Sid: "a A", Allow: true,
			Principals: []Principal{
				{"AWS", "123456789012"},
				{"AWS", "arn:aws:iam::210987654321:root"},
				{"Service", "logging.s3.amazonaws.com"},
				{"Federated", "cognito-identity.amazonaws.com"},
				{"CanonicalUser", "79a5"},
			},
			Actions:   []string{"s3:GetObject"},
			Resources: []string{"arn:aws:s3:::b/*"},
			Conditions: []Condition{
				{Operator: "StringLike", ForAny: true, Key: "aws:principalorgpaths", Values: []string{"o-1/*"}},
				{Operator: "ArnEquals", ForAll: true, IfExists: true, Key: "aws:sourcearn", Values: []string{"arn:aws:s3:::x"}},
				{Operator: "Bool", Key: "aws:securetransport", Values: []string{"true"}},
				{Operator: "NumericLessThan", Key: "s3:max-keys", Values: []string{"10", "20"}},
			},
		},
		{Principals: []Principal{{"AWS", "*"}}, NotPrincipal: true, Actions: []string{"s3:*"}, NotAction: true, Resources: []string{"*"}, NotResource: true},
	}
	if diff := cmp.Diff(want, got.Statements); diff != "" {
		t.Errorf("statements (-want +got):\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	statement := func(s string) string { return `{"Statement":` + s + `}` }
	member := func(s string) string {
		return statement(`{"Effect":"Allow","Principal":"*","Action":"s3:*",` + s + `}`)
	}
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                    {``, "unexpected end of JSON input"},
		"truncated":                  {`{"Statement":[`, "unexpected end of JSON input"},
		"trailing text":              {`{"Statement":[]} x`, "invalid character 'x'"},
		"not an object":              {`[]`, "is an array, not an object"},
		"not UTF-8":                  {"{\"Statement\":[],\"Id\":\"\xff\"}", "not UTF-8"},
		"too long":                   {`{"Statement":[],"Id":"` + strings.Repeat("x", MaxSize) + `"}`, "at most 65536 are read"},
		"too deep":                   {strings.Repeat("[", 20000) + strings.Repeat("]", 20000), "depth"},
		"no statement":               {`{"Version":"2012-10-17"}`, "has no Statement"},
		"unknown version":            {`{"Version":"2030-01-01","Statement":[]}`, `Version: is "2030-01-01", not`},
		"unknown member":             {`{"Statement":[],"Extra":1}`, "Extra: is no member"},
		"member in another case":     {`{"statement":[]}`, "statement: is no member"},
		"member twice":               {`{"Statement":[],"Statement":[]}`, `"Statement" is there twice`},
		"member twice, once escaped": {`{"Statement":[],"\u0053tatement":[]}`, `"Statement" is there twice`},
		"null statement":             {statement(`null`), "is null, not an object"},
		"statement in a list":        {statement(`[[]]`), "Statement: number 1: is an array"},
		"second statement is bad":    {statement(`[{"Effect":"Deny","Principal":"*","Action":"a"},{}]`), "number 2: it has no Effect"},
		"effect":                     {statement(`{"Effect":"allow"}`), `Effect: is "allow", not Allow or Deny`},
		"no principal":               {statement(`{"Effect":"Allow","Action":"a"}`), "one of Principal and NotPrincipal"},
		"both principals":            {member(`"NotPrincipal":"*"`), "one of Principal and NotPrincipal"},
		"no action":                  {statement(`{"Effect":"Allow","Principal":"*"}`), "one of Action and NotAction"},
		"both resources":             {member(`"Resource":"*","NotResource":"*"`), "both Resource and NotResource"},
		"statement member":           {member(`"Principals":"*"`), "Principals: is no member"},
		"statement member twice":     {member(`"Principal":"*"`), `"Principal" is there twice`},
		"action is a number":         {statement(`{"Effect":"Allow","Principal":"*","Action":1}`), "Action: is a number, not a string"},
		"bare ARN as principal":      {statement(`{"Effect":"Allow","Principal":"arn:aws:iam::123456789012:root","Action":"a"}`), "needs its kind"},
		"unknown kind of principal":  {statement(`{"Effect":"Allow","Principal":{"Role":"x"},"Action":"a"}`), "Role: is no kind of principal"},
		"principal names nobody":     {statement(`{"Effect":"Allow","Principal":{"AWS":[]},"Action":"a"}`), "names nobody"},
		"unknown operator":           {member(`"Condition":{"StringSame":{"a":"b"}}`), "StringSame: is no operator"},
		"set operator alone":         {member(`"Condition":{"ForAllValues":{"a":"b"}}`), "ForAllValues: is no operator"},
		"condition is a list":        {member(`"Condition":[]`), "Condition: is an array"},
		"condition value is null":    {member(`"Condition":{"Bool":{"a":null}}`), "is null, not a single value"},
		"condition value is nested":  {member(`"Condition":{"Bool":{"a":[["b"]]}}`), "is an array, not a single value"},
		"condition value is object":  {member(`"Condition":{"StringEqualsIfExists":{"aws:SourceVpce":{"a":"a"}}}`), "is an object, not a single value"},
		"condition key twice":        {member(`"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8","AWS:sourceip":"0.0.0.0/0"}}`), `"AWS:sourceip" is there twice`},
		"operator twice":             {member(`"Condition":{"Bool":{"a":"b"},"bool":{"c":"d"}}`), `"bool" is there twice`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Parse(c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("err = %v, want one with %q", err, c.want)
			}
			if !got.IsZero() {
				t.Errorf("a document comes with the error: %v", got)
			}
		})
	}
}

func TestDocumentSurvivesJSON(t *testing.T) {
	t.Parallel()
	type state struct {
		Policy Document `json:"policy,omitzero"`
	}
	const text = "{ \"Statement\" : [ ],\r\n\t\"Id\":\"<&>\u2028 \\u00e9 é\" }\n"
	doc, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]state{"a policy": {doc}, "no policy": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			var got state
			if err := json.Unmarshal(b, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.Policy.String(), got.Policy.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	var s state
	if err := json.Unmarshal([]byte(`{"policy":"{}"}`), &s); err == nil {
		t.Error("a recorded policy that can't be parsed is no error")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"a","Effect":"Allow","Principal":"*","Action":["s3:*"],"Resource":"*"},` +
		`{"Effect":"Deny","NotPrincipal":{"AWS":["1",  "2"]},"NotAction":"a","Condition":{"ForAnyValue:StringLikeIfExists":{"a":[1,true,"\u0041"]}}}]}`)
	f.Add(`{"Statement":{"Effect":"Deny","Principal":{"Service":[]},"Action":[]}}`)
	f.Add("{\"Statement\" : [\n ] }\n")
	f.Add(`{"Statement":{"Effect":"Allow","Principal":{"AWS":"*","Service":"s3.amazonaws.com"},"Action":"a","Condition":{"IpAddress":{"aws:SourceIp":["::ffff:10.0.0.0/104","0.0.0.0/1"]},"ArnLike":{"aws:SourceArn":"arn:aws:s3:::b"}}}}`)
	judge := Judge{Account: "111122223333", Bound: []string{"*"}, Allowed: Allowed{
		Accounts: []string{"123456789012"}, Ranges: []string{"203.0.113.0/24"}, SourceARNs: []string{"arn:aws:s3:::acme-*"},
	}}
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := Parse(text)
		if err != nil {
			return
		}
		if doc.String() != text {
			t.Fatalf("String() = %q, want %q", doc, text)
		}
		if !doc.Equivalent(doc) || !doc.Holds(doc) {
			t.Fatalf("%q is not equivalent to itself", text)
		}
		for i, s := range doc.Statements {
			public, why := s.Public()
			fault, _ := judge.Statement(s)
			if public != (why != "") || fault == Fine && public && len(s.Conditions) == 0 {
				t.Fatalf("statement %d of %q: public %v, %q; %q under a company's lists", i, text, public, why, fault)
			}
			rest := doc.Without(func(j int) bool { return j == i })
			if rest.IsZero() {
				continue
			}
			again, err := Parse(rest.String())
			if err != nil {
				t.Fatalf("without statement %d %q can't be parsed: %v", i, rest, err)
			}
			if diff := cmp.Diff(again, rest, whole); diff != "" {
				t.Fatalf("without statement %d (-parsed +given):\n%s", i, diff)
			}
		}
	})
}
