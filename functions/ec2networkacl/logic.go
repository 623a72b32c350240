package ec2networkacl

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/ebb-ops/ebb/pkg/netrange"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is what a network ACL lets in.
type State struct {
	Rules   []Rule            `json:"rules"`             // inbound only, by number; without the last one, which nobody can change
	Default bool              `json:"default,omitempty"` // the VPC's default ACL; only read
	Tags    map[string]string `json:"tags,omitempty"`    // only read
}

// ResourceTags gives the ACL's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

// Rule is one inbound rule. EC2 calls it an entry, and knows it by its number.
type Rule struct {
	Number   int32  `json:"number"`
	Action   string `json:"action"`         // allow or deny
	Protocol string `json:"protocol"`       // its number, "-1" for all
	CIDR     string `json:"cidr"`           // IPv4 or IPv6
	From     int32  `json:"from,omitempty"` // the first port of TCP and UDP, the type of ICMP
	To       int32  `json:"to,omitempty"`   // the last port of TCP and UDP, the code of ICMP
}

// What a rule does.
const (
	allow = "allow"
	deny  = "deny"
)

// Numbers of the protocols that have more than a number, and of all.
const (
	all    = "-1"
	icmp   = "1"
	tcp    = "6"
	udp    = "17"
	icmpV6 = "58"
)

// ports gives the ports that r is about in TCP or in UDP; ok is false when it
// is about none. A rule for all protocols is about all ports, whatever it names.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkAclEntry.html
func (r Rule) ports(transport string) (from, to int32, ok bool) {
	switch r.Protocol {
	case all:
		return 0, netrange.MaxPort, true
	case transport:
		return r.From, r.To, true
	}
	return 0, 0, false
}

// returnTraffic reports whether r is for the answers to connections from
// within. Clients take their ports from 1024 on; Linux's end at 60999.
// https://docs.aws.amazon.com/vpc/latest/userguide/nacl-ephemeral-ports.html
func (r Rule) returnTraffic() bool {
	return (r.Protocol == tcp || r.Protocol == udp) && r.From >= 1024 && r.To >= 60999
}

// String says what r is about: "tcp 22 to 25", "all protocols and ports".
func (r Rule) String() string {
	name := map[string]string{tcp: "tcp", udp: "udp"}[r.Protocol]
	switch {
	case r.Protocol == all:
		return "all protocols and ports"
	case r.From == 0 && r.To == netrange.MaxPort:
		return "all " + name + " ports"
	case r.From == r.To:
		return fmt.Sprintf("%s %d", name, r.From)
	}
	return fmt.Sprintf("%s %d to %d", name, r.From, r.To)
}

// judge decides about rules by the parameters, prepared once for a whole ACL.
type judge struct {
	world  netrange.World
	ports  netrange.Ports
	params Params
}

func newJudge(p Params) judge {
	return judge{netrange.NewWorld(p.AllowedCIDRs, p.WidestV4, p.WidestV6), netrange.NewPorts(p.RiskyPorts), p}
}

