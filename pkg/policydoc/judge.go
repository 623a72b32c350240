package policydoc

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/ebb-ops/ebb/pkg/pattern"
)

// Fault is what is wrong with a statement of a resource's policy.
type Fault string

// The faults, and none.
const (
	Fine    Fault = ""
	Public  Fault = "public-statement"  // it lets in people whom it does not name
	Foreign Fault = "foreign-statement" // it names somebody whom the company does not allow
	Unbound Fault = "unbound-service"   // a service may act on it for any AWS customer
)

// Judge judges statements of the policies on one account's resources. The zero
// value judges only whether they are public.
type Judge struct {
	Account string   // that holds the resource; always allowed
	Allowed Allowed  // what the company allows beside it
	Bound   []string // patterns of the services that must name what they act for
}

// Statement gives what is wrong with a statement, and why, as the rest of a
// sentence that begins with the statement.
//
// All conditions must hold at once, so that one which lets in only the allowed is
// enough. Else one that names somebody forbidden is a fault, and so is a forbidden
// principal. What is named but of a kind that the company does not list makes a
// statement not public, and no more: an unjudged VPC does not vouch for a
// forbidden account. Denials of the policy are not looked at: they can be gone
// tomorrow.
func (j Judge) Statement(s Statement) (Fault, string) {
	if !s.Allow {
		return Fine, ""
	}
	who, let := j.principals(s)
	narrowed, cond, loose := j.conditions(s)
	switch {
	case let == allowed || narrowed == allowed:
		return Fine, ""
	case narrowed == forbidden:
		return Foreign, cond
	case let == forbidden:
		return Foreign, who
	case let == everyone && narrowed == everyone && len(loose) == 0:
		return Public, who + " without a condition"
	case let == everyone && narrowed == everyone:
		return Public, who + ", which its conditions do not narrow: " + strings.Join(loose, "; ")
	}
	return j.services(s)
}

// reach is how far a part of a statement lets people in.
type reach int

const (
	allowed   reach = iota
	named           // somebody, of a kind that is not judged
	forbidden       // somebody, who is not among the allowed
	everyone
)

// principals gives the widest reach of the statement's principals, and whose it is.
func (j Judge) principals(s Statement) (text string, r reach) {
	for _, p := range s.Principals {
		switch {
		case s.NotPrincipal:
			return "allows everyone but " + p.Value, everyone
		case p.everyone():
			text, r = fmt.Sprintf("allows everyone (%s principal %q)", p.Kind, p.Value), everyone
			continue
		}
		if at := j.reach(p.who()); at > r {
			text, r = notAllowed(p.who(), p.Kind+" principal"), at
		}
	}
	return text, r
}

// notAllowed says whom a principal or a key lets in.
func notAllowed(w who, by string) string {
	return fmt.Sprintf("lets in %s %s (%s), which is not an allowed one", w.kind, w.id, by)
}

// who gives whom a principal that is not everyone names.
func (p Principal) who() who {
	w := owner(p.Value)
	switch {
	case p.Kind == "AWS" && accountID(p.Value):
		return who{account, p.Value}
	case w.kind == account && (p.Kind == "AWS" || p.Kind == "Federated"):
		return w
	}
	return who{someone, p.Value}
}

// conditions gives how far the statement's conditions let people in, all taken
// together, with whom the company forbids, or why each does not narrow at all.
func (j Judge) conditions(s Statement) (r reach, stranger string, loose []string) {
	r = everyone
	present := s.present()
	for _, c := range s.Conditions {
		at, why := j.condition(c, present[c.Key])
		switch at {
		case allowed:
			return allowed, "", nil
		case forbidden:
			stranger = why
		case everyone:
			loose = append(loose, why)
		}
		r = min(r, at)
	}
	if stranger != "" {
		return forbidden, stranger, nil
	}
	return r, "", loose
}

// condition gives how far one condition lets people in, and why it is further
// than named. present says that the request has the key.
func (j Judge) condition(c Condition, present bool) (r reach, why string) {
	switch {
	case (c.ForAll || c.IfExists) && !present:
		return everyone, c.Key + " also matches a request without it"
	case len(c.Values) == 0:
		return everyone, c.Key + " lists no value"
	}
	for _, v := range c.Values {
		// The values are alternatives: one that is not fixed opens the door.
		w, ok := c.names(v)
		if !ok {
			return everyone, fmt.Sprintf("%s %s %q names nobody", c.Operator, c.Key, v)
		}
		at := j.reach(w)
		if c.Key == "aws:sourcearn" && j.Allowed.source(v) {
			at = allowed
		}
		if at > r {
			r = at
			why = notAllowed(w, c.Key)
		}
	}
	if c.Key == "aws:sourceip" && half(c.Values) {
		return everyone, c.Key + " lists half of all addresses"
	}
	return r, why
}

// half reports whether the IPv4 ranges hold half of all addresses together: many
// ranges, each of which is narrow, are everybody all the same. They are summed
// up, since nobody writes a range twice.
func half(ranges []string) bool {
	const all = 1 << 32
	var sum uint64
	for _, v := range ranges {
		if p, ok := addressRange(v); ok && p.Addr().Is4() {
			sum += all >> p.Bits()
		}
	}
	return sum >= all/2
}

// reach says whether somebody is allowed.
func (j Judge) reach(w who) reach {
	a := j.Allowed
	switch w.kind {
	case account:
		if j.Account != "" && w.id == j.Account {
			return allowed
		}
		return listed(a.Accounts, func(v string) bool { return v == w.id })
	case organization:
		return listed(a.Organizations, func(v string) bool { return v == w.id })
	case network:
		return listed(a.VPCs, func(v string) bool { return v == w.id })
	case endpoint:
		return listed(a.Endpoints, func(v string) bool { return v == w.id })
	case source:
		return listed(a.SourceARNs, func(v string) bool { return pattern.Match(v, w.id) })
	case addresses:
		got, _ := addressRange(w.id)
		if slices.ContainsFunc(private, func(p netip.Prefix) bool { return holds(p, got) }) {
			return allowed
		}
		return listed(a.Ranges, func(v string) bool { p, ok := addressRange(v); return ok && holds(p, got) })
	}
	return named
}

// listed says what a list makes of somebody whom one of its entries may match.
func listed(list []string, match func(string) bool) reach {
	switch {
	case len(list) == 0:
		return named
	case slices.ContainsFunc(list, match):
		return allowed
	}
	return forbidden
}

// private are the ranges from which no request comes: what arrives over a VPC
// endpoint has no aws:SourceIp.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourceip
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("fc00::/7"),
}

func holds(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// services finds a service that acts for any AWS customer: one that must name what
// it acts for, in a statement without a condition that does so.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html#cross-service-confused-deputy-prevention
func (j Judge) services(s Statement) (Fault, string) {
	var names []string
	for _, p := range s.Principals {
		if p.Kind == "Service" && !s.NotPrincipal {
			names = append(names, p.Value)
		}
	}
	present := s.present()
	for _, c := range s.Conditions {
		r, _ := j.condition(c, present[c.Key])
		switch {
		case r == everyone:
		case c.Key == "aws:principalservicename": // names the service, not what it acts for
			names = append(names, c.Values...)
		default:
			return Fine, ""
		}
	}
	for _, name := range names {
		if slices.ContainsFunc(j.Bound, func(p string) bool { return pattern.Match(p, name) }) {
			return Unbound, fmt.Sprintf("lets in service %s for any AWS customer: no condition says for which resource or account (aws:SourceArn, aws:SourceAccount)", name)
		}
	}
	return Fine, ""
}
