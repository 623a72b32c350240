package ec2networkacl

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	strict := Defaults()
	strict.ReturnTraffic = false
	defaults := Defaults()
	defaults.DefaultACLs = true
	allowed := Defaults()
	allowed.AllowedCIDRs = []string{"52.0.0.0/6"}
	ssh := ports(100, allow, tcp, 22, 22, "0.0.0.0/0")
	tests := []struct {
		name   string
		state  State
		params *Params
		want   []string // a part of each message
	}{
		{"ssh from the IPv4 world", state(ssh), nil, []string{"Inbound rule 100 of network ACL acl-1 allows tcp 22 from 0.0.0.0/0, and port 22 is risky."}},
		{"ssh from the IPv6 world", state(ports(100, allow, tcp, 22, 22, "::/0")), nil, []string{"from ::/0"}},
		{"IPv4 mapped into IPv6", state(ports(100, allow, tcp, 22, 22, "::ffff:0:0/96")), nil, []string{"port 22 is risky"}},
		{"a world with host bits set", state(ports(100, allow, tcp, 22, 22, "208.236.235.254/0")), nil, []string{"208.236.235.254/0"}},
		{"the world in two halves", state(ports(100, allow, tcp, 22, 22, "0.0.0.0/1"), ports(110, allow, tcp, 22, 22, "128.0.0.0/1")), nil, []string{"rule 100", "rule 110"}},
		{"udp", state(ports(100, allow, udp, 3389, 3389, "0.0.0.0/0")), nil, []string{"udp 3389"}},
		{"a range that contains a risky port", state(ports(100, allow, tcp, 20, 25, "0.0.0.0/0")), nil, []string{"tcp 20 to 25 from 0.0.0.0/0, and port 22 is risky"}},
		{"ports 0 to 65535 are not missed", state(ports(100, allow, tcp, 0, 65535, "0.0.0.0/0")), nil, []string{"all tcp ports from 0.0.0.0/0, and ports 22 and 3389 are risky"}},
		{"protocol -1 is not missed", state(everything(100, allow, "0.0.0.0/0")), nil, []string{"all protocols and ports from 0.0.0.0/0, and ports 22 and 3389 are risky"}},
		{"web", state(ports(100, allow, tcp, 443, 443, "0.0.0.0/0")), nil, nil},
		{"an office", state(ports(100, allow, tcp, 22, 22, "198.51.100.0/24")), nil, nil},
		{"a private range", state(everything(100, allow, "10.0.0.0/8")), nil, nil},
		{"an allowed range", state(ports(100, allow, tcp, 22, 22, "54.0.0.0/7")), &allowed, nil},
		{"icmp of type 22 is not port 22", state(ports(100, allow, icmp, 22, -1, "0.0.0.0/0")), nil, nil},
		{"another protocol", state(Rule{Number: 100, Action: allow, Protocol: "50", CIDR: "0.0.0.0/0"}), nil, nil},
		{"a deny", state(everything(100, deny, "0.0.0.0/0")), nil, nil},

		{"answers to connections from within", state(ports(100, allow, tcp, 1024, 65535, "0.0.0.0/0"), ports(110, allow, udp, 32768, 60999, "::/0")), nil, nil},
		{"such a range that begins too early", state(ports(100, allow, tcp, 22, 65535, "0.0.0.0/0")), nil, []string{"ports 22 and 3389 are risky"}},
		{"such a range that ends too early", state(ports(100, allow, tcp, 1024, 5000, "0.0.0.0/0")), nil, []string{"port 3389 is risky"}},
		{"answers are judged where a policy wants it", state(ports(100, allow, tcp, 1024, 65535, "0.0.0.0/0")), &strict, []string{"port 3389 is risky"}},
		{"a deny ahead of the answers", state(ports(90, deny, tcp, 3389, 3389, "0.0.0.0/0"), ports(100, allow, tcp, 1024, 65535, "0.0.0.0/0")), &strict, nil},

		{"a deny ahead", state(ports(90, deny, tcp, 22, 22, "0.0.0.0/0"), ssh), nil, nil},
		{"a deny behind", state(ssh, ports(110, deny, tcp, 22, 22, "0.0.0.0/0")), nil, []string{"rule 100"}},
		{"a deny of the other family", state(ports(90, deny, tcp, 22, 22, "::/0"), ssh), nil, []string{"rule 100"}},
		{"a deny of the other protocol", state(ports(90, deny, udp, 22, 22, "0.0.0.0/0"), ssh), nil, []string{"rule 100"}},
		{"a deny of another port", state(ports(90, deny, tcp, 23, 23, "0.0.0.0/0"), ssh), nil, []string{"rule 100"}},
		{"a deny of all protocols", state(everything(90, deny, "0.0.0.0/0"), ssh), nil, nil},
		{"a deny of some addresses", state(everything(90, deny, "198.51.100.0/24"), ssh), nil, []string{"rule 100"}},
		{"denies that make the whole world", state(everything(80, deny, "128.0.0.0/1"), ports(90, deny, tcp, 0, 100, "0.0.0.0/1"), ssh), nil, nil},
		{"denies that leave an office", state(everything(80, deny, "0.0.0.0/1"), everything(81, deny, "128.0.0.0/2"), everything(82, deny, "192.0.0.0/3"), everything(83, deny, "224.0.0.0/4"), ssh), nil, []string{"rule 100"}},
		{"denies that leave a range that is not the world", state(everything(80, deny, "0.0.0.0/1"), everything(81, deny, "192.0.0.0/2"), everything(82, deny, "160.0.0.0/3"), everything(83, deny, "144.0.0.0/4"), everything(84, deny, "136.0.0.0/5"), everything(85, deny, "132.0.0.0/6"), everything(86, deny, "130.0.0.0/7"), everything(87, deny, "129.0.0.0/8"), ssh), nil, nil},
		{"only tcp is denied ahead of all protocols", state(ports(90, deny, tcp, 0, 65535, "0.0.0.0/0"), everything(100, allow, "0.0.0.0/0")), nil, []string{"ports 22 and 3389 are risky"}},

		{"a default ACL, open by design", State{Default: true, Rules: []Rule{everything(100, allow, "0.0.0.0/0")}}, nil, nil},
		{"a default ACL where a policy wants it judged", State{Default: true, Rules: []Rule{everything(100, allow, "0.0.0.0/0"), everything(101, allow, "::/0")}}, &defaults, []string{"rule 100", "rule 101"}},
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
			got := check(Target{ACL: "acl-1"}, tt.state, p)
			if len(got) != len(tt.want) {
				t.Fatalf("check = %+v, want %d violations", got, len(tt.want))
			}
			for i, v := range got {
				if v.Rule != "world-open-port" || !strings.Contains(v.Message, tt.want[i]) || !strings.Contains(v.Message, "rule "+v.Part+" ") {
					t.Errorf("violation %d = %+v, want world-open-port with %q", i, v, tt.want[i])
				}
			}
		})
	}
}

