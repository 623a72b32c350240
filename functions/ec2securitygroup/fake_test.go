package ec2securitygroup

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

// fake is one security group and its prefix lists, with EC2's answers: a call
// that holds one bad item does nothing at all. Pages hold two items.
type fake struct {
	mu    sync.Mutex
	group string // empty when there is none
	tags  map[string]string
	rules map[string]types.SecurityGroupRule
	lists map[string][]string
	made  int
	calls []string
	deny  string // the call that is refused
}

func newFake() *fake {
	return &fake{group: "sg-0fake", rules: map[string]types.SecurityGroupRule{}, lists: map[string][]string{}}
}

func apiError(code string) error {
	return &smithy.GenericAPIError{Code: code, Message: "as EC2 says it"}
}

// enter counts a call and checks that the group is there.
func (f *fake) enter(call, group string) error {
	f.mu.Lock()
	f.calls = append(f.calls, call)
	switch {
	case call == f.deny:
		return apiError("UnauthorizedOperation")
	case group != f.group:
		return apiError("InvalidGroup.NotFound")
	}
	return nil
}

func (f *fake) DescribeSecurityGroups(_ context.Context, in *ec2.DescribeSecurityGroupsInput, _ ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupsOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeSecurityGroups", in.GroupIds[0]); err != nil {
		return nil, err
	}
	return &ec2.DescribeSecurityGroupsOutput{SecurityGroups: []types.SecurityGroup{{Tags: awsTags(f.tags)}}}, nil
}

func (f *fake) DescribeSecurityGroupRules(_ context.Context, in *ec2.DescribeSecurityGroupRulesInput, _ ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupRulesOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeSecurityGroupRules", f.group); err != nil {
		return nil, err
	}
	var all []types.SecurityGroupRule
	if in.Filters[0].Values[0] == f.group { // a filter that matches nothing is no error
		for _, id := range slices.Sorted(maps.Keys(f.rules)) {
			all = append(all, f.rules[id])
		}
		all = append(all, types.SecurityGroupRule{
			SecurityGroupRuleId: aws.String("sgr-egress"), IsEgress: aws.Bool(true),
			IpProtocol: aws.String("-1"), CidrIpv4: aws.String("0.0.0.0/0"),
		})
	}
	page, next := page(all, in.NextToken)
	return &ec2.DescribeSecurityGroupRulesOutput{SecurityGroupRules: page, NextToken: next}, nil
}

func (f *fake) GetManagedPrefixListEntries(_ context.Context, in *ec2.GetManagedPrefixListEntriesInput, _ ...func(*ec2.Options)) (*ec2.GetManagedPrefixListEntriesOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetManagedPrefixListEntries", f.group); err != nil {
		return nil, err
	}
	cidrs, ok := f.lists[*in.PrefixListId]
	if !ok {
		return nil, apiError("InvalidPrefixListID.NotFound")
	}
	var all []types.PrefixListEntry
	for _, c := range cidrs {
		all = append(all, types.PrefixListEntry{Cidr: aws.String(c)})
	}
	page, next := page(all, in.NextToken)
	return &ec2.GetManagedPrefixListEntriesOutput{Entries: page, NextToken: next}, nil
}

func (f *fake) RevokeSecurityGroupIngress(_ context.Context, in *ec2.RevokeSecurityGroupIngressInput, _ ...func(*ec2.Options)) (*ec2.RevokeSecurityGroupIngressOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("RevokeSecurityGroupIngress", *in.GroupId); err != nil {
		return nil, err
	}
	for _, id := range in.SecurityGroupRuleIds {
		if _, ok := f.rules[id]; !ok {
			return nil, apiError("InvalidSecurityGroupRuleId.NotFound")
		}
	}
	for _, id := range in.SecurityGroupRuleIds {
		delete(f.rules, id)
	}
	return &ec2.RevokeSecurityGroupIngressOutput{Return: aws.Bool(true)}, nil
}