// open gives the risky ports that one of the rules opens to the world.
func (j judge) open(rules []Rule, r Rule) []int {
	if r.Action != allow || j.params.ReturnTraffic && r.returnTraffic() || !j.world.Is(r.CIDR) {
		return nil
	}
	var out []int
	for _, transport := range [...]string{tcp, udp} {
		from, to, ok := r.ports(transport)
		if !ok {
			continue
		}
		for _, port := range j.ports.In(from, to) {
			denied := denials(rules, r, transport, int32(port)) //nolint:gosec // Validate holds it below 65536
			if slices.ContainsFunc(netrange.Without(netip.MustParsePrefix(r.CIDR), denied), j.world.Has) {
				out = append(out, port)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// denials gives the ranges that rules ahead of r deny the port.
func denials(rules []Rule, r Rule, transport string, port int32) []netip.Prefix {
	var out []netip.Prefix
	for _, d := range rules {
		if from, to, ok := d.ports(transport); d.Action != deny || d.Number >= r.Number || !ok || port < from || port > to {
			continue
		}
		if p, err := netip.ParsePrefix(d.CIDR); err == nil {
			out = append(out, p)
		}
	}
	return out
}

func check(t Target, s State, p Params) []remedy.Violation {
	if s.Default && !p.DefaultACLs {
		return nil
	}
	j := newJudge(p)
	var out []remedy.Violation
	for _, r := range s.Rules {
		if risky := j.open(s.Rules, r); len(risky) > 0 {
			out = append(out, remedy.Violation{
				Rule: "world-open-port", Part: strconv.Itoa(int(r.Number)),
				Message: fmt.Sprintf("Inbound rule %d of network ACL %s allows %s from %s, and %s.", r.Number, t.ACL, r, r.CIDR, netrange.Are(risky, "risky")),
			})
		}
	}
	return out
}

// repair puts what the baseline knows back in place of the offending rules, or
// takes them out. Taking an allow out opens nothing, so once is enough.
func repair(t Target, live State, base remedy.Baseline[State], p Params) State {
	j := newJudge(p)
	want, was := byNumber(live.Rules), byNumber(base.State.Rules)
	for _, number := range offending(t, live, p) {
		switch old, ok := was[number]; {
		case !ok:
			delete(want, number)
		case old != want[number]:
			want[number] = old
		default: // it was harmless behind rules that are gone, or others by now
			behind := maps.Clone(want)
			for _, d := range was {
				if d.Action == deny && d.Number < number && d.names(j.open(live.Rules, old)) {
					behind[d.Number] = d
				}
			}
			if len(j.open(inOrder(behind), old)) == 0 {
				want = behind
			} else {
				delete(want, number)
			}
		}
	}
	out := live
	out.Rules = inOrder(want)
	for _, number := range offending(t, out, p) { // by today's policy
		delete(want, number)
	}
	out.Rules = inOrder(want)
	return out
}

// offending gives the numbers of the rules that break the policy.
func offending(t Target, s State, p Params) []int32 {
	var out []int32
	for _, v := range check(t, s, p) {
		n, _ := strconv.ParseInt(v.Part, 10, 32) // check made it of one
		out = append(out, int32(n))
	}
	return out
}

// names reports whether r is about one of the ports.
func (r Rule) names(ports []int) bool {
	return slices.ContainsFunc([]string{tcp, udp}, func(transport string) bool {
		from, to, ok := r.ports(transport)
		return ok && len(netrange.NewPorts(ports).In(from, to)) > 0
	})
}

func byNumber(rules []Rule) map[int32]Rule {
	out := map[int32]Rule{}
	for _, r := range rules {
		out[r.Number] = r
	}
	return out
}

func inOrder(rules map[int32]Rule) []Rule {
	return slices.SortedFunc(maps.Values(rules), func(a, b Rule) int { return cmp.Compare(a.Number, b.Number) })
}

// diff deletes first: that ends an exposure, and makes room below EC2's limit.
func diff(t Target, from, to State) []Change {
	before, after := byNumber(from.Rules), byNumber(to.Rules)
	var remove, replace, create []Change
	for _, r := range inOrder(before) {
		if _, ok := after[r.Number]; !ok {
			remove = append(remove, Change{t.ACL, deleted, Rule{Number: r.Number}})
		}
	}
	for _, r := range inOrder(after) {
		if old, ok := before[r.Number]; !ok {
			create = append(create, Change{t.ACL, created, r})
		} else if old != r {
			replace = append(replace, Change{t.ACL, replaced, r})
		}
	}
	return slices.Concat(remove, replace, create)
}

// What becomes of a rule.
const (
	created  = "CreateNetworkAclEntry"
	replaced = "ReplaceNetworkAclEntry"
	deleted  = "DeleteNetworkAclEntry"
)

// Change creates, replaces or deletes one rule.
type Change struct {
	ACL  string
	API  string // created, replaced or deleted
	Rule Rule   // only its number when it is deleted
}

// Call gives the change as the API call that makes it.
func (c Change) Call() remedy.Call {
	r := c.Rule
	params := map[string]any{"NetworkAclId": c.ACL, "RuleNumber": r.Number, "Egress": false}
	if c.API != deleted {
		params["Protocol"], params["RuleAction"] = r.Protocol, r.Action
		if r.isV6() {
			params["Ipv6CidrBlock"] = r.CIDR
		} else {
			params["CidrBlock"] = r.CIDR
		}
		switch r.Protocol {
		case tcp, udp:
			params["PortRange"] = map[string]int32{"From": r.From, "To": r.To}
		case icmp, icmpV6:
			params["IcmpTypeCode"] = map[string]int32{"Type": r.From, "Code": r.To}
		}
	}
	return remedy.Call{API: "ec2:" + c.API, Params: params}
}

func (r Rule) isV6() bool { return strings.Contains(r.CIDR, ":") }
