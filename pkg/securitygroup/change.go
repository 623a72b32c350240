package securitygroup

import (
	"maps"
	"slices"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Revocation removes rules by id, whatever they look like by now: naming them
// by their properties needs an exact match.
type Revocation struct {
	Group     string
	Direction Direction
	IDs       []string
}

// Modification gives rules, found by id, another form.
type Modification struct {
	Group string
	Rules []Rule
}

// Authorization adds rules that have the same tags. They get new ids.
type Authorization struct {
	Group     string
	Direction Direction
	Rules     []Rule
}

// Call gives ec2:RevokeSecurityGroupIngress or …Egress.
func (c Revocation) Call() remedy.Call {
	return remedy.Call{API: "ec2:RevokeSecurityGroup" + string(c.Direction), Params: map[string]any{
		"GroupId": c.Group, "SecurityGroupRuleIds": c.IDs,
	}}
}

// Call gives ec2:ModifySecurityGroupRules.
func (c Modification) Call() remedy.Call {
	updates := make([]any, len(c.Rules))
	for i, r := range c.Rules {
		rule := map[string]any{"IpProtocol": r.Protocol, "FromPort": r.From, "ToPort": r.To, "Description": r.Description}
		switch {
		case r.PrefixList != "":
			rule["PrefixListId"] = r.PrefixList
		case r.Group != "":
			rule["ReferencedGroupId"] = r.Group
		case IsV6(r.CIDR):
			rule["CidrIpv6"] = r.CIDR
		default:
			rule["CidrIpv4"] = r.CIDR
		}
		updates[i] = map[string]any{"SecurityGroupRuleId": r.ID, "SecurityGroupRule": rule}
	}
	return remedy.Call{API: "ec2:ModifySecurityGroupRules", Params: map[string]any{
		"GroupId": c.Group, "SecurityGroupRules": updates,
	}}
}

// Call gives ec2:AuthorizeSecurityGroupIngress or …Egress.
func (c Authorization) Call() remedy.Call {
	permissions := make([]any, len(c.Rules))
	for i, r := range c.Rules {
		source := map[string]any{}
		if r.Description != "" {
			source["Description"] = r.Description
		}
		permission := map[string]any{"IpProtocol": r.Protocol, "FromPort": r.From, "ToPort": r.To}
		switch {
		case r.PrefixList != "":
			source["PrefixListId"] = r.PrefixList
			permission["PrefixListIds"] = []any{source}
		case r.Group != "":
			source["GroupId"] = r.Group
			if r.GroupOwner != "" {
				source["UserId"] = r.GroupOwner
			}
			if r.Peering != "" {
				source["VpcPeeringConnectionId"] = r.Peering
			}
			permission["UserIdGroupPairs"] = []any{source}
		case IsV6(r.CIDR):
			source["CidrIpv6"] = r.CIDR
			permission["Ipv6Ranges"] = []any{source}
		default:
			source["CidrIp"] = r.CIDR
			permission["IpRanges"] = []any{source}
		}
		permissions[i] = permission
	}
	params := map[string]any{"GroupId": c.Group, "IpPermissions": permissions}
	if tags := c.Rules[0].Tags; len(tags) > 0 {
		list := make([]any, 0, len(tags))
		for _, k := range slices.Sorted(maps.Keys(tags)) {
			list = append(list, map[string]string{"Key": k, "Value": tags[k]})
		}
		params["TagSpecifications"] = []any{map[string]any{"ResourceType": "security-group-rule", "Tags": list}}
	}
	return remedy.Call{API: "ec2:AuthorizeSecurityGroup" + string(c.Direction), Params: params}
}
