package lambdapermission

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ebb-ops/ebb/pkg/policydoc"
)

// Grant is a permission, by the parameters that lambda:AddPermission makes it from.
type Grant struct {
	ID            string `json:"StatementId"`
	Action        string `json:"Action"`
	Principal     string `json:"Principal"` // an account, an ARN, a service, or * for everybody
	SourceARN     string `json:"SourceArn,omitempty"`
	SourceAccount string `json:"SourceAccount,omitempty"`
	Organization  string `json:"PrincipalOrgID,omitempty"`
	Token         string `json:"EventSourceToken,omitempty"`
	URLAuth       string `json:"FunctionUrlAuthType,omitempty"`
	ViaURL        bool   `json:"InvokedViaFunctionUrl,omitempty"`
}

// What AddPermission's parameters are in a statement's conditions.
const (
	keySourceARN     = "aws:sourcearn"
	keySourceAccount = "aws:sourceaccount"
	keyOrganization  = "aws:principalorgid"
	keyToken         = "lambda:eventsourcetoken"
	keyURLAuth       = "lambda:functionurlauthtype"
	keyViaURL        = "lambda:invokedviafunctionurl"
)

// grant reads a statement of a function's policy. One that AddPermission can't have
// made is an error.
func grant(st policydoc.Statement) (Grant, error) {
	switch {
	case st.Sid == "":
		return Grant{}, errors.New("a statement has no Sid: lambda:AddPermission can't have made it")
	case !st.Allow || st.NotPrincipal || st.NotAction || len(st.Principals) != 1 || len(st.Actions) != 1:
		return Grant{}, fmt.Errorf("statement %s is no Allow of one action for one principal: lambda:AddPermission can't have made it", st.Sid)
	}
	p := st.Principals[0]
	if p.Kind != "AWS" && p.Kind != "Service" || (p.Kind == "Service") != service(p.Value) {
		return Grant{}, fmt.Errorf("statement %s has the %s principal %q: lambda:AddPermission can't have made it", st.Sid, p.Kind, p.Value)
	}
	g := Grant{ID: st.Sid, Action: st.Actions[0], Principal: p.Value}
	for _, c := range st.Conditions {
		text := c.Operator == "StringEquals"
		into, ok := map[string]*string{
			keySourceAccount: &g.SourceAccount, keyOrganization: &g.Organization, keyToken: &g.Token, keyURLAuth: &g.URLAuth,
		}[c.Key]
		switch {
		case c.ForAll || c.ForAny || c.IfExists || len(c.Values) != 1:
			ok = false
		case c.Key == keySourceARN:
			g.SourceARN, ok = c.Values[0], c.Operator == "ArnLike" || c.Operator == "StringLike"
		case c.Key == keyViaURL:
			g.ViaURL, ok = true, c.Operator == "Bool" && strings.EqualFold(c.Values[0], "true")
		case ok && text:
			*into = c.Values[0]
		default:
			ok = false
		}
		if !ok {
			return Grant{}, fmt.Errorf("statement %s has a condition on %s that lambda:AddPermission can't have made", st.Sid, c.Key)
		}
	}
	return g, nil
}

// service reports whether AddPermission takes a principal for a service: no
// account, no id and no ARN has a dot before its first colon.
func service(principal string) bool {
	head, _, _ := strings.Cut(principal, ":")
	return strings.Contains(head, ".")
}

// statement gives the statement that AddPermission makes.
func (g Grant) statement() policydoc.Statement {
	kind := "AWS"
	if service(g.Principal) {
		kind = "Service"
	}
	st := policydoc.Statement{Sid: g.ID, Allow: true, Principals: []policydoc.Principal{{Kind: kind, Value: g.Principal}}, Actions: []string{g.Action}}
	when := func(operator, key, value string) {
		if value != "" {
			st.Conditions = append(st.Conditions, policydoc.Condition{Operator: operator, Key: key, Values: []string{value}})
		}
	}
	when("ArnLike", keySourceARN, g.SourceARN)
	when("StringEquals", keySourceAccount, g.SourceAccount)
	when("StringEquals", keyOrganization, g.Organization)
	when("StringEquals", keyToken, g.Token)
	when("StringEquals", keyURLAuth, g.URLAuth)
	if g.ViaURL {
		when("Bool", keyViaURL, "true")
	}
	return st
}
