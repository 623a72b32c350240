package policydoc

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Parse reads a policy. It fails on a text over [MaxSize], on one that is not
// UTF-8 or not JSON, and on anything that the policy grammar does not have:
// an unknown or a repeated member, an unknown operator, a value of another kind.
func Parse(text string) (Document, error) {
	d, err := parse(text, false)
	if err != nil {
		return Document{}, fmt.Errorf("parse policy: %w", err)
	}
	return d, nil
}

func parse(text string, identity bool) (Document, error) {
	switch {
	case len(text) > MaxSize:
		return Document{}, fmt.Errorf("it has %d bytes, and at most %d are read", len(text), MaxSize)
	case !utf8.ValidString(text):
		return Document{}, errors.New("it is not UTF-8")
	}
	if !json.Valid([]byte(text)) {
		var v json.RawMessage
		return Document{}, json.Unmarshal([]byte(text), &v) // says what is wrong
	}
	d := Document{text: text}
	s := &scanner{text: text, identity: identity}
	has, err := s.object(nil, func(key string) (err error) {
		switch key {
		case "Version":
			d.Version, err = s.oneOf("2012-10-17", "2008-10-17")
		case "Id":
			_, err = s.str()
		case "Statement":
			err = d.statements(s)
		default:
			err = errUnknown
		}
		return err
	})
	if err == nil && !has["Statement"] {
		err = errors.New("it has no Statement")
	}
	return d, err
}

var errUnknown = errors.New("is no member that a policy has")

func (d *Document) statements(s *scanner) error {
	one := func() error {
		at := span{from: s.pos}
		st, err := s.statement()
		if err != nil {
			return fmt.Errorf("number %d: %w", len(d.Statements)+1, err)
		}
		at.to = s.pos
		d.Statements = append(d.Statements, st)
		d.spans = append(d.spans, at)
		return nil
	}
	if s.next() == '[' {
		return s.array(one)
	}
	return one()
}

func (s *scanner) statement() (Statement, error) {
	var st Statement
	has, err := s.object(nil, func(key string) (err error) {
		switch key {
		case "Sid":
			st.Sid, err = s.str()
		case "Effect":
			var effect string
			effect, err = s.oneOf("Allow", "Deny")
			st.Allow = effect == "Allow"
		case "Principal", "NotPrincipal":
			st.NotPrincipal = key == "NotPrincipal"
			st.Principals, err = s.principals()
		case "Action", "NotAction":
			st.NotAction = key == "NotAction"
			st.Actions, err = s.list(s.str)
		case "Resource", "NotResource":
			st.NotResource = key == "NotResource"
			st.Resources, err = s.list(s.str)
		case "Condition":
			st.Conditions, err = s.conditions()
		default:
			err = errUnknown
		}
		return err
	})
	switch {
	case err != nil:
	case !has["Effect"]:
		err = errors.New("it has no Effect")
	case s.identity:
		err = identityMembers(has)
	case has["Principal"] == has["NotPrincipal"]:
		err = errors.New("it must have one of Principal and NotPrincipal")
	}
	switch {
	case err != nil:
	case has["Action"] == has["NotAction"]:
		err = errors.New("it must have one of Action and NotAction")
	case has["Resource"] && has["NotResource"]: // a role's trust policy has neither
		err = errors.New("it has both Resource and NotResource")
	}
	return st, err
}

func (s *scanner) principals() ([]Principal, error) {
	if s.next() == '"' {
		v, err := s.str()
		if err == nil && v != "*" {
			err = fmt.Errorf("is %q: a principal that is not everyone needs its kind", v)
		}
		return []Principal{{"AWS", v}}, err
	}
	var out []Principal
	_, err := s.object(nil, func(kind string) error {
		switch kind {
		case "AWS", "Service", "Federated", "CanonicalUser":
		default:
			return errors.New("is no kind of principal")
		}
		values, err := s.list(s.str)
		for _, v := range values {
			out = append(out, Principal{kind, v})
		}
		return err
	})
	if err == nil && len(out) == 0 {
		err = errors.New("names nobody")
	}
	return out, err
}

func (s *scanner) conditions() ([]Condition, error) {
	var out []Condition
	_, err := s.object(strings.ToLower, func(name string) error {
		c, err := operator(name)
		if err != nil {
			return err
		}
		_, err = s.object(strings.ToLower, func(key string) (err error) {
			c := c
			c.Key = strings.ToLower(key)
			c.Values, err = s.list(s.scalar)
			out = append(out, c)
			return err
		})
		return err
	})
	return out, err
}

// operator reads an operator's name. Like the keys it has no case.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
func operator(name string) (c Condition, err error) {
	const forAll, forAny, ifExists = "forallvalues:", "foranyvalue:", "ifexists"
	rest := strings.ToLower(name)
	switch {
	case strings.HasPrefix(rest, forAll):
		c.ForAll, rest = true, rest[len(forAll):]
	case strings.HasPrefix(rest, forAny):
		c.ForAny, rest = true, rest[len(forAny):]
	}
	if strings.HasSuffix(rest, ifExists) {
		c.IfExists, rest = true, rest[:len(rest)-len(ifExists)]
	}
	for _, known := range [...]string{
		"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike",
		"ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike", "IpAddress", "NotIpAddress", "Bool", "Null", "BinaryEquals",
		"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals",
		"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals",
	} {
		if strings.EqualFold(rest, known) {
			c.Operator = known
			return c, nil
		}
	}
	return c, errors.New("is no operator")
}

// oneOf moves past a string that must be one of the values.
func (s *scanner) oneOf(values ...string) (string, error) {
	got, err := s.str()
	if err != nil {
		return "", err
	}
	for _, v := range values {
		if got == v {
			return got, nil
		}
	}
	return "", fmt.Errorf("is %q, not %s", got, strings.Join(values, " or "))
}