func TestRepair(t *testing.T) {
	t.Parallel()
	var (
		web      = ports(100, allow, tcp, 443, 443, "0.0.0.0/0")
		ssh      = ports(110, allow, tcp, 22, 22, "0.0.0.0/0")
		office   = ports(110, allow, tcp, 22, 22, "198.51.100.0/24")
		denied   = ports(110, deny, tcp, 22, 22, "0.0.0.0/0")
		noSSH    = ports(50, deny, tcp, 22, 22, "0.0.0.0/0")
		noMail   = ports(51, deny, tcp, 25, 25, "0.0.0.0/0")
		low      = ports(120, allow, tcp, 1, 442, "0.0.0.0/0")
		wasOther = ports(50, allow, tcp, 80, 80, "0.0.0.0/0")
		tags     = map[string]string{"team": "web"}
	)
	tests := []struct {
		name       string
		live, base State
		unknown    bool
		want       []Rule
	}{
		{"a created rule goes", state(web, ssh), state(web), false, []Rule{web}},
		{"without a baseline it goes too", state(web, ssh), State{}, true, []Rule{web}},
		{"a replaced rule comes back", state(web, ssh), state(web, office), false, []Rule{web, office}},
		{"a deny that was replaced by an allow comes back", state(web, ssh), state(web, denied), false, []Rule{web, denied}},
		{"a number that another rule has now", state(web, ssh), state(web, ports(110, allow, tcp, 80, 80, "::/0")), false, []Rule{web, ports(110, allow, tcp, 80, 80, "::/0")}},
		{"a deny that was deleted comes back, another does not", state(low), state(noSSH, noMail, low), false, []Rule{noSSH, low}},
		{"a deny that was replaced comes back", state(wasOther, low), state(noSSH, low), false, []Rule{noSSH, low}},
		{"a deny that was deleted, without a baseline", state(low), State{}, true, nil},
		{"other rules that are gone do not come back", state(ssh), state(web), false, nil},
		{"the earlier form breaks today's policy", state(ssh), state(ports(110, allow, tcp, 3389, 3389, "0.0.0.0/0")), false, nil},
		{"what was harmless behind a deny is not without it", state(ssh), state(ports(60, deny, tcp, 22, 22, "0.0.0.0/1"), ssh), false, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.live.Tags = tags
			got := repair(Target{}, tt.live, remedy.Baseline[State]{State: tt.base, Known: !tt.unknown}, Defaults())
			if diff := cmp.Diff(State{Rules: tt.want, Tags: tags}, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiffCalls(t *testing.T) {
	t.Parallel()
	from := state(ports(90, allow, tcp, 22, 22, "0.0.0.0/0"), ports(100, allow, udp, 1, 9, "::/0"), everything(110, deny, "0.0.0.0/0"))
	to := state(ports(80, deny, icmp, 8, -1, "0.0.0.0/0"), ports(100, deny, icmpV6, -1, -1, "2001:db8::/32"), everything(110, deny, "0.0.0.0/0"))
	want := []string{
		`{"api":"ec2:DeleteNetworkAclEntry","params":{"Egress":false,"NetworkAclId":"acl-1","RuleNumber":90}}`,
		`{"api":"ec2:ReplaceNetworkAclEntry","params":{"Egress":false,"IcmpTypeCode":{"Code":-1,"Type":-1},"Ipv6CidrBlock":"2001:db8::/32","NetworkAclId":"acl-1","Protocol":"58","RuleAction":"deny","RuleNumber":100}}`,
		`{"api":"ec2:CreateNetworkAclEntry","params":{"CidrBlock":"0.0.0.0/0","Egress":false,"IcmpTypeCode":{"Code":-1,"Type":8},"NetworkAclId":"acl-1","Protocol":"1","RuleAction":"deny","RuleNumber":80}}`,
	}
	var got []string
	for _, c := range diff(Target{ACL: "acl-1"}, from, to) {
		b, err := json.Marshal(c.Call())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(b))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	tagged := from
	tagged.Tags, tagged.Default = map[string]string{"a": "b"}, true
	if got := diff(Target{}, from, tagged); len(got) != 0 {
		t.Errorf("what is only read makes changes: %v", got)
	}
}

var randomRules = rapid.Custom(func(t *rapid.T) Rule {
	port := rapid.SampledFrom([]int32{0, 21, 22, 23, 443, 1024, 3389, 60999, 65535})
	r := Rule{
		Action:   rapid.SampledFrom([]string{allow, deny}).Draw(t, "action"),
		Protocol: rapid.SampledFrom([]string{all, tcp, udp, icmp, "50"}).Draw(t, "protocol"),
		CIDR:     rapid.SampledFrom([]string{"0.0.0.0/0", "9.9.9.9/0", "0.0.0.0/1", "128.0.0.0/1", "52.0.0.0/8", "10.0.0.0/8", "::/0", "2000::/3", "::ffff:0:0/96", "fc00::/7"}).Draw(t, "cidr"),
	}
	if r.Protocol != all && r.Protocol != "50" {
		r.From, r.To = port.Draw(t, "from"), port.Draw(t, "to")
	}
	return r
})

var states = rapid.Custom(func(t *rapid.T) State {
	var s State
	numbers := rapid.SliceOfNDistinct(rapid.Int32Range(1, 12), 0, 8, rapid.ID[int32]).Draw(t, "numbers")
	slices.Sort(numbers)
	for _, n := range numbers {
		r := randomRules.Draw(t, "rule")
		r.Number = n
		s.Rules = append(s.Rules, r)
	}
	return s
})

// applied is what EC2 makes of an ACL.
func applied(t *rapid.T, s State, changes []Change) State {
	rules := byNumber(s.Rules)
	for _, c := range changes {
		_, there := rules[c.Rule.Number]
		if there == (c.API == created) {
			t.Fatalf("EC2 refuses %+v: the rule is there: %v", c, there)
		}
		if c.API == deleted {
			delete(rules, c.Rule.Number)
		} else {
			rules[c.Rule.Number] = c.Rule
		}
	}
	return State{Rules: inOrder(rules)}
}

func TestRepairProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		live, base, p := states.Draw(t, "live"), states.Draw(t, "baseline"), Defaults()
		p.ReturnTraffic = rapid.Bool().Draw(t, "return traffic")
		known := rapid.Bool().Draw(t, "known")
		if !known {
			base = State{}
		}
		before, err := json.Marshal(live)
		if err != nil {
			t.Fatal(err)
		}
		bad := check(Target{}, live, p)
		if len(bad) == 0 {
			return // then repair is not asked
		}
		got := repair(Target{}, live, remedy.Baseline[State]{State: base, Known: known}, p)
		if left := check(Target{}, got, p); len(left) > 0 {
			t.Fatalf("the repaired state still breaks the policy: %v", left)
		}
		after, err := json.Marshal(live)
		if err != nil || string(after) != string(before) {
			t.Fatalf("repair changed its argument to %s, %v", after, err)
		}
		var back State
		if err := json.Unmarshal(before, &back); err != nil || !cmp.Equal(back, live, cmpopts.EquateEmpty()) {
			t.Fatalf("a state does not survive its JSON form: %s, %v", before, err)
		}
		was, is, offends := byNumber(live.Rules), byNumber(got.Rules), offending(Target{}, live, p)
		for n, r := range was {
			now, kept := is[n]
			if old := byNumber(base.Rules)[n]; !slices.Contains(offends, n) && (!kept || now != r) && (old.Action != deny || now != old) {
				t.Fatalf("rule %d broke nothing, and became %+v", n, now)
			}
		}
		for n, r := range is {
			if _, there := was[n]; !there && (r.Action != deny || byNumber(base.Rules)[n] != r) {
				t.Fatalf("rule %d came from nowhere: %+v", n, r)
			}
		}
		done := applied(t, live, diff(Target{}, live, got))
		if diff := cmp.Diff(got.Rules, done.Rules, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("what the changes lead to (-want +got):\n%s", diff)
		}
		undone := applied(t, done, diff(Target{}, done, live))
		if diff := cmp.Diff(live.Rules, undone.Rules, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("what the undo leads to (-want +got):\n%s", diff)
		}
	})
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Params){
		"":                     func(*Params) {},
		"risky_ports: 65536":   func(p *Params) { p.RiskyPorts = []int{65536} },
		"the range is 0.0.0.0": func(p *Params) { p.AllowedCIDRs = []string{"10.0.0.0/0"} },
		"widest_v4: 33":        func(p *Params) { p.WidestV4 = 33 },
		"widest_v6: 0":         func(p *Params) { p.WidestV6 = 0 },
	} {
		p := Defaults()
		change(&p)
		if err := p.Validate(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("Validate = %v, want %q", err, want)
		}
	}
}
