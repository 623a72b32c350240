// Package grouptest is a security group to test functions with: a fake of EC2's
// calls about one, and the world that the conformance suite wants.
package grouptest

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

	"github.com/ebb-ops/ebb/pkg/cloud/groupstore"
)

// Fake is one security group and its prefix lists, with EC2's answers: a call
// that holds one bad item does nothing at all. Pages hold two items.
type Fake struct {
	Group string // empty when there is none
	Tags  map[string]string
	Rules map[string]types.SecurityGroupRule // of both directions, by id
	Lists map[string][]string
	Calls []string
	Deny  string // the call that is refused

	mu   sync.Mutex
	made int
}

// AllOut is the id of the rule that EC2 gives every group.
const AllOut = "sgr-egress"

// NewFake gives a group with the rule that EC2 gives every one: all may go out.
func NewFake() *Fake {
	return &Fake{
		Group: "sg-0fake", Lists: map[string][]string{},
		Rules: map[string]types.SecurityGroupRule{AllOut: {
			SecurityGroupRuleId: aws.String(AllOut), IsEgress: aws.Bool(true), IpProtocol: aws.String("-1"),
			FromPort: aws.Int32(-1), ToPort: aws.Int32(-1), CidrIpv4: aws.String("0.0.0.0/0"),
		}},
	}
}

func apiError(code string) error {
	return &smithy.GenericAPIError{Code: code, Message: "as EC2 says it"}
}

// enter counts a call and checks that the group is there.
func (f *Fake) enter(call, group string) error {
	f.mu.Lock()
	f.Calls = append(f.Calls, call)
	switch {
	case call == f.Deny:
		return apiError("UnauthorizedOperation")
	case group != f.Group:
		return apiError("InvalidGroup.NotFound")
	}
	return nil
}

// DescribeSecurityGroups is EC2's.
func (f *Fake) DescribeSecurityGroups(_ context.Context, in *ec2.DescribeSecurityGroupsInput, _ ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupsOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeSecurityGroups", in.GroupIds[0]); err != nil {
		return nil, err
	}
	return &ec2.DescribeSecurityGroupsOutput{SecurityGroups: []types.SecurityGroup{{Tags: awsTags(f.Tags)}}}, nil
}

// DescribeSecurityGroupRules is EC2's.
func (f *Fake) DescribeSecurityGroupRules(_ context.Context, in *ec2.DescribeSecurityGroupRulesInput, _ ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupRulesOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeSecurityGroupRules", f.Group); err != nil {
		return nil, err
	}
	var all []types.SecurityGroupRule
	if in.Filters[0].Values[0] == f.Group { // a filter that matches nothing is no error
		for _, id := range slices.Sorted(maps.Keys(f.Rules)) {
			all = append(all, f.Rules[id])
		}
	}
	page, next := page(all, in.NextToken)
	return &ec2.DescribeSecurityGroupRulesOutput{SecurityGroupRules: page, NextToken: next}, nil
}

