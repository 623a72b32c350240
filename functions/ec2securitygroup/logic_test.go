package ec2securitygroup

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	narrow := Defaults()
	narrow.WidestV4, narrow.WidestV6 = 16, 32
	allowed := Defaults()
	allowed.AllowedCIDRs = []string{"52.0.0.0/6", "2000::/4", "fd00::/8"}
	unsorted := Defaults()
	unsorted.RiskyPorts = []int{8080, 22, 22}
	lists := map[string][]string{
		"pl-world": {"10.0.0.0/8", "0.0.0.0/0"}, "pl-v6": {"::/0"}, "pl-office": {"198.51.100.0/24"}, "pl-empty": {},
	}
	named := func(list string) Rule {
		return Rule{Opening: Opening{Protocol: "tcp", From: 22, To: 22, PrefixList: list}}
	}
	tests := []struct {
		name   string
		rule   Rule
		params *Params
		want   string // a part of the message; empty means compliant
	}{
		{"ssh to the IPv4 world", rule("", "tcp", 22, 22, "0.0.0.0/0"), nil, "tcp 22 open to 0.0.0.0/0, and port 22 is risky"},
		{"ssh to the IPv6 world", rule("", "tcp", 22, 22, "::/0"), nil, "tcp 22 open to ::/0"},
		{"a world with host bits set", rule("", "tcp", 22, 22, "208.236.235.254/0"), nil, "208.236.235.254/0"},
		{"another way to write the IPv6 world", rule("", "tcp", 22, 22, "0:0:0:0:0:0:0:0/0"), nil, "open"},
		{"half of the IPv4 world", rule("", "tcp", 22, 22, "128.0.0.0/1"), nil, "open"},
		{"a range just too wide", rule("", "tcp", 22, 22, "52.0.0.0/7"), nil, "open"},
		{"a range just narrow enough", rule("", "tcp", 22, 22, "52.0.0.0/8"), nil, ""},
		{"half of the IPv6 world", rule("", "tcp", 22, 22, "::/1"), nil, "open"},
		{"all public IPv6", rule("", "tcp", 22, 22, "2000::/3"), nil, "open"},
		{"one provider's IPv6", rule("", "tcp", 22, 22, "2600:1f00::/24"), nil, ""},
		{"IPv4 mapped into IPv6", rule("", "tcp", 22, 22, "::ffff:0:0/96"), nil, "open"},
		{"half of the mapped IPv4", rule("", "tcp", 22, 22, "::ffff:128.0.0.0/97"), nil, "open"},
		{"a range around the mapped IPv4", rule("", "tcp", 22, 22, "::/80"), nil, "open"},
		{"one mapped network", rule("", "tcp", 22, 22, "::ffff:198.51.100.0/120"), nil, ""},
		{"private IPv4", rule("", "tcp", 22, 22, "10.0.0.0/8"), nil, ""},
		{"private IPv4 stays private where the world is narrower", rule("", "tcp", 22, 22, "10.0.0.0/8"), &narrow, ""},
		{"public IPv4 where the world is narrower", rule("", "tcp", 22, 22, "52.0.0.0/8"), &narrow, "open"},
		{"public IPv6 where the world is narrower", rule("", "tcp", 22, 22, "2600::/24"), &narrow, "open"},
		{"private IPv6", rule("", "tcp", 22, 22, "fc00::/7"), nil, ""},
		{"one address", rule("", "tcp", 22, 22, "198.51.100.7/32"), nil, ""},

		{"an allowed range", rule("", "tcp", 22, 22, "52.0.0.0/6"), &allowed, ""},
		{"a part of an allowed range", rule("", "tcp", 22, 22, "54.0.0.0/7"), &allowed, ""},
		{"more than an allowed range", rule("", "tcp", 22, 22, "52.0.0.0/5"), &allowed, "open"},
		{"an allowed IPv6 range", rule("", "tcp", 22, 22, "2000::/5"), &allowed, ""},
		{"the world in spite of allowed ranges", rule("", "tcp", 22, 22, "0.0.0.0/0"), &allowed, "open"},

		{"all protocols", rule("", "-1", -1, -1, "0.0.0.0/0"), nil, "all protocols and ports open to 0.0.0.0/0, and ports 20, 21, 22, 23, 69, 111 and 41 more are risky"},
		{"all ports", rule("", "tcp", 0, 65535, "0.0.0.0/0"), nil, "all tcp ports"},
		{"ports not named", rule("", "tcp", -1, -1, "::/0"), nil, "all tcp ports"},
		{"udp", rule("", "udp", 53, 161, "0.0.0.0/0"), nil, "udp 53 to 161"},
		{"tcp by number", rule("", "6", 3389, 3389, "0.0.0.0/0"), nil, "6 3389"},
		{"udp by number", rule("", "17", 161, 161, "::/0"), nil, "17 161"},
		{"tcp in capitals", rule("", "TCP", 22, 22, "0.0.0.0/0"), nil, "open"},
		{"a range that contains a risky port", rule("", "tcp", 3000, 4000, "0.0.0.0/0"), nil, "ports 3306 and 3389 are risky"},
		{"a range that begins at a risky port", rule("", "tcp", 22, 30, "0.0.0.0/0"), nil, "ports 22 and 23 are risky"},
		{"a range that ends at a risky port", rule("", "tcp", 10, 20, "0.0.0.0/0"), nil, "port 20 is risky"},
		{"a range between risky ports", rule("", "tcp", 24, 68, "0.0.0.0/0"), nil, ""},
		{"port 0", rule("", "tcp", 0, 0, "0.0.0.0/0"), nil, ""},
		{"web", rule("", "tcp", 443, 443, "0.0.0.0/0"), nil, ""},
		{"mail", rule("", "tcp", 25, 25, "0.0.0.0/0"), nil, ""},
		{"ports of a policy, in any order", rule("", "tcp", 8000, 8100, "0.0.0.0/0"), &unsorted, "port 8080 is risky"},
		{"a default port that a policy's list leaves out", rule("", "tcp", 3389, 3389, "0.0.0.0/0"), &unsorted, ""},
		{"icmp has no ports", rule("", "icmp", 8, -1, "0.0.0.0/0"), nil, ""},
		{"icmp of type 22 is not port 22", rule("", "1", 22, 22, "0.0.0.0/0"), nil, ""},
		{"icmpv6", rule("", "icmpv6", -1, -1, "::/0"), nil, ""},
		{"another protocol", rule("", "50", -1, -1, "0.0.0.0/0"), nil, ""},

		{"a prefix list with the world in it", named("pl-world"), nil, "open to 0.0.0.0/0 of prefix list pl-world"},
		{"a prefix list with the IPv6 world in it", named("pl-v6"), nil, "::/0 of prefix list pl-v6"},
		{"a prefix list without", named("pl-office"), nil, ""},
		{"an empty prefix list", named("pl-empty"), nil, ""},
		{"a group", Rule{Opening: Opening{Protocol: "-1", From: -1, To: -1, Group: "sg-2"}}, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := Defaults()
			if tt.params != nil {
				p = *tt.params
			}
			if err := p.Validate(); err != nil {
				t.Fatal(err)
			}
			tt.rule.ID = "sgr-1"
			got := check(Target{}, State{Rules: []Rule{tt.rule}, PrefixLists: lists}, p)
			if tt.want == "" {
				if len(got) != 0 {
					t.Errorf("check = %v, want none", got)
				}
				return
			}
			if len(got) != 1 || got[0].Rule != "world-open-port" || got[0].Part != "sgr-1" || !strings.Contains(got[0].Message, tt.want) {
				t.Errorf("check = %+v, want one world-open-port of sgr-1 with %q", got, tt.want)
			}
		})
	}
}

