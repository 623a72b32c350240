package ec2securitygroup

import (
	"fmt"
	"testing"

	"github.com/ebb-ops/ebb/pkg/cloud/groupstore/grouptest"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
	"github.com/ebb-ops/ebb/pkg/securitygroup"
)

type (
	Rule    = securitygroup.Rule
	Opening = securitygroup.Opening
	Change  = remedy.Change
)

// Calls as records name them.
const (
	revoke = "ec2:RevokeSecurityGroupIngress"
	modify = "ec2:ModifySecurityGroupRules"
)

func rule(id, protocol string, from, to int32, cidr string) Rule {
	return Rule{ID: id, Opening: Opening{Protocol: protocol, From: from, To: to, CIDR: cidr}}
}

func state(rules ...Rule) State { return State{Rules: rules} }

func suite() remedytest.Suite[Target, State, Change, Params] {
	var (
		web     = rule("web", "tcp", 443, 443, "0.0.0.0/0")
		office  = rule("office", "tcp", 22, 22, "198.51.100.0/24")
		ssh     = rule("ssh", "tcp", 22, 22, "0.0.0.0/0")
		sshV6   = rule("ssh6", "tcp", 22, 22, "::/0")
		ping    = rule("ping", "icmp", 8, -1, "0.0.0.0/0")
		members = Rule{ID: "members", Opening: Opening{Protocol: "-1", From: -1, To: -1, Group: grouptest.Itself}}
		list    = func(id, name string) Rule {
			return Rule{ID: id, Opening: Opening{Protocol: "tcp", From: 3306, To: 3306, PrefixList: name}}
		}
		tagged = ssh
	)
	tagged.Description, tagged.Tags = "for the migration", map[string]string{"ticket": "OPS-12", "owner": "data"}
	described := office
	described.Description = "head office"
	widened := described
	widened.CIDR, widened.Description = "0.0.0.0/0", "everybody"
	worldList := []string{"0.0.0.0/1", "128.0.0.0/1"}
	partners := []string{"198.51.100.0/24", "203.0.113.0/24"}

	many := State{}
	for i := range int32(25) {
		many.Rules = append(many.Rules, rule(fmt.Sprintf("r%02d", i), "tcp", 8000+i, 8000+i, "0.0.0.0/0"))
	}
	manyBad := state(append([]Rule{ssh, rule("rdp", "tcp", 3389, 3389, "0.0.0.0/0")}, many.Rules...)...)

	base := state(web, described)
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function,
		Rule:     rules,
		Normal:   grouptest.Normal,
		Cases: []remedytest.Case[State, Params]{
			{Name: "compliant group", Live: State{Rules: []Rule{web, office, ping, members}, Tags: map[string]string{"team": "web"}}},
			{
				Name: "ssh to the world among good rules", Live: State{Rules: []Rule{web, office, ping, members, ssh}, Tags: map[string]string{"team": "web"}},
				Rules: []string{"world-open-port"}, Calls: []string{revoke},
				Want: State{Rules: []Rule{web, office, ping, members}, Tags: map[string]string{"team": "web"}},
			},
			{
				Name: "IPv4 and IPv6 go in one call", Live: state(ssh, sshV6, web),
				Rules: []string{"world-open-port", "world-open-port"}, Calls: []string{revoke}, Want: state(web),
			},
			{
				Name: "all protocols, all ports and a range", Live: state(
					rule("all", "-1", -1, -1, "0.0.0.0/0"), rule("every", "tcp", 0, 65535, "0.0.0.0/0"),
					rule("range", "udp", 100, 200, "0.0.0.0/0"), rule("fine", "tcp", 8000, 8100, "0.0.0.0/0")),
				Rules: []string{"world-open-port", "world-open-port", "world-open-port"}, Calls: []string{revoke},
				Want: state(rule("fine", "tcp", 8000, 8100, "0.0.0.0/0")),
			},
			{
				Name:  "a prefix list that holds the world",
				Live:  State{Rules: []Rule{list("a", "pl-world"), list("b", "pl-partners"), web}, PrefixLists: map[string][]string{"pl-world": worldList, "pl-partners": partners}},
				Rules: []string{"world-open-port"}, Calls: []string{revoke},
				Want: State{Rules: []Rule{list("b", "pl-partners"), web}, PrefixLists: map[string][]string{"pl-partners": partners}},
			},
			{
				Name: "a widened rule takes its earlier form", Live: state(web, widened), Baseline: &base,
				Rules: []string{"world-open-port"}, Calls: []string{modify}, Want: base,
			},
			{
				Name: "one widened, one added", Live: state(web, widened, sshV6), Baseline: &base,
				Rules: []string{"world-open-port", "world-open-port"}, Calls: []string{revoke, modify}, Want: base,
			},
			{
				Name: "good changes since the baseline stay", Live: state(office, ping, ssh), Baseline: &base,
				Rules: []string{"world-open-port"}, Calls: []string{revoke}, Want: state(office, ping),
			},
			{
				Name: "a rule with a description and tags", Live: state(tagged, sshV6, web),
				Rules: []string{"world-open-port", "world-open-port"}, Calls: []string{revoke}, Want: state(web),
			},
			{
				Name: "two of many", Live: manyBad,
				Rules: []string{"world-open-port", "world-open-port"}, Calls: []string{revoke}, Want: many,
			},
		},
	}
}