func (f *fake) ModifySecurityGroupRules(_ context.Context, in *ec2.ModifySecurityGroupRulesInput, _ ...func(*ec2.Options)) (*ec2.ModifySecurityGroupRulesOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ModifySecurityGroupRules", *in.GroupId); err != nil {
		return nil, err
	}
	after := maps.Clone(f.rules)
	for _, u := range in.SecurityGroupRules {
		old, ok := after[*u.SecurityGroupRuleId]
		if !ok {
			return nil, apiError("InvalidSecurityGroupRuleId.NotFound")
		}
		r := u.SecurityGroupRule
		rule := types.SecurityGroupRule{
			SecurityGroupRuleId: u.SecurityGroupRuleId, Tags: old.Tags,
			IpProtocol: r.IpProtocol, FromPort: r.FromPort, ToPort: r.ToPort, Description: r.Description,
			CidrIpv4: r.CidrIpv4, CidrIpv6: r.CidrIpv6, PrefixListId: r.PrefixListId,
		}
		if r.ReferencedGroupId != nil {
			rule.ReferencedGroupInfo = &types.ReferencedSecurityGroup{GroupId: r.ReferencedGroupId}
		}
		if (rule.CidrIpv4 == nil) != (old.CidrIpv4 == nil) || (rule.CidrIpv6 == nil) != (old.CidrIpv6 == nil) ||
			(rule.PrefixListId == nil) != (old.PrefixListId == nil) {
			return nil, apiError("InvalidParameterValue")
		}
		delete(after, *u.SecurityGroupRuleId)
		if held(after, rule) {
			return nil, apiError("InvalidPermission.Duplicate")
		}
		after[*u.SecurityGroupRuleId] = rule
	}
	f.rules = after
	return &ec2.ModifySecurityGroupRulesOutput{Return: aws.Bool(true)}, nil
}

func (f *fake) AuthorizeSecurityGroupIngress(_ context.Context, in *ec2.AuthorizeSecurityGroupIngressInput, _ ...func(*ec2.Options)) (*ec2.AuthorizeSecurityGroupIngressOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("AuthorizeSecurityGroupIngress", *in.GroupId); err != nil {
		return nil, err
	}
	after := maps.Clone(f.rules)
	out := &ec2.AuthorizeSecurityGroupIngressOutput{}
	for _, p := range in.IpPermissions {
		f.made++
		rule := types.SecurityGroupRule{
			SecurityGroupRuleId: aws.String(fmt.Sprintf("sgr-%017x", f.made)),
			IpProtocol:          p.IpProtocol, FromPort: p.FromPort, ToPort: p.ToPort,
		}
		for _, r := range p.IpRanges {
			rule.CidrIpv4, rule.Description = r.CidrIp, r.Description
		}
		for _, r := range p.Ipv6Ranges {
			rule.CidrIpv6, rule.Description = r.CidrIpv6, r.Description
		}
		for _, r := range p.PrefixListIds {
			rule.PrefixListId, rule.Description = r.PrefixListId, r.Description
		}
		for _, r := range p.UserIdGroupPairs {
			rule.ReferencedGroupInfo = &types.ReferencedSecurityGroup{GroupId: r.GroupId, UserId: r.UserId, VpcPeeringConnectionId: r.VpcPeeringConnectionId}
			rule.Description = r.Description
		}
		for _, s := range in.TagSpecifications {
			rule.Tags = s.Tags
		}
		if held(after, rule) {
			return nil, apiError("InvalidPermission.Duplicate")
		}
		after[*rule.SecurityGroupRuleId] = rule
		out.SecurityGroupRules = append(out.SecurityGroupRules, rule)
	}
	f.rules = after
	return out, nil
}

// held reports whether one of the rules has r's opening: descriptions don't count.
func held(rules map[string]types.SecurityGroupRule, r types.SecurityGroupRule) bool {
	want, err := fromAWS(r)
	if err != nil {
		return false
	}
	for _, other := range rules {
		if o, err := fromAWS(other); err == nil && o.Opening == want.Opening {
			return true
		}
	}
	return false
}

// page gives the two items from token on.
func page[T any](all []T, token *string) ([]T, *string) {
	var at int
	_, _ = fmt.Sscan(aws.ToString(token), &at)
	end := min(at+2, len(all))
	if end == len(all) {
		return all[at:], nil
	}
	return all[at:end], aws.String(fmt.Sprint(end))
}

func awsTags(tags map[string]string) []types.Tag {
	var out []types.Tag
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	return out
}
