package ec2route

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	tag := func(k, v string) map[string]string { return map[string]string{k: v} }
	internet := []Route{{"0.0.0.0/0", "igw-1"}}
	byName := Params{PrivateTags: []string{"Name=*-private-*", "Name=*subnetprivate*", "zone=db?"}}
	tests := []struct {
		name   string
		state  State
		params *Params
		want   []string // a part of each message
	}{
		{"a private table", State{Routes: internet, Tags: tag("Network", "Private")}, nil, []string{"The route for 0.0.0.0/0 of route table rtb-1 leads to internet gateway igw-1, although the table is private by its tag Network=Private."}},
		{"a private subnet", State{Routes: internet, Subnets: []Subnet{{"subnet-1", tag("Tier", "private")}}}, nil, []string{"subnet subnet-1 is private by its tag Tier=private"}},
		{"a private subnet among public ones", State{Routes: internet, Subnets: []Subnet{{"subnet-1", tag("Network", "Public")}, {"subnet-2", tag("aws-cdk:subnet-type", "Isolated")}}}, nil, []string{"subnet subnet-2"}},
		{"a public subnet", State{Routes: internet, Subnets: []Subnet{{"subnet-1", tag("Network", "Public")}}}, nil, nil},
		{"no subnets and no tags", State{Routes: internet}, nil, nil},
		{"part of a value", State{Routes: internet, Tags: tag("Network", "Private-ish")}, nil, nil},
		{"a key in other letters", State{Routes: internet, Tags: tag("network", "Private")}, nil, nil},
		{"a pattern", State{Routes: internet, Tags: tag("Name", "main-private-us-east-1a")}, &byName, []string{"Name=main-private-us-east-1a"}},
		{"a pattern that fits across a slash", State{Routes: internet, Tags: tag("Name", "eksctl-web-cluster/SubnetPrivateUSEAST1A")}, &byName, []string{"SubnetPrivateUSEAST1A"}},
		{"a question mark", State{Routes: internet, Tags: tag("zone", "db1")}, &byName, []string{"zone=db1"}},
		{"a list in place of the default one", State{Routes: internet, Tags: tag("Network", "Private")}, &byName, nil},
		{"IPv6 and a prefix list", State{Routes: []Route{{"::/0", "igw-1"}, {"pl-1", "igw-1"}}, Tags: tag("Tier", "Private")}, nil, []string{"for ::/0", "for pl-1"}},
		{"a route for one partner only", State{Routes: []Route{{"198.51.100.0/24", "igw-1"}}, Tags: tag("Tier", "Private")}, nil, []string{"198.51.100.0/24"}},
		{"targets that let nobody in", State{
			Routes: []Route{{"0.0.0.0/0", "nat-1"}, {"::/0", "eigw-1"}, {"10.1.0.0/16", "pcx-1"}, {"10.2.0.0/16", "tgw-1"}, {"10.3.0.0/16", "vgw-1"}, {"pl-1", "vpce-1"}},
			Tags:   tag("Tier", "Private"),
		}, nil, nil},
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
			got := check(Target{Table: "rtb-1"}, tt.state, p)
			if len(got) != len(tt.want) {
				t.Fatalf("check = %+v, want %d violations", got, len(tt.want))
			}
			for i, v := range got {
				if v.Rule != "internet-route" || v.Part == "" || !strings.Contains(v.Message, tt.want[i]) {
					t.Errorf("violation %d = %+v, want internet-route with %q", i, v, tt.want[i])
				}
			}
		})
	}
}

func TestDiffCalls(t *testing.T) {
	t.Parallel()
	from := State{Routes: []Route{{"0.0.0.0/0", "igw-1"}, {"10.0.0.0/8", "tgw-1"}, {"::/0", "igw-1"}, {"pl-1", "igw-1"}}}
	to := State{Routes: []Route{
		{"0.0.0.0/0", "nat-1"}, {"10.0.0.0/8", "tgw-1"}, {"::/0", "eigw-1"}, {"10.1.0.0/16", "eni-1"}, {"10.2.0.0/16", "vpce-1"},
		{"10.3.0.0/16", "arn:aws:networkmanager::111122223333:core-network/core-network-1"}, {"10.4.0.0/16", "arn:aws:odb:us-east-1:111122223333:odb-network/odbnet_1"},
	}}
	want := []string{
		`{"api":"ec2:DeleteRoute","params":{"DestinationPrefixListId":"pl-1","RouteTableId":"rtb-1"}}`,
		`{"api":"ec2:ReplaceRoute","params":{"DestinationCidrBlock":"0.0.0.0/0","NatGatewayId":"nat-1","RouteTableId":"rtb-1"}}`,
		`{"api":"ec2:ReplaceRoute","params":{"DestinationIpv6CidrBlock":"::/0","EgressOnlyInternetGatewayId":"eigw-1","RouteTableId":"rtb-1"}}`,
		`{"api":"ec2:CreateRoute","params":{"DestinationCidrBlock":"10.1.0.0/16","NetworkInterfaceId":"eni-1","RouteTableId":"rtb-1"}}`,
		`{"api":"ec2:CreateRoute","params":{"DestinationCidrBlock":"10.2.0.0/16","RouteTableId":"rtb-1","VpcEndpointId":"vpce-1"}}`,
		`{"api":"ec2:CreateRoute","params":{"CoreNetworkArn":"arn:aws:networkmanager::111122223333:core-network/core-network-1","DestinationCidrBlock":"10.3.0.0/16","RouteTableId":"rtb-1"}}`,
		`{"api":"ec2:CreateRoute","params":{"DestinationCidrBlock":"10.4.0.0/16","OdbNetworkArn":"arn:aws:odb:us-east-1:111122223333:odb-network/odbnet_1","RouteTableId":"rtb-1"}}`,
	}
	var got []string
	for _, c := range diff(Target{Table: "rtb-1"}, from, to) {
		b, err := json.Marshal(c.Call())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(b))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	read := from
	read.Tags, read.Subnets = map[string]string{"a": "b"}, []Subnet{{ID: "subnet-1"}}
	if got := diff(Target{}, from, read); len(got) != 0 {
		t.Errorf("what is only read makes changes: %v", got)
	}
}