// variants are told apart by the rule alone: for EC2 they are the same calls. The
// last one the emulator does not know: it modifies no IPv6 rules.
func variants() []remedytest.Case[State, Params] {
	ssh := rule("ssh", "tcp", 22, 22, "0.0.0.0/0")
	sshV6 := rule("ssh6", "tcp", 22, 22, "::/0")
	office := rule("office", "tcp", 22, 22, "198.51.100.0/24")
	ten := rule("ten", "tcp", 22, 22, "10.0.0.0/8")
	partner := rule("partner", "tcp", 22, 22, "52.0.0.0/7")
	officeV6 := rule("ssh6", "tcp", 22, 22, "2001:db8::/32")
	allowed := Defaults()
	allowed.AllowedCIDRs = []string{"52.0.0.0/6"}
	one, two := []string{"world-open-port"}, []string{"world-open-port", "world-open-port"}
	base := state(officeV6, ten)
	return []remedytest.Case[State, Params]{
		{Name: "empty group", Live: State{}},
		{Name: "only the IPv6 rule is bad", Live: state(office, sshV6), Rules: one, Calls: []string{revoke}, Want: state(office)},
		{
			Name: "the world in two halves", Live: state(rule("low", "tcp", 22, 22, "0.0.0.0/1"), rule("high", "tcp", 22, 22, "128.0.0.0/1"), ten),
			Rules: two, Calls: []string{revoke}, Want: state(ten),
		},
		{Name: "a rule that no baseline knows goes", Live: state(ten, ssh), Rules: one, Calls: []string{revoke}, Want: state(ten)},
		{Name: "an allowed range", Params: &allowed, Live: state(partner, ssh), Rules: one, Calls: []string{revoke}, Want: state(partner)},
		{Name: "a widened IPv6 rule", Baseline: &base, Live: state(sshV6, ten), Rules: one, Calls: []string{modify}, Want: base},
	}
}

func TestConformanceFake(t *testing.T) {
	s := suite()
	s.Cases = append(s.Cases, variants()...)
	s.Open = func(testing.TB) grouptest.World { return grouptest.FakeWorld(securitygroup.Ingress) }
	remedytest.Run(t, s)
}

func TestConformanceMoto(t *testing.T) {
	s := suite()
	account := mototest.New(t)
	s.Open = func(t testing.TB) grouptest.World { return grouptest.MotoWorld(t, account, securitygroup.Ingress) }
	remedytest.RunEmulated(t, s)
}
