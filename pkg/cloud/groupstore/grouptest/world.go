package grouptest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/ebb-ops/ebb/pkg/cloud/groupstore"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
	sg "github.com/ebb-ops/ebb/pkg/securitygroup"
)

// World is what the conformance suite wants.
type World = remedytest.World[sg.Target, sg.State, remedy.Change]

// world is a group in an EC2, real enough. States name rules, prefix lists and
// the group itself by words of their own; EC2 gives them ids.
type world struct {
	api       groupstore.Client
	direction sg.Direction
	target    sg.Target
	newList   func(t testing.TB, entries []string) string
	setTags   func(t testing.TB, tags map[string]string)
	remove    func(t testing.TB)

	rules map[string]string // a state's rule id to EC2's
	lists map[string]string // the same of prefix lists
}

// Itself stands for the group as the source of a rule.
const Itself = "sg-Itself"

// FakeWorld gives a fresh group of the fake, whose rules of a direction are seeded.
func FakeWorld(direction sg.Direction) World {
	f := NewFake()
	w := &world{
		api: f, direction: direction,
		target: sg.Target{GroupID: f.Group, Account: "111122223333", Region: "us-east-1"},
		newList: func(_ testing.TB, entries []string) string {
			id := fmt.Sprintf("pl-0fake%d", len(f.Lists))
			f.Lists[id] = entries
			return id
		},
		setTags: func(_ testing.TB, tags map[string]string) { f.Tags = tags },
		remove:  func(testing.TB) { f.Group, f.Rules = "", nil },
	}
	return w.suite()
}

// MotoWorld makes a fresh group in the account.
func MotoWorld(t testing.TB, account mototest.Account, direction sg.Direction) World {
	t.Helper()
	api := ec2.NewFromConfig(account.Config)
	ctx := t.Context()
	group, err := api.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
		GroupName: aws.String(t.Name()), Description: aws.String("web servers"),
	})
	if err != nil {
		t.Fatal(err)
	}
	// The emulator goes through all groups to find one's rules: leave none behind.
	t.Cleanup(func() {
		_, _ = api.DeleteSecurityGroup(context.Background(), &ec2.DeleteSecurityGroupInput{GroupId: group.GroupId})
	})
	w := &world{
		api: api, direction: direction,
		target: sg.Target{GroupID: *group.GroupId, Account: account.ID, Region: mototest.Region},
		newList: func(t testing.TB, entries []string) string {
			in := &ec2.CreateManagedPrefixListInput{
				PrefixListName: aws.String("list"), MaxEntries: aws.Int32(10), AddressFamily: aws.String("IPv4"),
			}
			for _, e := range entries {
				in.Entries = append(in.Entries, types.AddPrefixListEntry{Cidr: aws.String(e)})
			}
			out, err := api.CreateManagedPrefixList(ctx, in)
			if err != nil {
				t.Fatal(err)
			}
			return *out.PrefixList.PrefixListId
		},
		setTags: func(t testing.TB, tags map[string]string) {
			if len(tags) == 0 {
				return
			}
			if _, err := api.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{*group.GroupId}, Tags: awsTags(tags)}); err != nil {
				t.Fatal(err)
			}
		},
		remove: func(t testing.TB) {
			if _, err := api.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: group.GroupId}); err != nil {
				t.Fatal(err)
			}
		},
	}
	return w.suite()
}

func (w *world) suite() World {
	w.rules, w.lists = map[string]string{}, map[string]string{}
	return World{
		Resource: groupstore.Store{Direction: w.direction, Client: func(remedy.Ref) groupstore.Client { return w.api }},
		Seed:     w.seed, State: w.state, Named: w.named, Remove: w.remove,
	}
}

func (w *world) seed(t testing.TB, s sg.State) remedy.Event {
	t.Helper()
	w.setTags(t, s.Tags)
	for _, name := range slices.Sorted(maps.Keys(s.PrefixLists)) {
		if w.lists[name] == "" {
			w.lists[name] = w.newList(t, s.PrefixLists[name])
		}
	}
	live := w.live(t)
	var surplus []string
	for id := range live {
		if !slices.ContainsFunc(s.Rules, func(r sg.Rule) bool { return w.rules[r.ID] == id }) {
			surplus = append(surplus, id)
		}
	}
	ctx := t.Context()
	if len(surplus) > 0 {
		if err := w.revoke(ctx, surplus); err != nil {
			t.Fatal(err)
		}
	}
	for _, rules := range sg.ByTags(w.real(s.Rules)) {
		var add, change []sg.Rule
		for _, r := range rules {
			if old, ok := live[r.ID]; !ok {
				add = append(add, r)
			} else if old.Opening != r.Opening || old.Description != r.Description {
				change = append(change, r)
			}
		}
		if len(change) > 0 {
			if _, err := w.api.ModifySecurityGroupRules(ctx, &ec2.ModifySecurityGroupRulesInput{
				GroupId: &w.target.GroupID, SecurityGroupRules: groupstore.Updates(change),
			}); err != nil {
				t.Fatal(err)
			}
		}
		if len(add) > 0 {
			if err := w.authorize(ctx, add); err != nil {
				t.Fatal(err)
			}
		}
	}
	seeded := w.live(t)
	for i, r := range w.real(s.Rules) {
		for id, got := range seeded {
			if got.Opening == r.Opening {
				w.rules[s.Rules[i].ID] = id
			}
		}
	}
	detail, err := json.Marshal(map[string]any{"requestParameters": map[string]any{"groupId": w.target.GroupID}})
	if err != nil {
		t.Fatal(err)
	}
	return remedy.Event{
		Source: "aws.ec2", Name: "AuthorizeSecurityGroup" + string(w.direction), Account: w.target.Account, Region: w.target.Region, Detail: detail,
	}
}

