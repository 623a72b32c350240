package ec2securitygroupegress

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	strict := Defaults()
	strict.AllowAll = false
	allowed := Defaults()
	allowed.AllowedCIDRs = []string{"52.0.0.0/6"}
	lists := map[string][]string{"pl-world": {"10.0.0.0/8", "::/0"}, "pl-relay": {"198.51.100.0/24"}}
	tests := []struct {
		name   string
		rule   Rule
		params *Params
		want   string // a part of the message; empty means compliant
	}{
		{"mail to the IPv4 world", rule("", "tcp", 25, 25, "0.0.0.0/0"), nil, "Outbound rule sgr-1 of security group sg-1 lets tcp 25 out to 0.0.0.0/0, and port 25 is forbidden."},
		{"SMB to the IPv6 world", rule("", "tcp", 445, 445, "::/0"), nil, "tcp 445 out to ::/0"},
		{"half of the world", rule("", "tcp", 25, 25, "128.0.0.0/1"), nil, "128.0.0.0/1"},
		{"IPv4 mapped into IPv6", rule("", "tcp", 25, 25, "::ffff:0:0/96"), nil, "port 25 is forbidden"},
		{"a range that contains a forbidden port", rule("", "udp", 100, 200, "0.0.0.0/0"), nil, "ports 111, 135, 137, 138 and 139 are forbidden"},
		{"all ports of one protocol", rule("", "tcp", 0, 65535, "0.0.0.0/0"), nil, "all tcp ports"},
		{"tcp by number", rule("", "6", 23, 23, "0.0.0.0/0"), nil, "port 23 is forbidden"},
		{"web", rule("", "tcp", 443, 443, "0.0.0.0/0"), nil, ""},
		{"mail handed in", rule("", "tcp", 587, 587, "0.0.0.0/0"), nil, ""},
		{"a relay", rule("", "tcp", 25, 25, "198.51.100.7/32"), nil, ""},
		{"a private range", rule("", "-1", -1, -1, "10.0.0.0/8"), &strict, ""},
		{"an allowed range", rule("", "tcp", 25, 25, "54.0.0.0/7"), &allowed, ""},
		{"ping", rule("", "icmp", -1, -1, "0.0.0.0/0"), nil, ""},
		{"icmp of type 25 is not port 25", rule("", "icmp", 25, 25, "0.0.0.0/0"), nil, ""},
		{"everything", rule("", "-1", -1, -1, "0.0.0.0/0"), nil, ""},
		{"everything over IPv6", rule("", "-1", -1, -1, "::/0"), nil, ""},
		{"everything where a policy forbids it", rule("", "-1", -1, -1, "0.0.0.0/0"), &strict, "all protocols and ports out to 0.0.0.0/0"},
		{"a prefix list with the world in it", Rule{Opening: Opening{Protocol: "tcp", From: 25, To: 25, PrefixList: "pl-world"}}, nil, "::/0 of prefix list pl-world"},
		{"a prefix list without", Rule{Opening: Opening{Protocol: "tcp", From: 25, To: 25, PrefixList: "pl-relay"}}, nil, ""},
		{"a group", Rule{Opening: Opening{Protocol: "-1", From: -1, To: -1, Group: "sg-2"}}, &strict, ""},
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
			got := check(Target{GroupID: "sg-1"}, State{Rules: []Rule{tt.rule}, PrefixLists: lists}, p)
			if tt.want == "" {
				if len(got) != 0 {
					t.Errorf("check = %v, want none", got)
				}
				return
			}
			if len(got) != 1 || got[0].Rule != "forbidden-port-to-world" || got[0].Part != "sgr-1" || !strings.Contains(got[0].Message, tt.want) {
				t.Errorf("check = %+v, want one forbidden-port-to-world of sgr-1 with %q", got, tt.want)
			}
		})
	}
}

func TestRepairKeepsToTheBaseline(t *testing.T) {
	t.Parallel()
	mail, relay := rule("sgr-1", "tcp", 25, 25, "0.0.0.0/0"), rule("sgr-1", "tcp", 25, 25, "198.51.100.0/24")
	all, web := rule("sgr-2", "-1", -1, -1, "0.0.0.0/0"), rule("sgr-3", "tcp", 443, 443, "0.0.0.0/0")
	base := remedy.Baseline[State]{State: state(relay, web), Known: true}
	if diff := cmp.Diff([]Rule{relay, all}, repair(Target{}, state(mail, all), base, Defaults()).Rules); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}

func TestDiffCallsAreOfTheDirection(t *testing.T) {
	t.Parallel()
	mail, web := rule("sgr-1", "tcp", 25, 25, "0.0.0.0/0"), rule("sgr-2", "tcp", 443, 443, "0.0.0.0/0")
	want := []string{
		`{"api":"ec2:RevokeSecurityGroupEgress","params":{"GroupId":"sg-1","SecurityGroupRuleIds":["sgr-1"]}}`,
		`{"api":"ec2:AuthorizeSecurityGroupEgress","params":{"GroupId":"sg-1","IpPermissions":[{"FromPort":443,"IpProtocol":"tcp","IpRanges":[{"CidrIp":"0.0.0.0/0"}],"ToPort":443}]}}`,
	}
	var got []string
	for _, c := range diff(Target{GroupID: "sg-1"}, state(mail), state(web)) {
		b, err := json.Marshal(c.Call())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(b))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Params){
		"":                       func(*Params) {},
		"forbidden_ports: 65536": func(p *Params) { p.ForbiddenPorts = []int{65536} },
		"the range is 0.0.0.0":   func(p *Params) { p.AllowedCIDRs = []string{"10.0.0.0/0"} },
		"widest_v4: 33":          func(p *Params) { p.WidestV4 = 33 },
	} {
		p := Defaults()
		change(&p)
		if err := p.Validate(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("Validate = %v, want %q", err, want)
		}
	}
}
