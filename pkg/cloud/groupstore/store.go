// Package groupstore reads and changes the rules of security groups in one
// direction, which is all that the functions about them do with EC2.
package groupstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
	sg "github.com/ebb-ops/ebb/pkg/securitygroup"
)

// Client is the part of EC2's API that the store calls.
type Client interface {
	DescribeSecurityGroups(context.Context, *ec2.DescribeSecurityGroupsInput, ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupsOutput, error)
	DescribeSecurityGroupRules(context.Context, *ec2.DescribeSecurityGroupRulesInput, ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupRulesOutput, error)
	GetManagedPrefixListEntries(context.Context, *ec2.GetManagedPrefixListEntriesInput, ...func(*ec2.Options)) (*ec2.GetManagedPrefixListEntriesOutput, error)
	RevokeSecurityGroupIngress(context.Context, *ec2.RevokeSecurityGroupIngressInput, ...func(*ec2.Options)) (*ec2.RevokeSecurityGroupIngressOutput, error)
	ModifySecurityGroupRules(context.Context, *ec2.ModifySecurityGroupRulesInput, ...func(*ec2.Options)) (*ec2.ModifySecurityGroupRulesOutput, error)
	AuthorizeSecurityGroupIngress(context.Context, *ec2.AuthorizeSecurityGroupIngressInput, ...func(*ec2.Options)) (*ec2.AuthorizeSecurityGroupIngressOutput, error)
	RevokeSecurityGroupEgress(context.Context, *ec2.RevokeSecurityGroupEgressInput, ...func(*ec2.Options)) (*ec2.RevokeSecurityGroupEgressOutput, error)
	AuthorizeSecurityGroupEgress(context.Context, *ec2.AuthorizeSecurityGroupEgressInput, ...func(*ec2.Options)) (*ec2.AuthorizeSecurityGroupEgressOutput, error)
}

// Store reads and changes the rules of one direction.
type Store struct {
	Direction sg.Direction
	Client    func(remedy.Ref) Client
}

// Open gives a store over real clients.
func Open(ctx context.Context, env remedy.Env, direction sg.Direction) (Store, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) Client { return ec2.NewFromConfig(cfg) })
	if err != nil {
		return Store{}, err
	}
	return Store{direction, clients.For}, nil
}

// What EC2 answers. Emulators name a rule that is gone by the older code.
const (
	codeNoGroup   = "InvalidGroup.NotFound"
	codeNoRule    = "InvalidSecurityGroupRuleId.NotFound"
	codeNoRuleOld = "InvalidPermission.NotFound"
	codeDuplicate = "InvalidPermission.Duplicate"
)

// The most that the calls give in one page.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroupRules.html
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetManagedPrefixListEntries.html
const (
	rulesPage   = 1000
	entriesPage = 100
)

// Read gives the group's tags and all its rules of the direction, with the entries of
// the prefix lists they name.
func (s Store) Read(ctx context.Context, t sg.Target) (sg.State, error) {
	c := s.Client(t.Ref())
	var state sg.State
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { state.Tags, err = readTags(gctx, c, t.GroupID); return err })
	g.Go(func() (err error) {
		state.Rules, err = readRules(gctx, c, t.GroupID, s.Direction == sg.Egress)
		return err
	})
	if err := g.Wait(); err != nil {
		return sg.State{}, fmt.Errorf("read security group %s: %w", t.GroupID, err)
	}
	var err error
	if state.PrefixLists, err = readPrefixLists(ctx, c, state.Rules); err != nil {
		return sg.State{}, fmt.Errorf("read security group %s: %w", t.GroupID, err)
	}
	return state, nil
}

func readTags(ctx context.Context, c Client, group string) (map[string]string, error) {
	out, err := c.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{group}})
	if err != nil {
		return nil, cloud.Explain(err, "ec2:DescribeSecurityGroups", codeNoGroup)
	}
	if len(out.SecurityGroups) != 1 {
		// EC2 says so when a group is gone: it was not EC2 that answered.
		return nil, fmt.Errorf("ec2:DescribeSecurityGroups: the answer holds %d groups, want the one asked for", len(out.SecurityGroups))
	}
	return tagMap(out.SecurityGroups[0].Tags), nil
}

