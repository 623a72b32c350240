package ec2securitygroup

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
)

// client is the part of EC2's API that the store calls.
type client interface {
	DescribeSecurityGroups(context.Context, *ec2.DescribeSecurityGroupsInput, ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupsOutput, error)
	DescribeSecurityGroupRules(context.Context, *ec2.DescribeSecurityGroupRulesInput, ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupRulesOutput, error)
	GetManagedPrefixListEntries(context.Context, *ec2.GetManagedPrefixListEntriesInput, ...func(*ec2.Options)) (*ec2.GetManagedPrefixListEntriesOutput, error)
	RevokeSecurityGroupIngress(context.Context, *ec2.RevokeSecurityGroupIngressInput, ...func(*ec2.Options)) (*ec2.RevokeSecurityGroupIngressOutput, error)
	ModifySecurityGroupRules(context.Context, *ec2.ModifySecurityGroupRulesInput, ...func(*ec2.Options)) (*ec2.ModifySecurityGroupRulesOutput, error)
	AuthorizeSecurityGroupIngress(context.Context, *ec2.AuthorizeSecurityGroupIngressInput, ...func(*ec2.Options)) (*ec2.AuthorizeSecurityGroupIngressOutput, error)
}

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return ec2.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes security groups.
type store struct {
	client func(remedy.Ref) client
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

// Read gives the group's tags and all its ingress rules, with the entries of
// the prefix lists they name.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	var state State
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { state.Tags, err = readTags(gctx, c, t.GroupID); return err })
	g.Go(func() (err error) { state.Rules, err = readRules(gctx, c, t.GroupID); return err })
	if err := g.Wait(); err != nil {
		return State{}, fmt.Errorf("read security group %s: %w", t.GroupID, err)
	}
	var err error
	if state.PrefixLists, err = readPrefixLists(ctx, c, state.Rules); err != nil {
		return State{}, fmt.Errorf("read security group %s: %w", t.GroupID, err)
	}
	return state, nil
}

func readTags(ctx context.Context, c client, group string) (map[string]string, error) {
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

func readRules(ctx context.Context, c client, group string) ([]Rule, error) {
	pages := ec2.NewDescribeSecurityGroupRulesPaginator(c, &ec2.DescribeSecurityGroupRulesInput{
		Filters:    []types.Filter{{Name: aws.String("group-id"), Values: []string{group}}},
		MaxResults: aws.Int32(rulesPage),
	})
	var out []Rule
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, cloud.Explain(err, "ec2:DescribeSecurityGroupRules", codeNoGroup)
		}
		for _, r := range page.SecurityGroupRules {
			if aws.ToBool(r.IsEgress) {
				continue
			}
			rule, err := fromAWS(r)
			if err != nil {
				return nil, err
			}
			out = append(out, rule)
		}
	}
	slices.SortFunc(out, func(a, b Rule) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// fromAWS gives a rule as the API describes it. A source that can't be
// understood is an error: such a group must be left alone.
func fromAWS(r types.SecurityGroupRule) (Rule, error) {
	out := Rule{
		ID: aws.ToString(r.SecurityGroupRuleId),
		Opening: Opening{
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
			return Rule{}, fmt.Errorf("rule %s: %w", out.ID, err)
		}
	} else if out.PrefixList == "" && out.Group == "" {
		return Rule{}, fmt.Errorf("rule %s has no source that is known here (address range, prefix list or group)", out.ID)
	}
	return out, nil
}

func readPrefixLists(ctx context.Context, c client, rules []Rule) (map[string][]string, error) {
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

func readEntries(ctx context.Context, c client, list string) ([]string, error) {
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
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	api := s.client(t.Ref())
	switch c := c.(type) {
	case revocation:
		return each(c.ids, func(ids []string) error {
			_, err := api.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{
				GroupId: &c.group, SecurityGroupRuleIds: ids,
			})
			return err
		}, "ec2:RevokeSecurityGroupIngress", codeNoRule, codeNoRuleOld)
	case modification:
		_, err := api.ModifySecurityGroupRules(ctx, &ec2.ModifySecurityGroupRulesInput{
			GroupId: &c.group, SecurityGroupRules: updates(c.rules),
		})
		return cloud.Explain(err, "ec2:ModifySecurityGroupRules", codeNoGroup)
	case authorization:
		return each(c.rules, func(rules []Rule) error {
			_, err := api.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
				GroupId: &c.group, IpPermissions: permissions(rules), TagSpecifications: tagSpecifications(rules[0].Tags),
			})
			return err
		}, "ec2:AuthorizeSecurityGroupIngress", codeDuplicate)
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

func updates(rules []Rule) []types.SecurityGroupRuleUpdate {
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
		case isV6(r.CIDR):
			req.CidrIpv6 = &r.CIDR
		default:
			req.CidrIpv4 = &r.CIDR
		}
		out[i] = types.SecurityGroupRuleUpdate{SecurityGroupRuleId: &r.ID, SecurityGroupRule: req}
	}
	return out
}

func permissions(rules []Rule) []types.IpPermission {
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
		case isV6(r.CIDR):
			p.Ipv6Ranges = []types.Ipv6Range{{CidrIpv6: &r.CIDR, Description: description}}
		default:
			p.IpRanges = []types.IpRange{{CidrIp: &r.CIDR, Description: description}}
		}
		out[i] = p
	}
	return out
}

func tagSpecifications(tags map[string]string) []types.TagSpecification {
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
