// Package ec2securitygroupegress takes rules that let forbidden ports out to the
// world out of security groups, and leaves all other rules as they are.
package ec2securitygroupegress

import (
	"github.com/ebb-ops/ebb/pkg/netrange"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/securitygroup"
)

// Function removes outbound rules to the world for forbidden ports. Where a rule
// was widened and its earlier form is known, that form comes back instead.
//
// Reading takes one round of two calls at once, and a second round when rules
// name prefix lists. ec2:CreateTags is needed to undo the removal of a rule
// that had tags.
var Function = remedy.Function{
	Name:     "ec2-security-group-egress",
	Title:    "Removes security group rules that let forbidden ports out to the world",
	Severity: remedy.Medium,
	Triggers: []remedy.Trigger{{
		Source: "aws.ec2",
		Names:  []string{"AuthorizeSecurityGroupEgress", "ModifySecurityGroupRules"},
	}},
	Actions: []string{
		"ec2:AuthorizeSecurityGroupEgress",
		"ec2:CreateTags",
		"ec2:DescribeSecurityGroupRules",
		"ec2:DescribeSecurityGroups",
		"ec2:GetManagedPrefixListEntries",
		"ec2:ModifySecurityGroupRules",
		"ec2:RevokeSecurityGroupEgress",
	},
	Params: Defaults(),
	Doc: remedy.Doc{
		Bad: "An outbound rule breaks the policy when it opens a forbidden port, over TCP or UDP, to the world: to a range of addresses wider than widest_v4 or " +
			"widest_v6 that is neither private nor in allowed_cidrs, or to a prefix list that holds one. A rule for a range of ports that holds a forbidden one " +
			"opens it too. Rules for all protocols and ports, such as the one that EC2 gives every new group, are left alone as long as allow_all is set; " +
			"where it is not, they open every forbidden port. Rules to other groups are never bad.",
		Repair: "A rule that the last known compliant state has in another form takes that form again (ModifySecurityGroupRules), under its own id. " +
			"Any other offending rule, and every one where no compliant state is known, is revoked by its id (RevokeSecurityGroupEgress).",
		Keeps: "All other outbound rules, every inbound rule, the group's tags and the tags of rules.",
		Limits: []string{
			"Beside a rule for all protocols and ports the others of a group hold nothing back: to keep ports in, remove that rule and set allow_all to false.",
			"A prefix list is read when a rule changes, not when the list does.",
			"A rule that an undo adds again has another id.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
			"https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupEgress.html",
			"https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, remedy.Change, Params]{
	Decode: securitygroup.Decode, Check: check, Repair: repair, Diff: diff,
}

// Params is what a policy may set.
type Params struct {
	ForbiddenPorts []int    `json:"forbidden_ports" jsonschema:"TCP and UDP ports that no outbound rule may open to the world. A rule for a range that holds one of them opens it too. A list given here replaces the default one."`
	AllowAll       bool     `json:"allow_all" jsonschema:"Whether rules for all protocols and ports may stay, such as the one that EC2 gives every new group. With false they open every forbidden port."`
	AllowedCIDRs   []string `json:"allowed_cidrs" jsonschema:"IPv4 and IPv6 address ranges, however wide, that rules may name, whole or in part: a partner's."`
	WidestV4       int      `json:"widest_v4" jsonschema:"The shortest IPv4 prefix length that is not yet the world. With 8, 0.0.0.0/1 is the world and 52.0.0.0/8 is not. Private ranges never are."`
	WidestV6       int      `json:"widest_v6" jsonschema:"The shortest IPv6 prefix length that is not yet the world. With 16, 2000::/3 is the world and 2600:1f00::/24 is not. Private ranges never are."`
}

// Defaults gives the parameters that hold where a policy sets none. The ports
// are those by which spam, worms and stolen credentials leave, and that no
// service on the internet is meant to be reached at.
func Defaults() Params {
	return Params{
		ForbiddenPorts: []int{
			23,                 // telnet
			25,                 // mail between servers; clients hand it in at 587
			69,                 // TFTP
			111,                // portmapper
			135, 137, 138, 139, // Windows RPC, NetBIOS
			389,  // LDAP
			445,  // SMB
			1099, // Java RMI
			2049, // NFS
			3389, // RDP
			5900, // VNC
			6667, // IRC
		},
		AllowAll: true,
		WidestV4: netrange.WidestV4, WidestV6: netrange.WidestV6,
	}
}

// Validate reports the first parameter that makes no sense.
func (p Params) Validate() error {
	if err := netrange.CheckPorts("forbidden_ports", p.ForbiddenPorts); err != nil {
		return err
	}
	return netrange.Check(p.AllowedCIDRs, p.WidestV4, p.WidestV6)
}

// Target is one security group.
type Target = securitygroup.Target