// GetManagedPrefixListEntries is EC2's.
func (f *Fake) GetManagedPrefixListEntries(_ context.Context, in *ec2.GetManagedPrefixListEntriesInput, _ ...func(*ec2.Options)) (*ec2.GetManagedPrefixListEntriesOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("GetManagedPrefixListEntries", f.Group); err != nil {
		return nil, err
	}
	cidrs, ok := f.Lists[*in.PrefixListId]
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

// RevokeSecurityGroupIngress is EC2's.
func (f *Fake) RevokeSecurityGroupIngress(_ context.Context, in *ec2.RevokeSecurityGroupIngressInput, _ ...func(*ec2.Options)) (*ec2.RevokeSecurityGroupIngressOutput, error) {
	return &ec2.RevokeSecurityGroupIngressOutput{Return: aws.Bool(true)}, f.revoke("RevokeSecurityGroupIngress", *in.GroupId, in.SecurityGroupRuleIds, false)
}

// RevokeSecurityGroupEgress is EC2's.
func (f *Fake) RevokeSecurityGroupEgress(_ context.Context, in *ec2.RevokeSecurityGroupEgressInput, _ ...func(*ec2.Options)) (*ec2.RevokeSecurityGroupEgressOutput, error) {
	return &ec2.RevokeSecurityGroupEgressOutput{Return: aws.Bool(true)}, f.revoke("RevokeSecurityGroupEgress", *in.GroupId, in.SecurityGroupRuleIds, true)
}

func (f *Fake) revoke(call, group string, ids []string, egress bool) error {
	defer f.mu.Unlock()
	if err := f.enter(call, group); err != nil {
		return err
	}
	for _, id := range ids {
		if r, ok := f.Rules[id]; !ok || aws.ToBool(r.IsEgress) != egress {
			return apiError("InvalidSecurityGroupRuleId.NotFound")
		}
	}
	for _, id := range ids {
		delete(f.Rules, id)
	}
	return nil
}

// ModifySecurityGroupRules is EC2's.
func (f *Fake) ModifySecurityGroupRules(_ context.Context, in *ec2.ModifySecurityGroupRulesInput, _ ...func(*ec2.Options)) (*ec2.ModifySecurityGroupRulesOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ModifySecurityGroupRules", *in.GroupId); err != nil {
		return nil, err
	}
	after := maps.Clone(f.Rules)
	for _, u := range in.SecurityGroupRules {
		old, ok := after[*u.SecurityGroupRuleId]
		if !ok {
			return nil, apiError("InvalidSecurityGroupRuleId.NotFound")
		}
		r := u.SecurityGroupRule
		rule := types.SecurityGroupRule{
			SecurityGroupRuleId: u.SecurityGroupRuleId, IsEgress: old.IsEgress, Tags: old.Tags,
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
	f.Rules = after
	return &ec2.ModifySecurityGroupRulesOutput{Return: aws.Bool(true)}, nil
}

// AuthorizeSecurityGroupIngress is EC2's.
func (f *Fake) AuthorizeSecurityGroupIngress(_ context.Context, in *ec2.AuthorizeSecurityGroupIngressInput, _ ...func(*ec2.Options)) (*ec2.AuthorizeSecurityGroupIngressOutput, error) {
	return &ec2.AuthorizeSecurityGroupIngressOutput{}, f.authorize("AuthorizeSecurityGroupIngress", *in.GroupId, in.IpPermissions, in.TagSpecifications, false)
}

// AuthorizeSecurityGroupEgress is EC2's.
func (f *Fake) AuthorizeSecurityGroupEgress(_ context.Context, in *ec2.AuthorizeSecurityGroupEgressInput, _ ...func(*ec2.Options)) (*ec2.AuthorizeSecurityGroupEgressOutput, error) {
	return &ec2.AuthorizeSecurityGroupEgressOutput{}, f.authorize("AuthorizeSecurityGroupEgress", *in.GroupId, in.IpPermissions, in.TagSpecifications, true)
}

func (f *Fake) authorize(call, group string, permissions []types.IpPermission, tags []types.TagSpecification, egress bool) error {
	defer f.mu.Unlock()
	if err := f.enter(call, group); err != nil {
		return err
	}
	after := maps.Clone(f.Rules)
	for _, p := range permissions {
		f.made++
		rule := types.SecurityGroupRule{
			SecurityGroupRuleId: aws.String(fmt.Sprintf("sgr-%017x", f.made)),
			IsEgress:            &egress, IpProtocol: p.IpProtocol, FromPort: p.FromPort, ToPort: p.ToPort,
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
		for _, s := range tags {
			rule.Tags = s.Tags
		}
		if held(after, rule) {
			return apiError("InvalidPermission.Duplicate")
		}
		after[*rule.SecurityGroupRuleId] = rule
	}
	f.Rules = after
	return nil
}

// held reports whether one of the rules of r's direction has its opening:
// descriptions don't count.
func held(rules map[string]types.SecurityGroupRule, r types.SecurityGroupRule) bool {
	want, err := groupstore.FromAWS(r)
	if err != nil {
		return false
	}
	for _, other := range rules {
		if o, err := groupstore.FromAWS(other); err == nil && o.Opening == want.Opening && aws.ToBool(other.IsEgress) == aws.ToBool(r.IsEgress) {
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
