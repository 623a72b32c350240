package ec2networkacl

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

func state(rules ...Rule) State { return State{Rules: rules} }

// ports is a rule about ports, or about a type and a code of ICMP.
func ports(number int32, action, protocol string, from, to int32, cidr string) Rule {
	return Rule{Number: number, Action: action, Protocol: protocol, CIDR: cidr, From: from, To: to}
}

// everything is a rule for all protocols.
func everything(number int32, action, cidr string) Rule {
	return Rule{Number: number, Action: action, Protocol: all, CIDR: cidr}
}

func suite() remedytest.Suite[Target, State, Change, Params] {
	const (
		remove  = "ec2:" + deleted
		replace = "ec2:" + replaced
		create  = "ec2:" + created
	)
	var (
		web     = ports(100, allow, tcp, 443, 443, "0.0.0.0/0")
		answers = ports(200, allow, tcp, 1024, 65535, "0.0.0.0/0")
		ssh     = ports(110, allow, tcp, 22, 22, "0.0.0.0/0")
		sshV6   = ports(111, allow, tcp, 22, 22, "::/0")
		office  = ports(110, allow, tcp, 22, 22, "198.51.100.0/24")
		noSSH   = ports(50, deny, tcp, 22, 22, "0.0.0.0/0")
		low     = ports(120, allow, tcp, 0, 1023, "0.0.0.0/0")
		one     = []string{"world-open-port"}
		tags    = map[string]string{"team": "web"}
	)
	base, behind := state(web, office, answers), state(noSSH, low)
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function,
		Rule:     rules,
		Cases: []remedytest.Case[State, Params]{
			{Name: "compliant ACL", Live: State{Rules: []Rule{web, office, answers}, Tags: tags}},
			{Name: "an allow behind a deny", Live: behind},
			{
				Name: "ssh from the world among good rules", Live: State{Rules: []Rule{web, ssh, answers}, Tags: tags},
				Rules: one, Calls: []string{remove}, Want: State{Rules: []Rule{web, answers}, Tags: tags},
			},
			{
				Name: "IPv4 and IPv6", Live: state(web, ssh, sshV6),
				Rules: []string{"world-open-port", "world-open-port"}, Calls: []string{remove, remove}, Want: state(web),
			},
			{
				Name: "everything", Live: state(everything(90, allow, "0.0.0.0/0"), web),
				Rules: one, Calls: []string{remove}, Want: state(web),
			},
			{
				Name: "a replaced rule takes its earlier form", Live: state(web, ssh, answers), Baseline: &base,
				Rules: one, Calls: []string{replace}, Want: base,
			},
			{
				Name: "good changes since the baseline stay", Live: state(ssh, ports(300, allow, udp, 53, 53, "0.0.0.0/0")), Baseline: &base,
				Rules: one, Calls: []string{replace}, Want: state(office, ports(300, allow, udp, 53, 53, "0.0.0.0/0")),
			},
			{
				Name: "the deny ahead was deleted", Live: state(low), Baseline: &behind,
				Rules: one, Calls: []string{create}, Want: behind,
			},
			{
				Name: "the deny ahead became an allow", Live: state(ports(50, allow, tcp, 80, 80, "0.0.0.0/0"), low), Baseline: &behind,
				Rules: one, Calls: []string{replace}, Want: behind,
			},
		},
	}
}

func TestConformanceFake(t *testing.T) {
	s := suite()
	// The emulator loses the type and the code of ICMP.
	base := state(ports(90, deny, icmp, 8, -1, "0.0.0.0/0"), ports(100, allow, icmpV6, -1, -1, "::/0"))
	s.Cases = append(s.Cases, remedytest.Case[State, Params]{
		Name: "a ping that became everything", Baseline: &base,
		Live:  state(ports(90, deny, icmp, 8, -1, "0.0.0.0/0"), everything(100, allow, "::/0")),
		Rules: []string{"world-open-port"}, Calls: []string{"ec2:" + replaced}, Want: base,
	})
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		f := newFake()
		return world(f, Target{f.acl, "111122223333", "us-east-1"},
			func(_ testing.TB, tags map[string]string) { f.tags = awsTags(tags) },
			func(testing.TB) { f.acl = "" })
	}
	remedytest.Run(t, s)
}

