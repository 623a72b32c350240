package policydoc

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Circle is whom a role may trust, beside the services of AWS.
type Circle struct {
	Accounts []string // account ids, the role's own among them
	Orgs     []string // ids of organizations: "o-a1b2c3d4e5"
}

// What is wrong with an [Outsider].
const (
	Everyone       = "everyone"               // it stands for principals that are not written down
	ForeignAccount = "foreign-account"        // it belongs to an account outside of the circle
	OpenProvider   = "open-identity-provider" // others than the circle get tokens of the same provider
)

// Outsider is a principal of a statement that is not in the circle.
type Outsider struct {
	Index int    // in Statement.Principals
	What  string // Everyone, ForeignAccount or OpenProvider
	Why   string // the rest of a sentence that begins with the statement
}

// Outsiders gives the principals that the statement of a role's trust policy
// lets in although they are not in the circle.
//
// Services are never outsiders: which account may use one is another question.
// Conditions count if they fix the caller's account or organization to one of
// the circle. sts:ExternalId does not: it tells a foreign account's customers
// apart, and makes the account nobody's own.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
func (s Statement) Outsiders(c Circle) []Outsider {
	if !s.Allow {
		return nil
	}
	confined := s.confined(c)
	var out []Outsider
	for i, p := range s.Principals {
		what, why := "", ""
		switch {
		case confined && p.Kind == "AWS":
		case s.NotPrincipal:
			what, why = Everyone, "trusts everyone but "+p.Value
		case p.Kind == "AWS":
			what, why = p.outsider(c)
		case p.Kind == "Federated":
			what, why = s.openProvider(p, c)
		case p.Kind != "Service" || wild(p.Value):
			what, why = Everyone, fmt.Sprintf("trusts everyone (%s principal %q)", p.Kind, p.Value)
		}
		if what != "" {
			out = append(out, Outsider{i, what, why})
		}
	}
	return out
}

// deletedID is the unique id that stands in a policy for a principal of IAM that was deleted.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
var deletedID = regexp.MustCompile(`^A[A-Z]{3}[A-Z0-9]{12,}$`)

// Deleted reports whether the principal was deleted: nobody can be it any more,
// and IAM takes no policy that names it.
func (p Principal) Deleted() bool { return p.Kind == "AWS" && deletedID.MatchString(p.Value) }

// outsider judges a principal of kind AWS.
func (p Principal) outsider(c Circle) (what, why string) {
	of := p.Value
	if parts := strings.SplitN(p.Value, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		of = parts[4]
	}
	switch {
	case p.Deleted(), slices.Contains(c.Accounts, of):
		return "", ""
	case accountID(of):
		return ForeignAccount, fmt.Sprintf("trusts %s, whose account is not an allowed one", p.Value)
	}
	return Everyone, fmt.Sprintf("trusts everyone (AWS principal %q)", p.Value)
}

// confined reports whether a condition lets in principals of the circle only.
func (s Statement) confined(c Circle) bool {
	present := s.present()
	return slices.ContainsFunc(s.Conditions, func(cond Condition) bool {
		return cond.every(present[cond.Key], func(v string) bool {
			switch cond.Key {
			case "aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principalarn":
				w, ok := cond.names(v)
				return ok && (w.kind == organization && slices.Contains(c.Orgs, w.id) || w.kind == account && slices.Contains(c.Accounts, w.id))
			}
			return false
		})
	})
}

// text reports whether the operator compares text with text.
func (c Condition) text() bool {
	return c.Operator == "StringEquals" || c.Operator == "StringEqualsIgnoreCase" || c.Operator == "StringLike"
}

// every reports whether the condition needs the request to have its key, which
// present says, and all of its values, which are alternatives, are ok.
func (c Condition) every(present bool, ok func(value string) bool) bool {
	return (present || !c.ForAll && !c.IfExists) && len(c.Values) > 0 &&
		!slices.ContainsFunc(c.Values, func(v string) bool { return !ok(v) })
}

// issuers are the identity providers that give tokens to anybody, with the
// claims that say to whom. All others are taken for the account's own.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
var issuers = []struct {
	host   string
	claims []string
}{
	{"token.actions.githubusercontent.com", []string{"sub", "repository", "repository_id"}},
	{"gitlab.com", []string{"sub"}},
	{"app.terraform.io", []string{"sub"}},
	{"agent.buildkite.com", []string{"sub"}},
	{"api.pulumi.com/oidc", []string{"sub", "aud"}},
	{"accounts.google.com", []string{"sub", "aud", "oaud"}},
	{"cognito-identity.amazonaws.com", []string{"aud"}},
	{"graph.facebook.com", []string{"app_id"}},
	{"www.amazon.com", []string{"app_id"}},
}

