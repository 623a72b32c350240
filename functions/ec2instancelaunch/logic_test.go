package ec2instancelaunch

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/imds"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

var (
	v1   = imds.Options{Endpoint: imds.Enabled, Tokens: imds.Optional}
	v2   = imds.Options{Endpoint: imds.Enabled, Tokens: imds.Required}
	eip  = Elastic{Allocation: "eipalloc-1", Private: "10.0.0.4", Association: "eipassoc-1"}
	eip2 = Elastic{Allocation: "eipalloc-2", Private: "10.0.0.5", Association: "eipassoc-2"}
)

func TestCheck(t *testing.T) {
	t.Parallel()
	in := func(subnet, vpc string) Interface {
		return Interface{ID: "eni-" + subnet, Subnet: subnet, VPC: vpc, Assigned: true}
	}
	front := Params{PublicSubnets: []string{"subnet-front"}, PublicVPCs: []string{"vpc-dmz"}, PublicTags: []string{"tier=public", "bastion"}}
	tests := []struct {
		name   string
		state  State
		params Params
		want   []string // rule and part
	}{
		{"private, with tokens", State{Options: v2, Interfaces: []Interface{{ID: "eni-1"}}}, Params{}, nil},
		{"no interface", State{Options: v2}, Params{}, nil},
		{"without tokens", State{Options: v1}, front, []string{"imdsv1 HttpTokens"}},
		{"no metadata service", State{Options: imds.Options{Endpoint: imds.Disabled, Tokens: imds.Optional}}, Params{}, nil},
		{"an assigned address", State{Options: v2, Interfaces: []Interface{in("subnet-back", "vpc-1")}}, front, []string{"public-address eni-subnet-back"}},
		{"an allowed subnet", State{Options: v2, Interfaces: []Interface{in("subnet-front", "vpc-1")}}, front, nil},
		{"an allowed VPC", State{Options: v2, Interfaces: []Interface{in("subnet-any", "vpc-dmz")}}, front, nil},
		{"an allowed tag", State{Options: v2, Interfaces: []Interface{in("subnet-back", "vpc-1")}, Tags: map[string]string{"tier": "public"}}, front, nil},
		{"an allowed key", State{Options: v2, Interfaces: []Interface{in("subnet-back", "vpc-1")}, Tags: map[string]string{"bastion": ""}}, front, nil},
		{"an allowed tag's key with another value", State{Options: v2, Interfaces: []Interface{in("subnet-back", "vpc-1")}, Tags: map[string]string{"tier": "back"}}, front, []string{"public-address eni-subnet-back"}},
		{"a place that allows addresses allows no IMDSv1", State{Options: v1, Interfaces: []Interface{in("subnet-front", "vpc-1")}}, front, []string{"imdsv1 HttpTokens"}},
		{"each interface by its own subnet", State{Options: v2, Interfaces: []Interface{in("subnet-back", "vpc-1"), in("subnet-front", "vpc-1")}}, front, []string{"public-address eni-subnet-back"}},
		{"elastic addresses", State{Options: v2, Interfaces: []Interface{{ID: "eni-1", Elastic: []Elastic{eip, eip2}}}}, Params{}, []string{"elastic-address eipalloc-1", "elastic-address eipalloc-2"}},
		{"everything at once", State{Options: v1, Interfaces: []Interface{{ID: "eni-1", Assigned: true}, {ID: "eni-2", Elastic: []Elastic{eip}}}}, Params{}, []string{"public-address eni-1", "elastic-address eipalloc-1", "imdsv1 HttpTokens"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, v := range check(Target{InstanceID: "i-1"}, tt.state, tt.params) {
				got = append(got, v.Rule+" "+v.Part)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiffCalls(t *testing.T) {
	t.Parallel()
	const (
		tokens = `{"api":"ec2:ModifyInstanceMetadataOptions","params":{"HttpTokens":"required","InstanceId":"i-1"}}`
		off    = `{"api":"ec2:ModifyNetworkInterfaceAttribute","params":{"AssociatePublicIpAddress":false,"NetworkInterfaceId":"eni-1"}}`
		on     = `{"api":"ec2:ModifyNetworkInterfaceAttribute","params":{"AssociatePublicIpAddress":true,"NetworkInterfaceId":"eni-1"}}`
		loosen = `{"api":"ec2:DisassociateAddress","params":{"AssociationId":"eipassoc-1"}}`
		attach = `{"api":"ec2:AssociateAddress","params":{"AllocationId":"eipalloc-1","AllowReassociation":false,"NetworkInterfaceId":"eni-1","PrivateIpAddress":"10.0.0.4"}}`
	)
	with := func(o imds.Options, i ...Interface) State { return State{Options: o, Interfaces: i} }
	again := eip
	again.Association = "eipassoc-9"
	tests := []struct {
		name     string
		from, to State
		want     []string
	}{
		{"associations, subnets and tags do not count", with(v2, Interface{ID: "eni-1", Subnet: "a", Elastic: []Elastic{eip}}), with(v2, Interface{ID: "eni-1", Subnet: "b", Elastic: []Elastic{again}}), nil},
		{"what is public ends first", with(v1, Interface{ID: "eni-1", Assigned: true}), with(v2, Interface{ID: "eni-1"}), []string{off, tokens}},
		{"no other address in the place of an elastic one", with(v2, Interface{ID: "eni-1", Elastic: []Elastic{eip}}), with(v2, Interface{ID: "eni-1"}), []string{loosen, off}},
		{"an undo", with(v2, Interface{ID: "eni-1"}), with(v2, Interface{ID: "eni-1", Elastic: []Elastic{eip}}), []string{attach}},
		{"an undo of an assigned one", with(v2, Interface{ID: "eni-1"}), with(v2, Interface{ID: "eni-1", Assigned: true}), []string{on}},
		{"an elastic one in the place of an assigned one", with(v2, Interface{ID: "eni-1", Elastic: []Elastic{eip}}), with(v2, Interface{ID: "eni-1", Assigned: true}), []string{loosen, on}},
		{"an interface that was attached since", with(v2), with(v2, Interface{ID: "eni-1", Assigned: true}), nil},
		{"an interface that was detached since", with(v2, Interface{ID: "eni-1", Assigned: true}), with(v2), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, c := range diff(Target{InstanceID: "i-1"}, tt.from, tt.to) {
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

// states have two interfaces, of which only the first is a primary one: a
// single address is either assigned or elastic.
var states = rapid.Custom(func(t *rapid.T) State {
	s := State{Options: rapid.SampledFrom([]imds.Options{v1, v2, {Endpoint: imds.Disabled, Tokens: imds.Optional}}).Draw(t, "options")}
	for n, id := range []string{"eni-1", "eni-2"} {
		i := Interface{ID: id, Subnet: rapid.SampledFrom([]string{"subnet-front", "subnet-back"}).Draw(t, "subnet"), VPC: "vpc-1"}
		switch rapid.IntRange(0, 2).Draw(t, "address") {
		case 1:
			i.Assigned = true
		case 2:
			i.Elastic = []Elastic{[]Elastic{eip, eip2}[n]}
		}
		s.Interfaces = append(s.Interfaces, i)
	}
	s.Tags = rapid.MapOfN(rapid.SampledFrom([]string{"a", "bastion"}), rapid.Just("v"), 0, 2).Draw(t, "tags")
	return s
})

// applied is what EC2 makes of an instance.
func applied(s State, changes []Change) State {
	s.Interfaces = slices.Clone(s.Interfaces)
	for _, c := range changes {
		if o := c.Options; o != nil {
			s.Tokens = cmpOr(o.Tokens, s.Tokens)
			s.Endpoint = cmpOr(o.Endpoint, s.Endpoint)
			continue
		}
		i := &s.Interfaces[slices.IndexFunc(s.Interfaces, func(i Interface) bool { return i.ID == c.Interface })]
		switch {
		case c.Disassociate != nil:
			i.Elastic, i.Assigned = nil, true // EC2 assigns one in its place
		case c.Associate != nil:
			i.Elastic, i.Assigned = []Elastic{*c.Associate}, false
		default:
			i.Assigned = *c.Assign
		}
	}
	return s
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := states.Draw(t, "a"), states.Draw(t, "b")
		p := Params{
			PublicSubnets: rapid.SampledFrom([][]string{nil, {"subnet-front"}}).Draw(t, "subnets"),
			PublicTags:    rapid.SampledFrom([][]string{nil, {"bastion"}}).Draw(t, "tags"),
		}
		target := Target{InstanceID: "i-1"}
		if got := diff(target, a, a); len(got) != 0 {
			t.Fatalf("diff of a state with itself = %v, want none", got)
		}
		readOnly := cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreFields(State{}, "Tags"), cmpopts.IgnoreFields(Interface{}, "Subnet")}
		if diff := cmp.Diff(b, applied(a, diff(target, a, b)), readOnly); diff != "" {
			t.Fatalf("the changes from a to b (-want +got):\n%s", diff)
		}
		image, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back State
		if err := json.Unmarshal(image, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, back, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("a state changes in its JSON form (-want +got):\n%s", diff)
		}
		fixed := repair(target, a, remedy.Baseline[State]{State: b, Known: true}, p)
		if left := check(target, fixed, p); len(left) > 0 {
			t.Fatalf("the repaired state still breaks the policy: %v", left)
		}
		for n, i := range a.Interfaces {
			if p.public(i, a.Tags) && !cmp.Equal(i, fixed.Interfaces[n]) {
				t.Fatalf("an interface that may be public was touched: %+v", fixed.Interfaces[n])
			}
		}
		if after, _ := json.Marshal(a); string(after) != string(image) {
			t.Fatalf("repair changed its argument to %s", after)
		}
	})
}
