package securitygroup

import (
	"fmt"
	"strings"

	"github.com/ebb-ops/ebb/pkg/netrange"
)

// State is a security group's rules in one direction.
type State struct {
	Rules       []Rule              `json:"rules"`                  // by id
	PrefixLists map[string][]string `json:"prefix_lists,omitempty"` // entries of the prefix lists that the rules name; only read
	Tags        map[string]string   `json:"tags,omitempty"`         // the group's; only read
}

// ResourceTags gives the group's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

// Rule is one rule. Its id and tags are AWS's and the owner's: two rules with
// the same opening and description are the same rule.
type Rule struct {
	ID string `json:"id"`
	Opening
	Description string            `json:"description,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
}

// Opening is who may reach what, or what may be reached. AWS allows each opening
// once in a group and direction. One of CIDR, PrefixList and Group is set.
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

// Ports gives the TCP and UDP ports that o opens; ok is false when it opens none.
func (o Opening) Ports() (from, to int32, ok bool) {
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
	from, to, _ := o.Ports()
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

// Modifiable reports whether AWS lets one rule become the other: the kind of
// source of a rule is fixed.
func Modifiable(a, b Rule) bool {
	kind := func(r Rule) string {
		switch {
		case r.PrefixList != "":
			return "list"
		case r.Group != "":
			return "group"
		case IsV6(r.CIDR):
			return "v6"
		}
		return "v4"
	}
	return kind(a) == kind(b)
}

// IsV6 reports whether an address range is one of IPv6.
func IsV6(cidr string) bool { return strings.Contains(cidr, ":") }
