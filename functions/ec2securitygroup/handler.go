// Package ec2securitygroup takes rules that open risky ports to the world out
// of security groups, and leaves all other rules as they are.
package ec2securitygroup

import (
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/securitygroup"
)

// Function removes world-open rules for risky ports. Where a rule was widened
// and its earlier form is known, that form comes back instead.
//
// Reading takes one round of two calls at once, and a second round when rules
// name prefix lists. ec2:CreateTags is needed to undo the removal of a rule
// that had tags; a policy may narrow it with the condition ec2:CreateAction =
// AuthorizeSecurityGroupIngress.
var Function = remedy.Function{
	Name:     "ec2-security-group",
	Title:    "Removes security group rules that open risky ports to the world",
	Severity: remedy.High,
	Triggers: []remedy.Trigger{{
		Source: "aws.ec2",
		Names:  []string{"AuthorizeSecurityGroupIngress", "ModifySecurityGroupRules"},
	}},
	Actions: []string{
		"ec2:AuthorizeSecurityGroupIngress",
		"ec2:CreateTags",
		"ec2:DescribeSecurityGroupRules",
		"ec2:DescribeSecurityGroups",
		"ec2:GetManagedPrefixListEntries",
		"ec2:ModifySecurityGroupRules",
		"ec2:RevokeSecurityGroupIngress",
	},
	Params: Defaults(),
	Doc: remedy.Doc{
		Bad: "An inbound rule breaks the policy when it opens a risky port, over TCP or UDP, to the world: to a range of addresses wider than widest_v4 or widest_v6 " +
			"that is neither private nor in allowed_cidrs, or to a prefix list that holds one. A rule for a range of ports that holds a risky one, for all ports or " +
			"for all protocols opens it too, and the world cut in pieces or written as IPv4-mapped IPv6 is the world. Ports meant for the public, such as those of the web " +
			"and of mail, are not risky, and rules for other groups are never bad. Outbound rules are another function's.",
		Repair: "A rule that the last known compliant state has in another form takes that form again (ModifySecurityGroupRules), under its own id. " +
			"Any other offending rule, and every one where no compliant state is known, is revoked by its id (RevokeSecurityGroupIngress), all of them in one call.",
		Keeps: "All other inbound rules, every outbound rule, the group's tags and the tags of rules.",
		Limits: []string{
			"A prefix list is read when a rule changes, not when the list does.",
			"A rule that an undo adds again has another id.",
			"A group with a rule whose source is of a kind that is not known here is left alone, with an error.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
			"https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySecurityGroupRules.html",
			"https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-19",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, remedy.Change, Params]{
	Decode: securitygroup.Decode, Check: check, Repair: repair, Diff: diff,
}

// Target is one security group.
type Target = securitygroup.Target