func TestRepair(t *testing.T) {
	t.Parallel()
	ssh := rule("sgr-1", "tcp", 22, 22, "0.0.0.0/0")
	sshV6 := rule("sgr-1", "tcp", 22, 22, "::/0")
	office := rule("sgr-1", "tcp", 22, 22, "198.51.100.0/24")
	other := office
	other.ID = "sgr-2"
	byList := Rule{ID: "sgr-1", Opening: Opening{Protocol: "tcp", From: 22, To: 22, PrefixList: "pl-1"}}
	narrowList := byList
	narrowList.PrefixList = "pl-2"
	tests := []struct {
		name       string
		live, base State
		want       []Rule
	}{
		{"back to the earlier range", state(ssh), state(office), []Rule{office}},
		{"back to the earlier IPv6 range", state(sshV6), state(rule("sgr-1", "tcp", 22, 22, "2001:db8::/32")), []Rule{rule("sgr-1", "tcp", 22, 22, "2001:db8::/32")}},
		{"the earlier range is taken by another rule", state(ssh, other), state(office), []Rule{other}},
		{"two rules share the earlier range", state(ssh, rule("sgr-2", "tcp", 22, 22, "0.0.0.0/1")), state(office, other), []Rule{office}},
		{"the earlier form breaks today's policy too", state(ssh), state(rule("sgr-1", "tcp", 23, 23, "0.0.0.0/0")), nil},
		{"a rule's kind of source is fixed", state(ssh), state(rule("sgr-1", "tcp", 22, 22, "2001:db8::/32")), nil},
		{"the baseline's missing rules do not come back", state(ssh), state(other), nil},
		{"the baseline does not touch good rules", state(rule("sgr-1", "tcp", 443, 443, "0.0.0.0/0")), state(office), []Rule{rule("sgr-1", "tcp", 443, 443, "0.0.0.0/0")}},
		{
			"back to the earlier prefix list", State{Rules: []Rule{byList}, PrefixLists: map[string][]string{"pl-1": {"0.0.0.0/0"}}},
			State{Rules: []Rule{narrowList}, PrefixLists: map[string][]string{"pl-2": {"198.51.100.0/24"}}},
			[]Rule{narrowList},
		},
		{
			"the earlier prefix list has become the world",
			State{Rules: []Rule{byList}, PrefixLists: map[string][]string{"pl-1": {"0.0.0.0/0"}}},
			State{Rules: []Rule{byList}, PrefixLists: map[string][]string{"pl-1": {"198.51.100.0/24"}}},
			nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := repair(Target{}, tt.live, remedy.Baseline[State]{State: tt.base, Known: true}, Defaults())
			if diff := cmp.Diff(tt.want, got.Rules, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
			if left := check(Target{}, got, Defaults()); len(left) > 0 {
				t.Errorf("the repaired state still breaks the policy: %v", left)
			}
		})
	}
}