func (w *world) revoke(ctx context.Context, ids []string) (err error) {
	if w.direction == sg.Egress {
		_, err = w.api.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: &w.target.GroupID, SecurityGroupRuleIds: ids})
	} else {
		_, err = w.api.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: &w.target.GroupID, SecurityGroupRuleIds: ids})
	}
	return err
}

// authorize adds rules that have the same tags.
func (w *world) authorize(ctx context.Context, rules []sg.Rule) (err error) {
	permissions, tags := groupstore.Permissions(rules), groupstore.TagSpecifications(rules[0].Tags)
	if w.direction == sg.Egress {
		_, err = w.api.AuthorizeSecurityGroupEgress(ctx, &ec2.AuthorizeSecurityGroupEgressInput{GroupId: &w.target.GroupID, IpPermissions: permissions, TagSpecifications: tags})
	} else {
		_, err = w.api.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &w.target.GroupID, IpPermissions: permissions, TagSpecifications: tags})
	}
	return err
}

// real gives a state's rules with EC2's ids for all that has one.
func (w *world) real(rules []sg.Rule) []sg.Rule {
	out := slices.Clone(rules)
	for i := range out {
		r := &out[i]
		r.ID = w.rules[r.ID]
		if r.PrefixList != "" {
			r.PrefixList = w.lists[r.PrefixList]
		}
		if r.Group == Itself {
			r.Group, r.GroupOwner = w.target.GroupID, w.target.Account
		}
	}
	return out
}

// live gives the ingress rules by EC2's ids, in one page or many.
func (w *world) live(t testing.TB) map[string]sg.Rule {
	t.Helper()
	out := map[string]sg.Rule{}
	in := &ec2.DescribeSecurityGroupRulesInput{
		Filters: []types.Filter{{Name: aws.String("group-id"), Values: []string{w.target.GroupID}}},
	}
	for {
		page, err := w.api.DescribeSecurityGroupRules(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.SecurityGroupRules {
			if aws.ToBool(r.IsEgress) != (w.direction == sg.Egress) {
				continue
			}
			rule := sg.Rule{
				ID: *r.SecurityGroupRuleId,
				Opening: sg.Opening{
					Protocol: *r.IpProtocol, From: *r.FromPort, To: *r.ToPort, PrefixList: aws.ToString(r.PrefixListId),
					CIDR: aws.ToString(r.CidrIpv4) + aws.ToString(r.CidrIpv6),
				},
				Description: aws.ToString(r.Description),
			}
			if g := r.ReferencedGroupInfo; g != nil {
				rule.Group, rule.GroupOwner = aws.ToString(g.GroupId), aws.ToString(g.UserId)
			}
			for _, tag := range r.Tags {
				if rule.Tags == nil {
					rule.Tags = map[string]string{}
				}
				rule.Tags[*tag.Key] = *tag.Value
			}
			out[rule.ID] = rule
		}
		if page.NextToken == nil {
			return out
		}
		in.NextToken = page.NextToken
	}
}

// state reads the group in the words of the states that were seeded.
func (w *world) state(t testing.TB) sg.State {
	t.Helper()
	var s sg.State
	groups, err := w.api.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{w.target.GroupID}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range groups.SecurityGroups[0].Tags {
		if s.Tags == nil {
			s.Tags = map[string]string{}
		}
		s.Tags[*tag.Key] = *tag.Value
	}
	s.Rules, s.PrefixLists = slices.Collect(maps.Values(w.live(t))), map[string][]string{}
	for _, r := range s.Rules {
		if r.PrefixList != "" {
			s.PrefixLists[r.PrefixList] = w.entries(t, r.PrefixList)
		}
	}
	return w.named(s)
}

// named gives the group and the prefix lists the names that seeded states use.
func (w *world) named(s sg.State) sg.State {
	names := map[string]string{}
	for name, id := range w.lists {
		names[id] = name
	}
	out := sg.State{Tags: s.Tags, Rules: slices.Clone(s.Rules)}
	for i, r := range out.Rules {
		if r.Group == w.target.GroupID {
			out.Rules[i].Group, out.Rules[i].GroupOwner = Itself, ""
		}
		if name, ok := names[r.PrefixList]; ok {
			out.Rules[i].PrefixList = name
		}
	}
	for id, entries := range s.PrefixLists {
		if out.PrefixLists == nil {
			out.PrefixLists = map[string][]string{}
		}
		out.PrefixLists[cmp.Or(names[id], id)] = entries
	}
	return out
}

func (w *world) entries(t testing.TB, list string) []string {
	t.Helper()
	var out []string
	in := &ec2.GetManagedPrefixListEntriesInput{PrefixListId: &list}
	for {
		page, err := w.api.GetManagedPrefixListEntries(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			out = append(out, *e.Cidr)
		}
		if page.NextToken == nil {
			return out
		}
		in.NextToken = page.NextToken
	}
}

// Normal leaves out the rules' ids and their order.
func Normal(s sg.State) sg.State {
	s.Rules = slices.Clone(s.Rules)
	for i := range s.Rules {
		s.Rules[i].ID = ""
	}
	slices.SortFunc(s.Rules, func(a, b sg.Rule) int {
		return cmp.Or(cmp.Compare(a.String(), b.String()), cmp.Compare(a.CIDR+a.PrefixList+a.Group, b.CIDR+b.PrefixList+b.Group))
	})
	return s
}