var states = rapid.Custom(func(t *rapid.T) State {
	routes := map[string]Route{}
	for _, d := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"0.0.0.0/0", "10.1.0.0/16", "198.51.100.0/24", "::/0", "2001:db8::/32", "pl-1"}), rapid.ID[string]).Draw(t, "destinations") {
		routes[d] = Route{d, rapid.SampledFrom([]string{"igw-1", "igw-2", "nat-1", "eigw-1", "tgw-1"}).Draw(t, "target")}
	}
	tags := rapid.MapOfN(rapid.SampledFrom([]string{"Network", "Tier"}), rapid.SampledFrom([]string{"Private", "Public"}), 0, 2)
	s := State{Routes: inOrder(routes), Tags: tags.Draw(t, "tags")}
	if rapid.Bool().Draw(t, "subnet") {
		s.Subnets = []Subnet{{"subnet-1", tags.Draw(t, "subnet's tags")}}
	}
	return s
})

// applied is what EC2 makes of a table.
func applied(t *rapid.T, s State, changes []Change) []Route {
	routes := byDestination(s.Routes)
	for _, c := range changes {
		_, there := routes[c.Route.Destination]
		if there == (c.API == created) {
			t.Fatalf("EC2 refuses %+v: the route is there: %v", c, there)
		}
		if c.API == deleted {
			delete(routes, c.Route.Destination)
		} else {
			routes[c.Route.Destination] = c.Route
		}
	}
	return inOrder(routes)
}

func TestRepairProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		live, base, p := states.Draw(t, "live"), states.Draw(t, "baseline"), Defaults()
		known := rapid.Bool().Draw(t, "known")
		if !known {
			base = State{}
		}
		before, err := json.Marshal(live)
		if err != nil {
			t.Fatal(err)
		}
		var back State
		if err := json.Unmarshal(before, &back); err != nil || !cmp.Equal(back, live, cmpopts.EquateEmpty()) {
			t.Fatalf("a state does not survive its JSON form: %s, %v", before, err)
		}
		got := repair(Target{}, live, remedy.Baseline[State]{State: base, Known: known}, p)
		if left := check(Target{}, got, p); len(left) > 0 {
			t.Fatalf("the repaired state still breaks the policy: %v", left)
		}
		if after, err := json.Marshal(live); err != nil || string(after) != string(before) {
			t.Fatalf("repair changed its argument to %s, %v", after, err)
		}
		bad := map[string]bool{}
		for _, v := range check(Target{}, live, p) {
			bad[v.Part] = true
		}
		was, is, baseline := byDestination(live.Routes), byDestination(got.Routes), byDestination(base.Routes)
		for d, r := range was {
			now, kept := is[d]
			if !bad[d] && (!kept || now != r) {
				t.Fatalf("route %+v broke nothing, and became %+v", r, now)
			}
			if old, ok := baseline[d]; bad[d] && kept != (ok && !old.internet()) || bad[d] && kept && now != old {
				t.Fatalf("route %+v became %+v, the baseline has %+v", r, now, old)
			}
		}
		if len(is) > len(was) {
			t.Fatalf("routes came from nowhere: %v", is)
		}
		done := applied(t, live, diff(Target{}, live, got))
		if diff := cmp.Diff(got.Routes, done, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("what the changes lead to (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(live.Routes, applied(t, State{Routes: done}, diff(Target{}, State{Routes: done}, live)), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("what the undo leads to (-want +got):\n%s", diff)
		}
	})
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{
		"Tier=private": "", "a=b=c": "", "Tier": "not of the form", "=private": "not of the form", "Tier=": "not of the form", "Tier=[": "syntax error",
	} {
		err := Params{PrivateTags: []string{tag}}.Validate()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("Validate of %q = %v, want %q", tag, err, want)
		}
	}
	if err := Defaults().Validate(); err != nil {
		t.Error(err)
	}
	if err := (Params{}).Validate(); err == nil {
		t.Error("Validate takes no tags at all")
	}
}
