package policydoc

import (
	"net/netip"
	"strings"
)

// Public reports whether the statement lets in people whom it does not name,
// and why, as the rest of a sentence that begins with the statement.
//
// It follows S3's meaning of "public", for all services: an Allow is public
// unless its principals are fixed, or a condition allows only fixed values of a
// key that says who calls or from where. A fixed value has no wildcard and no
// policy variable. Which actions are allowed does not matter.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
func (s Statement) Public() (public bool, why string) {
	fault, why := Judge{}.Statement(s)
	return fault == Public, why
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

// who is somebody that a statement names.
type who struct {
	kind kind
	id   string
}

// kind is what somebody is named by.
type kind string

const (
	someone      kind = "somebody" // fixed, but of no kind that a company lists
	account      kind = "account"
	organization kind = "organization"
	network      kind = "VPC"
	endpoint     kind = "VPC endpoint"
	addresses    kind = "address range"
	source       kind = "resource" // by an ARN without an account
)

// names gives whom v, under this operator and key, lets in; not ok when that is
// not fixed. The keys are the guide's (see [Statement.Public]), and those that AWS
// has added since, or has for other services, for the same purpose: they name an
// account or an organization. The guide's older editions also had
// s3:x-amz-server-side-encryption-aws-kms-key-id, which says nothing about the
// caller; nor do lambda:FunctionUrlAuthType (any account can sign), kms:ViaService
// (any caller through it) and sns:Endpoint (where messages go).
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (c Condition) names(v string) (who, bool) {
	text := c.Operator == "StringEquals" || c.Operator == "StringEqualsIgnoreCase" || c.Operator == "StringLike"
	arn := c.Operator == "ArnEquals" || c.Operator == "ArnLike"
	literal := text && v != "" && !wild(v)
	switch c.Key {
	case "aws:sourceip":
		return who{addresses, v}, c.Operator == "IpAddress" && narrowRange(v)
	case "aws:sourcevpc":
		return who{network, v}, literal
	case "aws:sourcevpce":
		return who{endpoint, v}, literal
	case "aws:vpceaccount", "aws:sourceowner", "aws:sourceaccount", "aws:principalaccount", "kms:calleraccount", "s3:dataaccesspointaccount":
		return who{account, v}, literal
	case "aws:vpceorgid", "aws:sourceorgid", "aws:principalorgid":
		return who{organization, v}, literal
	case "aws:principalservicename", "lambda:eventsourcetoken":
		return who{someone, v}, literal
	case "aws:principalorgpaths", "aws:sourceorgpaths", "aws:vpceorgpaths":
		// "o-a1b2c3d4e5/r-ab12/*": what follows the organization only narrows it.
		org, _, _ := strings.Cut(v, "/")
		return who{organization, org}, text && org != "" && !wild(org)
	case "aws:userid":
		return who{someone, v}, text && v != "" && (!wild(v) || roleSession(v))
	case "aws:sourcearn":
		return owner(v), text && owned(v, false) || arn && owned(v, true)
	case "aws:principalarn", "aws:sourcevpcarn", "s3:dataaccesspointarn":
		// No colon can be in the last part of these, so that a wildcard before
		// the account can't reach over it.
		return owner(v), (text || arn) && owned(v, true)
	}
	return who{}, false
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

// owner gives who owns what an ARN names: its account, or where the service
// writes none, as S3 does for buckets, the ARN itself.
func owner(arn string) who {
	const account5th = 5
	if parts := strings.SplitN(arn, ":", account5th+1); len(parts) >= account5th && accountID(parts[account5th-1]) {
		return who{account, parts[account5th-1]}
	}
	return who{source, arn}
}

func accountID(v string) bool {
	const digits = 12
	return len(v) == digits && strings.Trim(v, "0123456789") == ""
}

// narrowRange reports whether v is an address, or a range that the guide does
// not call very broad: none "broader than /8 for IPv4 and /32 for IPv6".
func narrowRange(v string) bool {
	const broadest4, broadest6 = 8, 32
	p, ok := addressRange(v)
	switch {
	case !ok:
		return false
	case p.Addr().Is4():
		return p.Bits() >= broadest4
	}
	return p.Bits() >= broadest6 && !p.Contains(netip.MustParseAddr("::ffff:0.0.0.0")) // a part of IPv6 that holds all of IPv4
}

// addressRange reads an address or a range, host bits set or not. IPv4 written
// as IPv6 is IPv4: ::ffff:0.0.0.0/96 is all of it.
func addressRange(v string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(v); err == nil {
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	const mapped = 96
	p, err := netip.ParsePrefix(v)
	if err != nil {
		return netip.Prefix{}, false
	}
	if p.Addr().Is4In6() && p.Bits() >= mapped {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mapped)
	}
	return p.Masked(), true
}