func readRules(ctx context.Context, c Client, group string, egress bool) ([]sg.Rule, error) {
	pages := ec2.NewDescribeSecurityGroupRulesPaginator(c, &ec2.DescribeSecurityGroupRulesInput{
		Filters:    []types.Filter{{Name: aws.String("group-id"), Values: []string{group}}},
		MaxResults: aws.Int32(rulesPage),
	})
	var out []sg.Rule
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, cloud.Explain(err, "ec2:DescribeSecurityGroupRules", codeNoGroup)
		}
		for _, r := range page.SecurityGroupRules {
			if aws.ToBool(r.IsEgress) != egress {
				continue
			}
			rule, err := FromAWS(r)
			if err != nil {
				return nil, err
			}
			out = append(out, rule)
		}
	}
	slices.SortFunc(out, func(a, b sg.Rule) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// FromAWS gives a rule as the API describes it. A source that can't be
// understood is an error: such a group must be left alone.
func FromAWS(r types.SecurityGroupRule) (sg.Rule, error) {
	out := sg.Rule{
		ID: aws.ToString(r.SecurityGroupRuleId),
		Opening: sg.Opening{
			Protocol:   aws.ToString(r.IpProtocol),
			From:       -1,
			To:         -1,
			CIDR:       cmp.Or(aws.ToString(r.CidrIpv4), aws.ToString(r.CidrIpv6)),
			PrefixList: aws.ToString(r.PrefixListId),
		},
		Description: aws.ToString(r.Description),
		Tags:        tagMap(r.Tags),
	}
	if out.Protocol != "-1" && r.FromPort != nil {
		out.From = *r.FromPort
	}
	if out.Protocol != "-1" && r.ToPort != nil {
		out.To = *r.ToPort
	}
	if g := r.ReferencedGroupInfo; g != nil {
		out.Group, out.GroupOwner, out.Peering = aws.ToString(g.GroupId), aws.ToString(g.UserId), aws.ToString(g.VpcPeeringConnectionId)
	}
	if out.CIDR != "" {
		if _, err := netip.ParsePrefix(out.CIDR); err != nil {
			return sg.Rule{}, fmt.Errorf("rule %s: %w", out.ID, err)
		}
	} else if out.PrefixList == "" && out.Group == "" {
		return sg.Rule{}, fmt.Errorf("rule %s has no source that is known here (address range, prefix list or group)", out.ID)
	}
	return out, nil
}

func readPrefixLists(ctx context.Context, c Client, rules []sg.Rule) (map[string][]string, error) {
	ids := map[string]bool{}
	for _, r := range rules {
		if r.PrefixList != "" {
			ids[r.PrefixList] = true
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	out := make(map[string][]string, len(ids))
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	for id := range ids {
		g.Go(func() error {
			entries, err := readEntries(ctx, c, id)
			mu.Lock()
			defer mu.Unlock()
			out[id] = entries
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return out, nil
}

func readEntries(ctx context.Context, c Client, list string) ([]string, error) {
	pages := ec2.NewGetManagedPrefixListEntriesPaginator(c, &ec2.GetManagedPrefixListEntriesInput{
		PrefixListId: aws.String(list), MaxResults: aws.Int32(entriesPage),
	})
	entries := []string{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("prefix list %s: %w", list, cloud.Explain(err, "ec2:GetManagedPrefixListEntries"))
		}
		for _, e := range page.Entries {
			cidr := aws.ToString(e.Cidr)
			if _, err := netip.ParsePrefix(cidr); err != nil {
				return nil, fmt.Errorf("prefix list %s: %w", list, err)
			}
			entries = append(entries, cidr)
		}
	}
	slices.Sort(entries)
	return entries, nil
}

// Apply makes the change's call.
func (s Store) Apply(ctx context.Context, t sg.Target, c remedy.Change) error {
	api := s.Client(t.Ref())
	switch c := c.(type) {
	case sg.Revocation:
		return each(c.IDs, func(ids []string) (err error) {
			if c.Direction == sg.Egress {
				_, err = api.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: &c.Group, SecurityGroupRuleIds: ids})
			} else {
				_, err = api.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: &c.Group, SecurityGroupRuleIds: ids})
			}
			return err
		}, c.Call().API, codeNoRule, codeNoRuleOld)
	case sg.Modification:
		_, err := api.ModifySecurityGroupRules(ctx, &ec2.ModifySecurityGroupRulesInput{
			GroupId: &c.Group, SecurityGroupRules: Updates(c.Rules),
		})
		return cloud.Explain(err, "ec2:ModifySecurityGroupRules", codeNoGroup)
	case sg.Authorization:
		return each(c.Rules, func(rules []sg.Rule) (err error) {
			permissions, tags := Permissions(rules), TagSpecifications(rules[0].Tags)
			if c.Direction == sg.Egress {
				_, err = api.AuthorizeSecurityGroupEgress(ctx, &ec2.AuthorizeSecurityGroupEgressInput{
					GroupId: &c.Group, IpPermissions: permissions, TagSpecifications: tags,
				})
			} else {
				_, err = api.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
					GroupId: &c.Group, IpPermissions: permissions, TagSpecifications: tags,
				})
			}
			return err
		}, c.Call().API, codeDuplicate)
	}
	return fmt.Errorf("apply to security group %s: unknown change %T", t.GroupID, c)
}

