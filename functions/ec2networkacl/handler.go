// Package ec2networkacl takes rules that let the world reach risky ports out of
// network ACLs, and leaves all other rules as they are.
package ec2networkacl

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/netrange"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function removes inbound rules that allow the world to reach risky ports.
// Where a rule was replaced and its earlier form is known, that form comes back
// instead. Deleting a rule is watched too: a deny may have kept a later rule harmless.
//
// Reading takes one call.
var Function = remedy.Function{
	Name:     "ec2-network-acl",
	Title:    "Removes network ACL rules that let the world reach risky ports",
	Severity: remedy.Medium,
	Triggers: []remedy.Trigger{{
		Source: "aws.ec2",
		Names:  []string{"CreateNetworkAclEntry", "DeleteNetworkAclEntry", "ReplaceNetworkAclEntry"},
	}},
	Actions: []string{
		"ec2:CreateNetworkAclEntry",
		"ec2:DeleteNetworkAclEntry",
		"ec2:DescribeNetworkAcls",
		"ec2:ReplaceNetworkAclEntry",
	},
	Params: Defaults(),
	Doc: remedy.Doc{
		Bad: "An inbound rule breaks the policy when it allows a risky port, over TCP or UDP, from the world: from a range of addresses " +
			"wider than widest_v4 or widest_v6 that is neither private nor in allowed_cidrs. A rule for a range of ports that holds a risky one, " +
			"or for all protocols, allows that port too. Rules work in the order of their numbers, so what earlier rules deny is taken off first: " +
			"an allow that is the world only on paper breaks nothing. A default ACL is left alone unless default_acls is set, and so are ranges for " +
			"the answers to connections from within, as long as return_traffic is set. Outbound rules are not judged.",
		Repair: "A rule that the last known compliant state has in another form is replaced by that form (ReplaceNetworkAclEntry), under its own number. " +
			"A rule that it has just so was harmless behind a deny that is gone or replaced: that deny comes back. Any other offending rule, and every one " +
			"where no compliant state is known, is deleted (DeleteNetworkAclEntry).",
		Keeps: "All other inbound rules, every outbound rule, the ACL's subnets and its tags. The rule with the number * can't be changed by anybody.",
		Limits: []string{
			"A network ACL is the second wall: what it allows is reached only where a security group allows it too.",
			"Which subnets an ACL belongs to is not looked at: an ACL without any is judged as well.",
			"A deny must name both TCP and UDP, or all protocols, to take a port off a rule for all protocols.",
			"EC2 keeps no tags of single rules: an exemption can name the ACL's tags only.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html",
			"https://docs.aws.amazon.com/vpc/latest/userguide/nacl-ephemeral-ports.html",
			"https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-21",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// Params is what a policy may set.
type Params struct {
	RiskyPorts    []int    `json:"risky_ports" jsonschema:"TCP and UDP ports that no inbound rule may open to the world. A rule for a range that holds one of them, or for all protocols, opens it too. A list given here replaces the default one."`
	AllowedCIDRs  []string `json:"allowed_cidrs" jsonschema:"IPv4 and IPv6 address ranges, however wide, that rules may allow, whole or in part: an office's or a partner's."`
	WidestV4      int      `json:"widest_v4" jsonschema:"The shortest IPv4 prefix length that is not yet the world. With 8, 0.0.0.0/1 is the world and 52.0.0.0/8 is not. Private ranges never are."`
	WidestV6      int      `json:"widest_v6" jsonschema:"The shortest IPv6 prefix length that is not yet the world. With 16, 2000::/3 is the world and 2600:1f00::/24 is not. Private ranges never are."`
	ReturnTraffic bool     `json:"return_traffic" jsonschema:"Whether a range of TCP or UDP ports that begins at 1024 or later and reaches 60999 or beyond is let be. Network ACLs keep no state, so without such a rule no answer to a connection from within comes back. With false such ranges are judged too: a deny ahead of them can take risky ports out."`
	DefaultACLs   bool     `json:"default_acls" jsonschema:"Whether default network ACLs are judged too. AWS makes each with a rule 100 that allows everything, so beside it no other rule weakens them."`
}

// Defaults gives the parameters that hold where a policy sets none. The ports
// are those of AWS's control EC2.21, which leaves default ACLs alone as well.
// https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-21
func Defaults() Params {
	return Params{
		RiskyPorts: []int{22, 3389}, // SSH, RDP
		WidestV4:   netrange.WidestV4, WidestV6: netrange.WidestV6,
		ReturnTraffic: true,
	}
}

// Validate reports the first parameter that makes no sense.
func (p Params) Validate() error {
	if err := netrange.CheckPorts("risky_ports", p.RiskyPorts); err != nil {
		return err
	}
	return netrange.Check(p.AllowedCIDRs, p.WidestV4, p.WidestV6)
}

// Target is one network ACL.
type Target struct {
	ACL     string `json:"acl"`
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Ref names the ACL by its ARN.
func (t Target) Ref() remedy.Ref {
	return remedy.Ref{
		Type:    "AWS::EC2::NetworkAcl",
		ID:      cloudtrail.ARN(t.Region, "ec2", t.Region, t.Account, "network-acl/"+t.ACL),
		Account: t.Account,
		Region:  t.Region,
	}
}

type request struct {
	ACL string `json:"networkAclId"`
}

func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[request, struct{}](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	id := rec.Request.ACL
	switch {
	case id == "":
		return nil, errors.New("the event holds no network ACL id: requestParameters.networkAclId is missing")
	case !strings.HasPrefix(id, "acl-"):
		return nil, fmt.Errorf("the event's network ACL id %q does not start with acl-", id)
	case ev.Account == "" || ev.Region == "":
		return nil, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	}
	return []Target{{id, ev.Account, ev.Region}}, nil
}
