package ec2route

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ebb-ops/ebb/pkg/pattern"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is what a route table sends where.
type State struct {
	Routes  []Route           `json:"routes"`            // by destination; only those that somebody made
	Subnets []Subnet          `json:"subnets,omitempty"` // that the table routes, by id; only read
	Tags    map[string]string `json:"tags,omitempty"`    // the table's; only read
}

// ResourceTags gives the table's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

// Route is one route. A table has one for each destination.
type Route struct {
	Destination string `json:"destination"` // an IPv4 or IPv6 range, or a prefix list
	Target      string `json:"target"`      // an id, or a network's ARN
}

// Subnet is one subnet, and the tags that may say it is private.
type Subnet struct {
	ID   string            `json:"id"`
	Tags map[string]string `json:"tags,omitempty"`
}

// internet reports whether a route lets the internet in. An egress-only
// gateway's id starts with eigw-.
func (r Route) internet() bool { return strings.HasPrefix(r.Target, "igw-") }

// private says why a table is private, or nothing when it is not.
func private(s State, p Params) string {
	if tag := p.privateTag(s.Tags); tag != "" {
		return "the table is private by its tag " + tag
	}
	for _, subnet := range s.Subnets {
		if tag := p.privateTag(subnet.Tags); tag != "" {
			return fmt.Sprintf("subnet %s is private by its tag %s", subnet.ID, tag)
		}
	}
	return ""
}

// privateTag gives the first of the tags, by key, that a private subnet has.
func (p Params) privateTag(tags map[string]string) string {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		for _, tag := range p.PrivateTags {
			if k, value, _ := strings.Cut(tag, "="); k == key && pattern.Match(strings.ToLower(value), strings.ToLower(tags[key])) {
				return key + "=" + tags[key]
			}
		}
	}
	return ""
}

func check(t Target, s State, p Params) []remedy.Violation {
	why := private(s, p)
	if why == "" {
		return nil
	}
	var out []remedy.Violation
	for _, r := range s.Routes {
		if r.internet() {
			out = append(out, remedy.Violation{
				Rule: "internet-route", Part: r.Destination,
				Message: fmt.Sprintf("The route for %s of route table %s leads to internet gateway %s, although %s.", r.Destination, t.Table, r.Target, why),
			})
		}
	}
	return out
}

// repair gives the offending routes the target that the baseline knows for
// their destination, or drops them.
func repair(t Target, live State, base remedy.Baseline[State], p Params) State {
	if private(live, p) == "" {
		return live
	}
	was := byDestination(base.State.Routes)
	out := live
	out.Routes = make([]Route, 0, len(live.Routes))
	for _, r := range live.Routes {
		if r.internet() {
			old, ok := was[r.Destination]
			if !ok || old.internet() { // what was no private table may be one by now
				continue
			}
			r = old
		}
		out.Routes = append(out.Routes, r)
	}
	return out
}

func byDestination(routes []Route) map[string]Route {
	out := map[string]Route{}
	for _, r := range routes {
		out[r.Destination] = r
	}
	return out
}

func inOrder(routes map[string]Route) []Route {
	return slices.SortedFunc(maps.Values(routes), func(a, b Route) int { return cmp.Compare(a.Destination, b.Destination) })
}

// diff deletes first: that ends an exposure, and makes room below EC2's limit.
func diff(t Target, from, to State) []Change {
	before, after := byDestination(from.Routes), byDestination(to.Routes)
	var remove, replace, create []Change
	for _, r := range inOrder(before) {
		if _, ok := after[r.Destination]; !ok {
			remove = append(remove, Change{t.Table, deleted, Route{Destination: r.Destination}})
		}
	}
	for _, r := range inOrder(after) {
		if old, ok := before[r.Destination]; !ok {
			create = append(create, Change{t.Table, created, r})
		} else if old != r {
			replace = append(replace, Change{t.Table, replaced, r})
		}
	}
	return slices.Concat(remove, replace, create)
}

// What becomes of a route.
const (
	created  = "CreateRoute"
	replaced = "ReplaceRoute"
	deleted  = "DeleteRoute"
)

// Change creates, replaces or deletes one route.
type Change struct {
	Table string
	API   string // created, replaced or deleted
	Route Route  // only its destination when it is deleted
}

// Call gives the change as the API call that makes it.
func (c Change) Call() remedy.Call {
	params := map[string]string{"RouteTableId": c.Table, c.Route.destinationParam(): c.Route.Destination}
	if c.API != deleted {
		params[targetParam(c.Route.Target)] = c.Route.Target
	}
	return remedy.Call{API: "ec2:" + c.API, Params: params}
}

// The API's parameters for destinations.
const (
	paramV4   = "DestinationCidrBlock"
	paramV6   = "DestinationIpv6CidrBlock"
	paramList = "DestinationPrefixListId"
)

func (r Route) destinationParam() string {
	switch {
	case strings.HasPrefix(r.Destination, "pl-"):
		return paramList
	case strings.Contains(r.Destination, ":"):
		return paramV6
	}
	return paramV4
}

// targetParam gives the API's parameter for a target, or nothing for one of a
// kind that is not known here.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html
func targetParam(target string) string {
	for _, kind := range [...]struct{ prefix, param string }{
		{"igw-", "GatewayId"},
		{"vgw-", "GatewayId"},
		{"nat-", "NatGatewayId"},
		{"eni-", "NetworkInterfaceId"},
		{"tgw-", "TransitGatewayId"},
		{"pcx-", "VpcPeeringConnectionId"},
		{"vpce-", "VpcEndpointId"},
		{"eigw-", "EgressOnlyInternetGatewayId"},
		{"lgw-", "LocalGatewayId"},
		{"cagw-", "CarrierGatewayId"},
	} {
		if strings.HasPrefix(target, kind.prefix) {
			return kind.param
		}
	}
	switch part := strings.SplitN(target, ":", 4); {
	case len(part) < 4 || part[0] != "arn":
	case part[2] == "networkmanager":
		return "CoreNetworkArn"
	case part[2] == "odb":
		return "OdbNetworkArn"
	}
	return ""
}