// each makes one call for all items. EC2 refuses the whole of it when one item
// is in place already, as the codes in done say; the items then go one by one.
func each[T any](items []T, call func([]T) error, action string, done ...string) error {
	err := call(items)
	if !cloud.HasCode(err, done...) {
		return cloud.Explain(err, action, codeNoGroup)
	}
	for i := range items {
		if len(items) == 1 {
			break
		}
		if err := call(items[i : i+1]); err != nil && !cloud.HasCode(err, done...) {
			return cloud.Explain(err, action, codeNoGroup)
		}
	}
	return nil
}

// Updates gives rules, with their ids, as ModifySecurityGroupRules takes them.
func Updates(rules []sg.Rule) []types.SecurityGroupRuleUpdate {
	out := make([]types.SecurityGroupRuleUpdate, len(rules))
	for i, r := range rules {
		req := &types.SecurityGroupRuleRequest{
			IpProtocol: &r.Protocol, FromPort: &r.From, ToPort: &r.To, Description: &r.Description,
		}
		switch {
		case r.PrefixList != "":
			req.PrefixListId = &r.PrefixList
		case r.Group != "":
			req.ReferencedGroupId = &r.Group
		case sg.IsV6(r.CIDR):
			req.CidrIpv6 = &r.CIDR
		default:
			req.CidrIpv4 = &r.CIDR
		}
		out[i] = types.SecurityGroupRuleUpdate{SecurityGroupRuleId: &r.ID, SecurityGroupRule: req}
	}
	return out
}

// Permissions gives rules as the calls that authorize take them.
func Permissions(rules []sg.Rule) []types.IpPermission {
	out := make([]types.IpPermission, len(rules))
	for i, r := range rules {
		p := types.IpPermission{IpProtocol: &r.Protocol, FromPort: &r.From, ToPort: &r.To}
		description := optional(r.Description)
		switch {
		case r.PrefixList != "":
			p.PrefixListIds = []types.PrefixListId{{PrefixListId: &r.PrefixList, Description: description}}
		case r.Group != "":
			p.UserIdGroupPairs = []types.UserIdGroupPair{{
				GroupId: &r.Group, UserId: optional(r.GroupOwner),
				VpcPeeringConnectionId: optional(r.Peering), Description: description,
			}}
		case sg.IsV6(r.CIDR):
			p.Ipv6Ranges = []types.Ipv6Range{{CidrIpv6: &r.CIDR, Description: description}}
		default:
			p.IpRanges = []types.IpRange{{CidrIp: &r.CIDR, Description: description}}
		}
		out[i] = p
	}
	return out
}

// TagSpecifications gives the tags of rules as the calls that authorize take them.
func TagSpecifications(tags map[string]string) []types.TagSpecification {
	if len(tags) == 0 {
		return nil
	}
	list := make([]types.Tag, 0, len(tags))
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	return []types.TagSpecification{{ResourceType: types.ResourceTypeSecurityGroupRule, Tags: list}}
}

func tagMap(tags []types.Tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	out := make(map[string]string, len(tags))
	for _, t := range tags {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
