package ec2securitygroup

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ebb-ops/ebb/pkg/netrange"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is what a security group lets in.
type State struct {
	Rules       []Rule              `json:"rules"`                  // ingress only, by id
	PrefixLists map[string][]string `json:"prefix_lists,omitempty"` // entries of the prefix lists that the rules name; only read
	Tags        map[string]string   `json:"tags,omitempty"`         // the group's; only read
}

// ResourceTags gives the group's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

// Rule is one ingress rule. Its id and tags are AWS's and the owner's: two
// rules with the same opening and description are the same rule.
type Rule struct {
	ID string `json:"id"`
	Opening
	Description string            `json:"description,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
}

// Opening is who may reach what. AWS allows each opening once in a group. One
// of CIDR, PrefixList and Group is set.
type Opening struct {
	Protocol   string `json:"protocol"` // "tcp", "udp", "icmp", "icmpv6", a number, or "-1" for all
	From       int32  `json:"from"`     // first port, or ICMP type; -1 for all
	To         int32  `json:"to"`       // last port, or ICMP code; -1 for all
	CIDR       string `json:"cidr,omitempty"`
	PrefixList string `json:"prefix_list,omitempty"`
	Group      string `json:"group,omitempty"`
	GroupOwner string `json:"group_owner,omitempty"` // the account of Group
	Peering    string `json:"peering,omitempty"`     // the peering connection to Group's VPC
}

// ports gives the TCP and UDP ports that o opens; ok is false when it opens none.
func (o Opening) ports() (from, to int32, ok bool) {
	switch strings.ToLower(o.Protocol) {
	case "-1":
		return 0, netrange.MaxPort, true
	case "tcp", "udp", "6", "17":
	default:
		return 0, 0, false
	}
	from, to = max(o.From, 0), o.To
	if to < 0 {
		to = netrange.MaxPort
	}
	return from, to, true
}

// String says what o opens: "tcp 22 to 25", "all protocols and ports".
func (o Opening) String() string {
	from, to, _ := o.ports()
	switch {
	case o.Protocol == "-1":
		return "all protocols and ports"
	case from == 0 && to == netrange.MaxPort:
		return "all " + o.Protocol + " ports"
	case from == to:
		return fmt.Sprintf("%s %d", o.Protocol, from)
	}
	return fmt.Sprintf("%s %d to %d", o.Protocol, from, to)
}

// judge decides about rules by the parameters, prepared once for a whole group.
type judge struct {
	world netrange.World
	ports netrange.Ports
	lists map[string][]string
}

func newJudge(p Params, lists map[string][]string) judge {
	return judge{netrange.NewWorld(p.AllowedCIDRs, p.WidestV4, p.WidestV6), netrange.NewPorts(p.RiskyPorts), lists}
}

// bad says what is wrong with a rule, or nothing when it may stay.
func (j judge) bad(o Opening) string {
	from, to, ok := o.ports()
	if !ok {
		return ""
	}
	risky := j.ports.In(from, to)
	if len(risky) == 0 {
		return ""
	}
	var source string
	if entries := j.lists[o.PrefixList]; j.world.Is(o.CIDR) {
		source = o.CIDR
	} else if i := slices.IndexFunc(entries, j.world.Is); i >= 0 {
		source = fmt.Sprintf("%s of prefix list %s", entries[i], o.PrefixList)
	} else {
		return ""
	}
	return fmt.Sprintf("%s open to %s; risky there: %s", o, source, netrange.List(risky))
}

func check(_ Target, s State, p Params) []remedy.Violation {
	j := newJudge(p, s.PrefixLists)
	var out []remedy.Violation
	for _, r := range s.Rules {
		if why := j.bad(r.Opening); why != "" {
			out = append(out, remedy.Violation{
				Rule: "world-open-port", Part: r.ID,
				Message: fmt.Sprintf("Rule %s has %s.", r.ID, why),
			})
		}
	}
	return out
}

// repair drops the offending rules and nothing else. A rule that the baseline
// knows in a compliant form takes that form again.
func repair(_ Target, live State, base remedy.Baseline[State], p Params) State {
	out := live
	out.PrefixLists = maps.Clone(base.State.PrefixLists)
	if out.PrefixLists == nil {
		out.PrefixLists = map[string][]string{}
	}
	maps.Copy(out.PrefixLists, live.PrefixLists)
	j := newJudge(p, out.PrefixLists)

	taken := map[Opening]bool{}
	for _, r := range live.Rules {
		taken[r.Opening] = taken[r.Opening] || j.bad(r.Opening) == ""
	}
	was := map[string]Rule{}
	for _, r := range base.State.Rules {
		was[r.ID] = r
	}
	out.Rules = make([]Rule, 0, len(live.Rules))
	for _, r := range live.Rules {
		if j.bad(r.Opening) != "" {
			old, ok := was[r.ID]
			// AWS refuses an opening that another rule has.
			if !ok || !modifiable(r, old) || j.bad(old.Opening) != "" || taken[old.Opening] {
				continue
			}
			taken[old.Opening] = true
			r.Opening, r.Description = old.Opening, old.Description
		}
		out.Rules = append(out.Rules, r)
	}
	return out
}

// modifiable reports whether AWS lets one rule become the other: the kind of
// source of a rule is fixed.
func modifiable(a, b Rule) bool {
	kind := func(r Rule) string {
		switch {
		case r.PrefixList != "":
			return "list"
		case r.Group != "":
			return "group"
		case isV6(r.CIDR):
			return "v6"
		}
		return "v4"
	}
	return kind(a) == kind(b)
}

func isV6(cidr string) bool { return strings.Contains(cidr, ":") }

// diff removes first: that is what ends the exposure.
func diff(t Target, from, to State) []Change {
	type same struct {
		Opening
		description string
	}
	key := func(r Rule) same { return same{r.Opening, r.Description} }

	wanted := map[same]int{}
	for _, r := range to.Rules {
		wanted[key(r)]++
	}
	surplus := map[string]Rule{}
	var order []string
	for _, r := range from.Rules {
		if wanted[key(r)] > 0 {
			wanted[key(r)]--
			continue
		}
		surplus[r.ID] = r
		order = append(order, r.ID)
	}
	var modify, add []Rule
	for _, r := range to.Rules {
		if wanted[key(r)] == 0 {
			continue
		}
		wanted[key(r)]--
		if old, ok := surplus[r.ID]; ok && modifiable(old, r) {
			delete(surplus, r.ID)
			modify = append(modify, r)
		} else {
			add = append(add, r)
		}
	}
	order = slices.DeleteFunc(order, func(id string) bool { _, ok := surplus[id]; return !ok })

	var out []Change
	if len(order) > 0 {
		out = append(out, revocation{t.GroupID, order})
	}
	if len(modify) > 0 {
		out = append(out, modification{t.GroupID, modify})
	}
	for _, rules := range byTags(add) {
		out = append(out, authorization{t.GroupID, rules})
	}
	return out
}

// byTags groups rules that have the same tags: one call gives all its rules the
// same ones. Tags of the reserved prefix are AWS's own to set.
func byTags(rules []Rule) [][]Rule {
	groups := map[string][]Rule{}
	for _, r := range rules {
		r.Tags = maps.Clone(r.Tags)
		maps.DeleteFunc(r.Tags, func(k, _ string) bool { return strings.HasPrefix(k, "aws:") })
		k := fmt.Sprintf("%q", r.Tags) // fmt prints maps by sorted keys
		groups[k] = append(groups[k], r)
	}
	out := make([][]Rule, 0, len(groups))
	for _, k := range slices.SortedFunc(maps.Keys(groups), cmp.Compare) {
		out = append(out, groups[k])
	}
	return out
}
