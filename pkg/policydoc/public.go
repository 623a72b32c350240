package policydoc

import (
	"fmt"
	"net/netip"
	"strings"
)

// Public reports whether the statement lets in people whom it does not name,
// and why, as the rest of a sentence that begins with the statement.
//
// It follows S3's meaning of "public": an Allow is public unless its principals
// are fixed, or a condition allows only fixed values of a key that says who
// calls or from where. A fixed value has no wildcard and no policy variable.
// Which actions are allowed does not matter.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
func (s Statement) Public() (public bool, why string) {
	if !s.Allow {
		return false, ""
	}
	who := ""
	for _, p := range s.Principals {
		switch {
		case s.NotPrincipal:
			who = "allows everyone but " + p.Value
		case p.everyone():
			who = fmt.Sprintf("allows everyone (%s principal %q)", p.Kind, p.Value)
		}
	}
	if who == "" {
		return false, ""
	}
	present := s.present()
	var loose []string
	for _, c := range s.Conditions {
		ok, why := c.narrows(present[c.Key])
		if ok {
			return false, ""
		}
		loose = append(loose, why)
	}
	if len(loose) == 0 {
		return true, who + " without a condition"
	}
	return true, who + ", which its conditions do not narrow: " + strings.Join(loose, "; ")
}

// anonymous is the canonical user that a request without a signature has.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
const anonymous = "65a011a29cdf8ec533ec3d1ccaae921c"

func (p Principal) everyone() bool {
	return wild(p.Value) || p.Kind == "CanonicalUser" && p.Value == anonymous
}

// present gives the keys without which the statement does not apply: those of
// {"Null": {key: "false"}}.
func (s Statement) present() map[string]bool {
	var out map[string]bool
	for _, c := range s.Conditions {
		if c.Operator != "Null" || c.ForAll || c.ForAny || len(c.Values) == 0 {
			continue
		}
		must := true
		for _, v := range c.Values {
			must = must && strings.EqualFold(v, "false")
		}
		if must {
			if out == nil {
				out = map[string]bool{}
			}
			out[c.Key] = true
		}
	}
	return out
}

// narrows reports whether the condition lets in only those whom it names, and
// if not, why. present says that the request has the key.
func (c Condition) narrows(present bool) (ok bool, why string) {
	if (c.ForAll || c.IfExists) && !present {
		return false, c.Key + " also matches a request without it"
	}
	if len(c.Values) == 0 {
		return false, c.Key + " lists no value"
	}
	for _, v := range c.Values {
		// The values are alternatives: one that is not fixed opens the door.
		if !c.fixed(v) {
			return false, fmt.Sprintf("%s %s %q names nobody", c.Operator, c.Key, v)
		}
	}
	return true, ""
}

// fixed reports whether v, under this operator and key, names whom it lets in.
// The keys are the guide's (see [Statement.Public]), and those that AWS has
// added since for the same purpose: they name an account or an organization.
// Its older editions also had s3:x-amz-server-side-encryption-aws-kms-key-id,
// which says nothing about the caller.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (c Condition) fixed(v string) bool {
	text := c.Operator == "StringEquals" || c.Operator == "StringEqualsIgnoreCase" || c.Operator == "StringLike"
	arn := c.Operator == "ArnEquals" || c.Operator == "ArnLike"
	switch c.Key {
	case "aws:sourceip":
		return c.Operator == "IpAddress" && narrowRange(v)
	case "aws:sourcevpc", "aws:sourcevpce", "aws:vpceaccount", "aws:vpceorgid",
		"aws:sourceowner", "aws:sourceaccount", "aws:sourceorgid",
		"aws:principalaccount", "aws:principalorgid", "aws:principalservicename",
		"s3:dataaccesspointaccount":
		return text && v != "" && !wild(v)
	case "aws:principalorgpaths", "aws:sourceorgpaths", "aws:vpceorgpaths":
		// "o-a1b2c3d4e5/r-ab12/*": what follows the organization only narrows it.
		org, _, _ := strings.Cut(v, "/")
		return text && org != "" && !wild(org)
	case "aws:userid":
		return text && v != "" && (!wild(v) || roleSession(v))
	case "aws:sourcearn":
		return text && owned(v, false) || arn && owned(v, true)
	case "aws:principalarn", "aws:sourcevpcarn", "s3:dataaccesspointarn":
		// No colon can be in the last part of these, so that a wildcard before
		// the account can't reach over it.
		return (text || arn) && owned(v, true)
	}
	return false
}

// wild reports whether v has a wildcard or a policy variable, which both stand
// for values that are not written down.
func wild(v string) bool {
	return strings.ContainsAny(v, "*?") || strings.Contains(v, "${")
}

// roleSession reports whether v is "AROLEID:*": any session of one role. The
// id of a role is unique and AWS gives it out, so it names the role.
func roleSession(v string) bool {
	const shortest = 16 // https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html
	id, session, ok := strings.Cut(v, ":")
	return ok && strings.HasPrefix(id, "AROA") && len(id) >= shortest && !wild(id) && session != "" && !strings.Contains(session, "${")
}

// owned reports whether the ARN v names its owner: it is fixed, or the account
// in it is. The guide says so of access points, "as long as the account ID is
// fixed"; it holds of every ARN with an account. anywhere says that wildcards
// may also stand before the account: not where a string operator compares the
// whole, since "arn:aws:sns:*:123456789012:x" then matches an ARN of another
// account with ":123456789012:x" at its end.
func owned(v string, anywhere bool) bool {
	if v == "" || !wild(v) {
		return v != ""
	}
	parts := strings.SplitN(v, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" || !accountID(parts[4]) {
		return false
	}
	before := strings.Join(parts[:4], ":")
	return !wild(before) || anywhere && !strings.Contains(before, "${")
}

func accountID(v string) bool {
	const digits = 12
	return len(v) == digits && strings.Trim(v, "0123456789") == ""
}

// narrowRange reports whether v is an address, or a range that the guide does
// not call very broad: none "broader than /8 for IPv4 and /32 for IPv6".
func narrowRange(v string) bool {
	const broadest4, broadest6, mapped = 8, 32, 96
	if _, err := netip.ParseAddr(v); err == nil {
		return true
	}
	p, err := netip.ParsePrefix(v)
	switch {
	case err != nil:
		return false
	case p.Addr().Is4():
		return p.Bits() >= broadest4
	case p.Addr().Is4In6(): // ::ffff:0.0.0.0/96 is all of IPv4
		return p.Bits() >= mapped+broadest4
	}
	return p.Bits() >= broadest6
}