func TestConformanceMoto(t *testing.T) {
	s := suite()
	account := mototest.New(t)
	api := ec2.NewFromConfig(account.Config)
	vpc, err := api.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
	if err != nil {
		t.Fatal(err)
	}
	s.Open = func(t testing.TB) remedytest.World[Target, State, Change] {
		acl, err := api.CreateNetworkAcl(t.Context(), &ec2.CreateNetworkAclInput{VpcId: vpc.Vpc.VpcId})
		if err != nil {
			t.Fatal(err)
		}
		id := acl.NetworkAcl.NetworkAclId
		// The emulator goes through all ACLs to find one: leave none behind.
		t.Cleanup(func() {
			_, _ = api.DeleteNetworkAcl(context.Background(), &ec2.DeleteNetworkAclInput{NetworkAclId: id})
		})
		return world(api, Target{*id, account.ID, mototest.Region},
			func(t testing.TB, tags map[string]string) {
				if len(tags) == 0 {
					return
				}
				if _, err := api.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{*id}, Tags: awsTags(tags)}); err != nil {
					t.Fatal(err)
				}
			},
			func(t testing.TB) {
				if _, err := api.DeleteNetworkAcl(t.Context(), &ec2.DeleteNetworkAclInput{NetworkAclId: id}); err != nil {
					t.Fatal(err)
				}
			})
	}
	remedytest.RunEmulated(t, s)
}

// world is a network ACL in an EC2, real enough.
func world(api client, target Target, setTags func(testing.TB, map[string]string), remove func(testing.TB)) remedytest.World[Target, State, Change] {
	live := func(t testing.TB) State {
		out, err := api.DescribeNetworkAcls(t.Context(), &ec2.DescribeNetworkAclsInput{NetworkAclIds: []string{target.ACL}})
		if err != nil {
			t.Fatal(err)
		}
		var s State
		for _, e := range out.NetworkAcls[0].Entries {
			if *e.Egress || *e.RuleNumber > 32766 {
				continue
			}
			r := Rule{Number: *e.RuleNumber, Action: string(e.RuleAction), Protocol: *e.Protocol, CIDR: aws.ToString(e.CidrBlock) + aws.ToString(e.Ipv6CidrBlock)}
			if e.PortRange != nil {
				r.From, r.To = *e.PortRange.From, *e.PortRange.To
			} else if e.IcmpTypeCode != nil {
				r.From, r.To = *e.IcmpTypeCode.Type, *e.IcmpTypeCode.Code
			}
			s.Rules = append(s.Rules, r)
		}
		s.Rules = inOrder(byNumber(s.Rules))
		for _, tag := range out.NetworkAcls[0].Tags {
			if s.Tags == nil {
				s.Tags = map[string]string{}
			}
			s.Tags[*tag.Key] = *tag.Value
		}
		return s
	}
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Remove:   remove,
		Seed: func(t testing.TB, s State) remedy.Event {
			setTags(t, s.Tags)
			was := live(t)
			for _, r := range was.Rules {
				if _, err := api.DeleteNetworkAclEntry(t.Context(), &ec2.DeleteNetworkAclEntryInput{NetworkAclId: &target.ACL, RuleNumber: &r.Number, Egress: aws.Bool(false)}); err != nil {
					t.Fatal(err)
				}
			}
			for _, r := range s.Rules {
				in := &ec2.CreateNetworkAclEntryInput{
					NetworkAclId: &target.ACL, RuleNumber: &r.Number, Egress: aws.Bool(false), Protocol: &r.Protocol, RuleAction: types.RuleAction(r.Action),
				}
				if r.isV6() {
					in.Ipv6CidrBlock = &r.CIDR
				} else {
					in.CidrBlock = &r.CIDR
				}
				if r.Protocol == icmp || r.Protocol == icmpV6 {
					in.IcmpTypeCode = &types.IcmpTypeCode{Type: &r.From, Code: &r.To}
				} else if r.Protocol != all {
					in.PortRange = &types.PortRange{From: &r.From, To: &r.To}
				}
				if _, err := api.CreateNetworkAclEntry(t.Context(), in); err != nil {
					t.Fatal(err)
				}
			}
			detail, err := json.Marshal(map[string]any{"requestParameters": map[string]any{"networkAclId": target.ACL}})
			if err != nil {
				t.Fatal(err)
			}
			return remedy.Event{Source: "aws.ec2", Name: "CreateNetworkAclEntry", Account: target.Account, Region: target.Region, Detail: detail}
		},
		State: live,
	}
}
