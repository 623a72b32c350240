package ec2securitygroupegress

import (
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
	revoke = "ec2:RevokeSecurityGroupEgress"
	modify = "ec2:ModifySecurityGroupRules"
)

func rule(id, protocol string, from, to int32, cidr string) Rule {
	return Rule{ID: id, Opening: Opening{Protocol: protocol, From: from, To: to, CIDR: cidr}}
}

func state(rules ...Rule) State { return State{Rules: rules} }

func suite() remedytest.Suite[Target, State, Change, Params] {
	var (
		all     = rule("all", "-1", -1, -1, "0.0.0.0/0")
		web     = rule("web", "tcp", 443, 443, "0.0.0.0/0")
		relay   = rule("mail", "tcp", 25, 25, "198.51.100.0/24")
		mail    = rule("mail", "tcp", 25, 25, "0.0.0.0/0")
		shares  = rule("shares", "tcp", 400, 500, "::/0")
		members = Rule{ID: "members", Opening: Opening{Protocol: "tcp", From: 445, To: 445, Group: grouptest.Itself}}
		listed  = Rule{ID: "list", Opening: Opening{Protocol: "tcp", From: 25, To: 25, PrefixList: "pl-world"}}
		lists   = map[string][]string{"pl-world": {"0.0.0.0/1", "128.0.0.0/1"}}
		one     = []string{"forbidden-port-to-world"}
		strict  = Defaults()
	)
	strict.AllowAll = false
	tagged := mail
	tagged.Description, tagged.Tags = "for the newsletter", map[string]string{"ticket": "OPS-12"}
	relay.Description = "our relay"
	base := state(web, relay)
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function,
		Rule:     rules,
		Normal:   grouptest.Normal,
		Cases: []remedytest.Case[State, Params]{
			{Name: "the rule of every new group is left alone", Live: State{Rules: []Rule{all}, Tags: map[string]string{"team": "web"}}},
			{Name: "compliant group", Live: state(web, relay, members)},
			{
				Name: "mail to the world among good rules", Live: State{Rules: []Rule{all, web, tagged, members}, Tags: map[string]string{"team": "web"}},
				Rules: one, Calls: []string{revoke}, Want: State{Rules: []Rule{all, web, members}, Tags: map[string]string{"team": "web"}},
			},
			{
				Name: "IPv4 and IPv6 go in one call", Live: state(mail, shares, web),
				Rules: []string{one[0], one[0]}, Calls: []string{revoke}, Want: state(web),
			},
			{
				Name: "all protocols where a policy forbids it", Params: &strict, Live: state(all, web),
				Rules: one, Calls: []string{revoke}, Want: state(web),
			},
			{
				Name: "a prefix list that holds the world", Live: State{Rules: []Rule{listed, web}, PrefixLists: lists},
				Rules: one, Calls: []string{revoke}, Want: state(web),
			},
			{
				Name: "a widened rule takes its earlier form", Live: state(web, mail), Baseline: &base,
				Rules: one, Calls: []string{modify}, Want: base,
			},
		},
	}
}

func TestConformanceFake(t *testing.T) {
	s := suite()
	s.Open = func(testing.TB) grouptest.World { return grouptest.FakeWorld(securitygroup.Egress) }
	remedytest.Run(t, s)
}

func TestConformanceMoto(t *testing.T) {
	s := suite()
	account := mototest.New(t)
	s.Open = func(t testing.TB) grouptest.World { return grouptest.MotoWorld(t, account, securitygroup.Egress) }
	remedytest.RunEmulated(t, s)
}
