package ec2networkacl

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is the part of EC2's API that the store calls.
type client interface {
	DescribeNetworkAcls(context.Context, *ec2.DescribeNetworkAclsInput, ...func(*ec2.Options)) (*ec2.DescribeNetworkAclsOutput, error)
	CreateNetworkAclEntry(context.Context, *ec2.CreateNetworkAclEntryInput, ...func(*ec2.Options)) (*ec2.CreateNetworkAclEntryOutput, error)
	ReplaceNetworkAclEntry(context.Context, *ec2.ReplaceNetworkAclEntryInput, ...func(*ec2.Options)) (*ec2.ReplaceNetworkAclEntryOutput, error)
	DeleteNetworkAclEntry(context.Context, *ec2.DeleteNetworkAclEntryInput, ...func(*ec2.Options)) (*ec2.DeleteNetworkAclEntryOutput, error)
}

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return ec2.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes network ACLs.
type store struct {
	client func(remedy.Ref) client
}

// What EC2 answers. Emulators take an ACL that is gone for a route table.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
const (
	codeNoACL       = "InvalidNetworkAclID.NotFound"
	codeNoACLAsItIs = "InvalidRouteTableID.NotFound"
	codeNoEntry     = "InvalidNetworkAclEntry.NotFound"
	codeEntry       = "NetworkAclEntryAlreadyExists"
)

// last is the number of the first rule that stands for the rest: 32767 for
// IPv4, 32768 for IPv6. Nobody can change them.
// https://docs.aws.amazon.com/vpc/latest/userguide/default-network-acl.html
const last = 32767

// Read gives the ACL's inbound rules and its tags.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	out, err := s.client(t.Ref()).DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{NetworkAclIds: []string{t.ACL}})
	if err != nil {
		return State{}, fmt.Errorf("read network ACL %s: %w", t.ACL, cloud.Explain(err, "ec2:DescribeNetworkAcls", codeNoACL, codeNoACLAsItIs))
	}
	if len(out.NetworkAcls) != 1 {
		// EC2 says so when an ACL is gone: it was not EC2 that answered.
		return State{}, fmt.Errorf("read network ACL %s: ec2:DescribeNetworkAcls: the answer holds %d ACLs, want the one asked for", t.ACL, len(out.NetworkAcls))
	}
	acl := out.NetworkAcls[0]
	state := State{Default: aws.ToBool(acl.IsDefault)}
	for _, e := range acl.Entries {
		if aws.ToBool(e.Egress) || aws.ToInt32(e.RuleNumber) >= last {
			continue
		}
		r, err := fromAWS(e)
		if err != nil {
			return State{}, fmt.Errorf("read network ACL %s: inbound rule %d: %w", t.ACL, aws.ToInt32(e.RuleNumber), err)
		}
		state.Rules = append(state.Rules, r)
	}
	slices.SortFunc(state.Rules, func(a, b Rule) int { return cmp.Compare(a.Number, b.Number) })
	for _, tag := range acl.Tags {
		if state.Tags == nil {
			state.Tags = map[string]string{}
		}
		state.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return state, nil
}

// fromAWS gives a rule as the API describes it. What can't be understood is an
// error: such an ACL must be left alone.
func fromAWS(e types.NetworkAclEntry) (Rule, error) {
	r := Rule{
		Number:   aws.ToInt32(e.RuleNumber),
		Action:   string(e.RuleAction),
		Protocol: aws.ToString(e.Protocol),
		CIDR:     cmp.Or(aws.ToString(e.CidrBlock), aws.ToString(e.Ipv6CidrBlock)),
	}
	if r.Action != allow && r.Action != deny {
		return Rule{}, fmt.Errorf("action %q is neither allow nor deny", r.Action)
	}
	if _, err := strconv.ParseInt(r.Protocol, 10, 16); err != nil {
		return Rule{}, fmt.Errorf("protocol %q is not a number", r.Protocol)
	}
	if _, err := netip.ParsePrefix(r.CIDR); err != nil {
		return Rule{}, err
	}
	switch r.Protocol {
	case tcp, udp:
		if e.PortRange == nil || e.PortRange.From == nil || e.PortRange.To == nil {
			return Rule{}, fmt.Errorf("protocol %s has no range of ports", r.Protocol)
		}
		r.From, r.To = *e.PortRange.From, *e.PortRange.To
	case icmp, icmpV6:
		if e.IcmpTypeCode == nil || e.IcmpTypeCode.Type == nil || e.IcmpTypeCode.Code == nil {
			return Rule{}, fmt.Errorf("protocol %s has no type and code", r.Protocol)
		}
		r.From, r.To = *e.IcmpTypeCode.Type, *e.IcmpTypeCode.Code
	}
	return r, nil
}

// Apply creates, replaces or deletes one inbound rule. A rule that is there
// when it is to be created, or gone when it is to be deleted, is no error: what
// is there then is read again.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	api, r, inbound := s.client(t.Ref()), c.Rule, aws.Bool(false)
	var ports *types.PortRange
	var typeCode *types.IcmpTypeCode
	switch r.Protocol {
	case tcp, udp:
		ports = &types.PortRange{From: &r.From, To: &r.To}
	case icmp, icmpV6:
		typeCode = &types.IcmpTypeCode{Type: &r.From, Code: &r.To}
	}
	var v4, v6 *string
	if r.isV6() {
		v6 = &r.CIDR
	} else {
		v4 = &r.CIDR
	}
	var err error
	done := ""
	switch c.API {
	case created:
		done = codeEntry
		_, err = api.CreateNetworkAclEntry(ctx, &ec2.CreateNetworkAclEntryInput{
			NetworkAclId: &c.ACL, RuleNumber: &r.Number, Egress: inbound, Protocol: &r.Protocol, RuleAction: types.RuleAction(r.Action),
			CidrBlock: v4, Ipv6CidrBlock: v6, PortRange: ports, IcmpTypeCode: typeCode,
		})
	case replaced:
		_, err = api.ReplaceNetworkAclEntry(ctx, &ec2.ReplaceNetworkAclEntryInput{
			NetworkAclId: &c.ACL, RuleNumber: &r.Number, Egress: inbound, Protocol: &r.Protocol, RuleAction: types.RuleAction(r.Action),
			CidrBlock: v4, Ipv6CidrBlock: v6, PortRange: ports, IcmpTypeCode: typeCode,
		})
	case deleted:
		done = codeNoEntry
		_, err = api.DeleteNetworkAclEntry(ctx, &ec2.DeleteNetworkAclEntryInput{NetworkAclId: &c.ACL, RuleNumber: &r.Number, Egress: inbound})
	default:
		return fmt.Errorf("apply to network ACL %s: unknown change %q", t.ACL, c.API)
	}
	if cloud.HasCode(err, done) {
		return nil
	}
	if err := cloud.Explain(err, "ec2:"+c.API, codeNoACL); err != nil {
		return fmt.Errorf("inbound rule %d of network ACL %s: %w", r.Number, t.ACL, err)
	}
	return nil
}
