// Package access says whether IAM policies allow a call: as much of IAM's rules
// as Ebb's templates use. What it does not know is an error, never a guess.
// The rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
package access

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Policy is an IAM policy: a role's own, its permissions boundary or its trust.
type Policy struct {
	Version   string
	ID        string `json:"Id"`
	Statement list[statement]
}

type statement struct {
	Sid       string
	Effect    string
	Principal *principal
	Action    list[string]
	Resource  list[string]
	Condition map[string]map[string]list[scalar] // by operator and key
}

// principal is who a trust policy trusts, by kind.
type principal map[string]list[string]

// list is one value or an array of them.
type list[T any] []T

// scalar is a string, or a boolean or number as one.
type scalar string

// Call is one action on one resource, with what is known of the request.
type Call struct {
	Action   string              // "s3:PutBucketPolicy"
	Resource string              // its ARN; "*" where the action knows no resource
	Caller   string              // the caller's role, or the service: "lambda.amazonaws.com"
	Context  map[string][]string // the request's condition keys, in lower case
}

// Parse reads a policy. An operator or a member that this package does not know
// is an error.
func Parse(text string) (Policy, error) {
	var p Policy
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Policy{}, fmt.Errorf("parse policy: %w", err)
	}
	for _, s := range p.Statement {
		if s.Effect != "Allow" && s.Effect != "Deny" {
			return Policy{}, fmt.Errorf("parse policy: statement %q: effect %q", s.Sid, s.Effect)
		}
		for op := range s.Condition {
			if operators[op] == nil {
				return Policy{}, fmt.Errorf("parse policy: statement %q: unknown operator %q", s.Sid, op)
			}
		}
	}
	return p, nil
}

// Allows reports whether one of the policies allows the call and none denies it.
func Allows(policies []Policy, c Call) bool {
	allowed := false
	for _, p := range policies {
		for _, s := range p.Statement {
			if !s.covers(c) {
				continue
			}
			if s.Effect == "Deny" {
				return false
			}
			allowed = true
		}
	}
	return allowed
}

// Actions lists what the policies' statements allow, sorted.
func Actions(policies []Policy) []string {
	var out []string
	for _, p := range policies {
		for _, s := range p.Statement {
			if s.Effect == "Allow" {
				out = append(out, s.Action...)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (s statement) covers(c Call) bool {
	if s.Principal != nil && !s.Principal.is(c.Caller) {
		return false
	}
	if s.Principal == nil && !slices.ContainsFunc(s.Resource, func(r string) bool { return match(r, c.Resource) }) {
		return false
	}
	if !slices.ContainsFunc(s.Action, func(a string) bool { return match(strings.ToLower(a), strings.ToLower(c.Action)) }) {
		return false
	}
	for op, keys := range s.Condition {
		for key, want := range keys {
			if !operators[op](want, c.Context[strings.ToLower(key)]) {
				return false
			}
		}
	}
	return true
}

// is reports whether the caller is a service, a role, or of an account, that is named.
func (p principal) is(caller string) bool {
	for kind, values := range p {
		for _, v := range values {
			account, root := strings.CutSuffix(v, ":root")
			switch {
			case v == caller, kind == "AWS" && v == "*":
				return true
			case kind == "AWS" && root && strings.HasPrefix(caller, account+":"):
				return true
			}
		}
	}
	return false
}

// operators compare what a policy wants with the values that a request has for a
// key: none when it lacks the key.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
var operators = map[string]func(want list[scalar], got []string) bool{
	"StringEquals":              func(want list[scalar], got []string) bool { return len(got) == 1 && equals(want)(got[0]) },
	"StringLike":                func(want list[scalar], got []string) bool { return len(got) == 1 && like(want)(got[0]) },
	"ArnLike":                   func(want list[scalar], got []string) bool { return len(got) == 1 && like(want)(got[0]) },
	"Bool":                      func(want list[scalar], got []string) bool { return len(got) == 1 && equals(want)(got[0]) },
	"ForAllValues:StringEquals": func(want list[scalar], got []string) bool { return every(got, equals(want)) },
	"ForAllValues:StringLike":   func(want list[scalar], got []string) bool { return every(got, like(want)) },
}

func every(got []string, ok func(string) bool) bool {
	return !slices.ContainsFunc(got, func(g string) bool { return !ok(g) })
}

func equals(want list[scalar]) func(string) bool {
	return func(got string) bool { return slices.Contains(want, scalar(got)) }
}

func like(want list[scalar]) func(string) bool {
	return func(got string) bool {
		return slices.ContainsFunc(want, func(w scalar) bool { return match(string(w), got) })
	}
}

// match reports whether s is what a pattern with * and ? stands for.
func match(pattern, s string) bool {
	expr := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile(`(?s)^` + expr + `$`).MatchString(s)
}

func (l *list[T]) UnmarshalJSON(raw []byte) error {
	if !bytes.HasPrefix(raw, []byte("[")) {
		raw = slices.Concat([]byte("["), raw, []byte("]"))
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode((*[]T)(l))
}

func (p *principal) UnmarshalJSON(raw []byte) error {
	if string(raw) == `"*"` {
		*p = principal{"AWS": {"*"}}
		return nil
	}
	return json.Unmarshal(raw, (*map[string]list[string])(p))
}

func (s *scalar) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		text = string(raw)
	}
	*s = scalar(text)
	return nil
}