func TestDiffCalls(t *testing.T) {
	t.Parallel()
	ssh := rule("sgr-1", "tcp", 22, 22, "0.0.0.0/0")
	office := rule("sgr-1", "tcp", 22, 22, "198.51.100.0/24")
	office.Description = "head office"
	v6 := rule("sgr-3", "udp", 53, 53, "2001:db8::/32")
	tagged := rule("sgr-4", "tcp", 22, 22, "0.0.0.0/0")
	tagged.Description = "migration"
	tagged.Tags = map[string]string{"ticket": "OPS-12", "aws:cloudformation:stack-name": "web"}
	peer := Rule{ID: "sgr-5", Opening: Opening{Protocol: "-1", From: -1, To: -1, Group: "sg-2", GroupOwner: "444455556666", Peering: "pcx-1"}}
	list := Rule{ID: "sgr-6", Opening: Opening{Protocol: "tcp", From: 1, To: 9, PrefixList: "pl-1"}}
	renamed := ssh
	renamed.ID = "sgr-9"
	tests := []struct {
		name     string
		from, to State
		want     []string
	}{
		{"only ids, order and tags differ", state(ssh, v6), State{Rules: []Rule{v6, renamed}, Tags: map[string]string{"a": "b"}}, nil},
		{"removed rules go in one call", state(ssh, v6, list), state(list), []string{
			`{"api":"ec2:RevokeSecurityGroupIngress","params":{"GroupId":"sg-1","SecurityGroupRuleIds":["sgr-1","sgr-3"]}}`,
		}},
		{"a modified rule", state(ssh), state(office), []string{
			`{"api":"ec2:ModifySecurityGroupRules","params":{"GroupId":"sg-1","SecurityGroupRules":[{"SecurityGroupRule":{"CidrIpv4":"198.51.100.0/24","Description":"head office","FromPort":22,"IpProtocol":"tcp","ToPort":22},"SecurityGroupRuleId":"sgr-1"}]}}`,
		}},
		{"only a description", state(office), state(rule("sgr-1", "tcp", 22, 22, "198.51.100.0/24")), []string{
			`{"api":"ec2:ModifySecurityGroupRules","params":{"GroupId":"sg-1","SecurityGroupRules":[{"SecurityGroupRule":{"CidrIpv4":"198.51.100.0/24","Description":"","FromPort":22,"IpProtocol":"tcp","ToPort":22},"SecurityGroupRuleId":"sgr-1"}]}}`,
		}},
		{"added rules, by their tags", state(), state(v6, tagged, peer, list), []string{
			`{"api":"ec2:AuthorizeSecurityGroupIngress","params":{"GroupId":"sg-1","IpPermissions":[{"FromPort":22,"IpProtocol":"tcp","IpRanges":[{"CidrIp":"0.0.0.0/0","Description":"migration"}],"ToPort":22}],"TagSpecifications":[{"ResourceType":"security-group-rule","Tags":[{"Key":"ticket","Value":"OPS-12"}]}]}}`,
			`{"api":"ec2:AuthorizeSecurityGroupIngress","params":{"GroupId":"sg-1","IpPermissions":[{"FromPort":53,"IpProtocol":"udp","Ipv6Ranges":[{"CidrIpv6":"2001:db8::/32"}],"ToPort":53},{"FromPort":-1,"IpProtocol":"-1","ToPort":-1,"UserIdGroupPairs":[{"GroupId":"sg-2","UserId":"444455556666","VpcPeeringConnectionId":"pcx-1"}]},{"FromPort":1,"IpProtocol":"tcp","PrefixListIds":[{"PrefixListId":"pl-1"}],"ToPort":9}]}}`,
		}},
		{"a rule that changes its kind of source", state(ssh), state(rule("sgr-1", "tcp", 22, 22, "2001:db8::/32")), []string{
			`{"api":"ec2:RevokeSecurityGroupIngress","params":{"GroupId":"sg-1","SecurityGroupRuleIds":["sgr-1"]}}`,
			`{"api":"ec2:AuthorizeSecurityGroupIngress","params":{"GroupId":"sg-1","IpPermissions":[{"FromPort":22,"IpProtocol":"tcp","Ipv6Ranges":[{"CidrIpv6":"2001:db8::/32"}],"ToPort":22}]}}`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, c := range diff(Target{GroupID: "sg-1"}, tt.from, tt.to) {
				b, err := json.Marshal(c.Call())
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(b))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		change  func(*Params)
		wantErr string
	}{
		{"defaults", func(*Params) {}, ""},
		{"no ports, wide ranges", func(p *Params) { p.RiskyPorts, p.AllowedCIDRs = nil, []string{"0.0.0.0/0", "2001:db8::/32"} }, ""},
		{"port too high", func(p *Params) { p.RiskyPorts = []int{22, 65536} }, "risky_ports: 65536"},
		{"port below 0", func(p *Params) { p.RiskyPorts = []int{-1} }, "risky_ports: -1"},
		{"an address, not a range", func(p *Params) { p.AllowedCIDRs = []string{"192.0.2.1"} }, `allowed_cidrs: "192.0.2.1"`},
		{"a range with host bits", func(p *Params) { p.AllowedCIDRs = []string{"10.0.0.0/0"} }, "the range is 0.0.0.0/0"},
		{"no IPv4 is the world", func(p *Params) { p.WidestV4 = 0 }, "widest_v4: 0"},
		{"IPv4 prefix too long", func(p *Params) { p.WidestV4 = 33 }, "widest_v4: 33"},
		{"no IPv6 is the world", func(p *Params) { p.WidestV6 = 0 }, "widest_v6: 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := Defaults()
			tt.change(&p)
			err := p.Validate()
			if tt.wantErr == "" && err != nil || tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)) {
				t.Errorf("Validate = %v, want %q", err, tt.wantErr)
			}
		})
	}
}