// openProvider judges an identity provider: one of an account outside of the
// circle, and one that gives tokens to anybody unless a condition says to whom.
func (s Statement) openProvider(p Principal, c Circle) (what, why string) {
	issuer := p.Value
	if parts := strings.SplitN(p.Value, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		if !slices.Contains(c.Accounts, parts[4]) {
			return ForeignAccount, fmt.Sprintf("trusts the identity provider %s, whose account is not an allowed one", p.Value)
		}
		_, issuer, _ = strings.Cut(parts[5], "/")
	}
	if wild(issuer) {
		return Everyone, fmt.Sprintf("trusts everyone (Federated principal %q)", p.Value)
	}
	present := s.present()
	for _, known := range issuers {
		if !strings.EqualFold(issuer, known.host) {
			continue
		}
		for _, cond := range s.Conditions {
			host, claim, ok := cutLast(cond.Key, ":")
			if ok && host == known.host && slices.Contains(known.claims, claim) && cond.text() && cond.every(present[cond.Key], namesOwner) {
				return "", ""
			}
		}
		return OpenProvider, fmt.Sprintf("trusts whoever gets a token of %s: no condition on %s:%s says whose", issuer, known.host, strings.Join(known.claims, ", "))
	}
	return "", ""
}

// claimant is how a claim begins that names an owner: "repo:acme/", "organization:acme:".
var claimant = regexp.MustCompile(`^[^:]+:[^:/]+[:/]`)

// namesOwner reports whether a claim's value is fixed at least up to whose it
// is: "repo:acme/site:*", and not "repo:*" or "repo:acme*".
func namesOwner(v string) bool {
	if !wild(v) {
		return v != ""
	}
	head, _, _ := strings.Cut(strings.NewReplacer("?", "*", "${", "*").Replace(v), "*")
	return claimant.MatchString(head)
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// WithoutPrincipals gives the policy without the principals that drop names, by
// the index of the statement and by that of the principal in it. A statement
// with nobody left goes, as with [Document.Without]; so does one that applies
// to all but its principals, since it would apply to more. In the others the
// principals are written anew, and all other bytes stay.
func (d Document) WithoutPrincipals(drop func(statement, principal int) bool) Document {
	text := d.text
	var gone []int
	for i := len(d.Statements) - 1; i >= 0; i-- { // from the end, so that the spans before stay right
		s := d.Statements[i]
		var keep []Principal
		for j, p := range s.Principals {
			if !drop(i, j) {
				keep = append(keep, p)
			}
		}
		switch {
		case len(keep) == len(s.Principals):
		case len(keep) == 0 || s.NotPrincipal:
			gone = append(gone, i)
		default:
			at := member(d.text[d.spans[i].from:d.spans[i].to], "Principal")
			text = text[:d.spans[i].from+at.from] + principals(keep) + text[d.spans[i].from+at.to:]
		}
	}
	out := d
	if text != d.text {
		var err error
		if out, err = Parse(text); err != nil {
			return Document{} // not reached: what replaces principals is principals
		}
	}
	return out.Without(func(i int) bool { return slices.Contains(gone, i) })
}

// member gives where the value of an object's member is.
func member(object, name string) span {
	dec := json.NewDecoder(strings.NewReader(object))
	_, _ = dec.Token() // Parse has passed the text
	for dec.More() {
		key, _ := dec.Token()
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			break
		}
		if key == name {
			end := int(dec.InputOffset())
			return span{end - len(value), end}
		}
	}
	return span{}
}

// principals writes principals as the value of a member.
func principals(list []Principal) string {
	var kinds []string
	values := map[string][]string{}
	for _, p := range list {
		if values[p.Kind] == nil {
			kinds = append(kinds, p.Kind)
		}
		values[p.Kind] = append(values[p.Kind], p.Value)
	}
	var b strings.Builder
	for i, kind := range kinds {
		if i > 0 {
			b.WriteString(",")
		}
		if v := values[kind]; len(v) == 1 {
			b.WriteString(encode(kind) + ":" + encode(v[0]))
		} else {
			b.WriteString(encode(kind) + ":" + encode(v))
		}
	}
	return "{" + b.String() + "}"
}
