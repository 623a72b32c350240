package policydoc

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ebb-ops/ebb/pkg/pattern"
)

// Allowed is whom a company lets into its resources beside the account that holds
// them. An empty list means that what it is about is not judged.
type Allowed struct {
	Accounts      []string `json:"accounts,omitempty" jsonschema:"account ids, twelve digits each"`
	Organizations []string `json:"organizations,omitempty" jsonschema:"organization ids, such as o-a1b2c3d4e5"`
	VPCs          []string `json:"vpcs,omitempty" jsonschema:"ids of VPCs, such as vpc-91237329"`
	Endpoints     []string `json:"vpc_endpoints,omitempty" jsonschema:"ids of VPC endpoints, such as vpce-1a2b3c4d"`
	Ranges        []string `json:"ip_ranges,omitempty" jsonschema:"addresses and ranges, such as 203.0.113.0/24; a narrower range is allowed too, and private ones always are"`
	SourceARNs    []string `json:"source_arns,omitempty" jsonschema:"patterns of ARNs that services may act for, such as arn:aws:s3:::acme-*; they also judge ARNs without an account"`
}

var organizationID = regexp.MustCompile(`^o-[a-z0-9]{10,32}$`)

// Validate reports the first entry that can't be what its list is of.
func (a Allowed) Validate() error {
	for _, list := range []struct {
		name, like string
		values     []string
		ok         func(string) bool
	}{
		{"accounts", "an account id of twelve digits", a.Accounts, accountID},
		{"organizations", "an organization id such as o-a1b2c3d4e5", a.Organizations, organizationID.MatchString},
		{"vpcs", "a VPC's id such as vpc-91237329", a.VPCs, func(v string) bool { return strings.HasPrefix(v, "vpc-") && !wild(v) }},
		{"vpc_endpoints", "a VPC endpoint's id such as vpce-1a2b3c4d", a.Endpoints, func(v string) bool { return strings.HasPrefix(v, "vpce-") && !wild(v) }},
		{"ip_ranges", "a range such as 203.0.113.0/24 that is not broader than /8, or /32 of IPv6", a.Ranges, narrowRange},
		{"source_arns", "a pattern of ARNs such as arn:aws:s3:::acme-*", a.SourceARNs, func(v string) bool { return strings.HasPrefix(v, "arn:") && pattern.Valid(v) == nil }},
	} {
		if i := slices.IndexFunc(list.values, func(v string) bool { return !list.ok(v) }); i >= 0 {
			return fmt.Errorf("%s[%d]: %q is not %s", list.name, i, list.values[i], list.like)
		}
	}
	return nil
}

// ValidateBound reports the first of [Judge.Bound]'s patterns that can't be used.
func ValidateBound(patterns []string) error {
	if i := slices.IndexFunc(patterns, func(v string) bool { return v == "" || pattern.Valid(v) != nil }); i >= 0 {
		return fmt.Errorf("[%d]: %q is not a pattern of services such as s3.amazonaws.com", i, patterns[i])
	}
	return nil
}

// source reports whether a service may act for the ARN, which is without wildcards.
func (a Allowed) source(arn string) bool {
	return !wild(arn) && slices.ContainsFunc(a.SourceARNs, func(p string) bool { return pattern.Match(p, arn) })
}
