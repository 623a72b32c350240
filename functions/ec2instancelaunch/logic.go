package ec2instancelaunch

import (
	"fmt"
	"slices"

	"github.com/ebb-ops/ebb/pkg/imds"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is what of an instance is open to others.
type State struct {
	imds.Options
	Interfaces []Interface       `json:"interfaces"`     // sorted by id
	Tags       map[string]string `json:"tags,omitempty"` // only read
}

// Interface is a network interface of the instance.
type Interface struct {
	ID       string    `json:"id"`
	Subnet   string    `json:"subnet"`            // only read
	VPC      string    `json:"vpc"`               // only read
	Assigned bool      `json:"assigned"`          // it has a public address that EC2 assigned: which one is EC2's to say
	Elastic  []Elastic `json:"elastic,omitempty"` // sorted by allocation
}

// Elastic is an elastic address that an interface has.
type Elastic struct {
	Allocation  string `json:"allocation"`
	Private     string `json:"private"`     // the private address that it stands for
	Association string `json:"association"` // another one each time; only read
}

// ResourceTags gives the instance's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

func check(t Target, s State, p Params) []remedy.Violation {
	var out []remedy.Violation
	for _, i := range s.Interfaces {
		if p.public(i, s.Tags) {
			continue
		}
		where := fmt.Sprintf("interface %s of instance %s, in subnet %s", i.ID, t.InstanceID, i.Subnet)
		if i.Assigned {
			out = append(out, remedy.Violation{
				Rule: "public-address", Part: i.ID,
				Message: "A public IPv4 address was assigned to " + where + ", where none is allowed.",
			})
		}
		for _, e := range i.Elastic {
			out = append(out, remedy.Violation{
				Rule: "elastic-address", Part: e.Allocation,
				Message: fmt.Sprintf("The elastic IP address %s belongs to %s, where none is allowed.", e.Allocation, where),
			})
		}
	}
	return append(out, s.Check(t.InstanceID)...)
}

// repair takes away the addresses that are not allowed. Before the launch there
// was nothing to bring back.
func repair(_ Target, live State, _ remedy.Baseline[State], p Params) State {
	live.Options = live.Repaired()
	live.Interfaces = slices.Clone(live.Interfaces)
	for n, i := range live.Interfaces {
		if !p.public(i, live.Tags) {
			live.Interfaces[n].Assigned, live.Interfaces[n].Elastic = false, nil
		}
	}
	return live
}

// diff ends what is public before it asks for tokens. Interfaces that only one
// of the states has were attached or detached: that is not for this function.
func diff(t Target, from, to State) []Change {
	var out []Change
	for _, after := range to.Interfaces {
		n := slices.IndexFunc(from.Interfaces, func(i Interface) bool { return i.ID == after.ID })
		if n >= 0 {
			out = append(out, diffInterface(from.Interfaces[n], after)...)
		}
	}
	for _, c := range imds.Diff(t.InstanceID, from.Options, to.Options) {
		out = append(out, Change{Options: &c})
	}
	return out
}

// diffInterface also turns assigning off where an elastic address goes: EC2
// would assign one in its place.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-instance-addressing.html
func diffInterface(from, to Interface) []Change {
	var out []Change
	lacking := func(list, other []Elastic) []Elastic {
		return slices.DeleteFunc(slices.Clone(list), func(e Elastic) bool {
			return slices.ContainsFunc(other, func(o Elastic) bool { return o.Allocation == e.Allocation && o.Private == e.Private })
		})
	}
	lost := lacking(from.Elastic, to.Elastic)
	for _, e := range lost {
		out = append(out, Change{Interface: to.ID, Disassociate: &e})
	}
	if from.Assigned != to.Assigned || len(lost) > 0 && !to.Assigned {
		out = append(out, Change{Interface: to.ID, Assign: &to.Assigned})
	}
	for _, e := range lacking(to.Elastic, from.Elastic) {
		out = append(out, Change{Interface: to.ID, Associate: &e})
	}
	return out
}

// Change is one call: exactly one of its pointers is set.
type Change struct {
	Options      *imds.Change
	Interface    string // that the others are about
	Assign       *bool  // whether EC2 assigns a public address
	Disassociate *Elastic
	Associate    *Elastic
}

// Call gives the call as a person would write it.
func (c Change) Call() remedy.Call {
	switch {
	case c.Options != nil:
		return c.Options.Call()
	case c.Disassociate != nil:
		return remedy.Call{API: "ec2:DisassociateAddress", Params: map[string]any{"AssociationId": c.Disassociate.Association}}
	case c.Associate != nil:
		return remedy.Call{API: "ec2:AssociateAddress", Params: map[string]any{
			"AllocationId": c.Associate.Allocation, "NetworkInterfaceId": c.Interface, "PrivateIpAddress": c.Associate.Private,
			"AllowReassociation": false,
		}}
	}
	return remedy.Call{API: "ec2:ModifyNetworkInterfaceAttribute", Params: map[string]any{
		"NetworkInterfaceId": c.Interface, "AssociatePublicIpAddress": *c.Assign,
	}}
}
