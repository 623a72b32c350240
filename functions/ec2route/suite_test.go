package ec2route

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

func suite() remedytest.Suite[Target, State, Change, Params] {
	const (
		remove  = "ec2:" + deleted
		replace = "ec2:" + replaced
	)
	var (
		private  = []Subnet{{"subnet-a", map[string]string{"Network": "Private"}}}
		public   = []Subnet{{"subnet-a", map[string]string{"Network": "Public"}}}
		mixed    = []Subnet{{"subnet-a", map[string]string{"Network": "Public"}}, {"subnet-b", map[string]string{"Tier": "private"}}}
		nat      = Route{"0.0.0.0/0", "nat-a"}
		internet = Route{"0.0.0.0/0", "igw-a"}
		natOther = Route{"203.0.113.0/24", "nat-a"}
		egress   = Route{"::/0", "eigw-a"}
		v6       = Route{"::/0", "igw-a"}
		list     = Route{"pl-a", "igw-a"}
		one      = []string{"internet-route"}
	)
	base := State{Routes: []Route{nat, egress}, Subnets: private}
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function,
		Rule:     rules,
		Normal:   normal,
		Cases: []remedytest.Case[State, Params]{
			{Name: "a private subnet behind NAT", Live: base},
			{Name: "a public subnet", Live: State{Routes: []Route{internet, v6}, Subnets: public, Tags: map[string]string{"team": "web"}}},
			{
				Name: "a created route", Live: State{Routes: []Route{internet, natOther}, Subnets: private},
				Rules: one, Calls: []string{remove}, Want: State{Routes: []Route{natOther}, Subnets: private},
			},
			{
				Name: "IPv4, IPv6 and a prefix list", Live: State{Routes: []Route{internet, v6, list}, Subnets: private},
				Rules: []string{"internet-route", "internet-route", "internet-route"}, Calls: []string{remove, remove, remove}, Want: State{Subnets: private},
			},
			{
				Name: "a replaced route takes its earlier target", Live: State{Routes: []Route{internet, egress}, Subnets: private}, Baseline: &base,
				Rules: one, Calls: []string{replace}, Want: base,
			},
			{
				Name: "one created, one replaced", Live: State{Routes: []Route{nat, v6, list}, Subnets: private}, Baseline: &base,
				Rules: []string{"internet-route", "internet-route"}, Calls: []string{remove, replace}, Want: base,
			},
			{
				Name: "good changes since the baseline stay", Live: State{Routes: []Route{internet, natOther}, Subnets: private}, Baseline: &base,
				Rules: one, Calls: []string{replace}, Want: State{Routes: []Route{nat, natOther}, Subnets: private},
			},
			{
				Name: "a table that is private by its own tag", Live: State{Routes: []Route{internet}, Tags: map[string]string{"Network": "Private"}},
				Rules: one, Calls: []string{remove}, Want: State{Tags: map[string]string{"Network": "Private"}},
			},
			{
				Name: "a private subnet beside a public one", Live: State{Routes: []Route{internet}, Subnets: mixed},
				Rules: one, Calls: []string{remove}, Want: State{Subnets: mixed},
			},
		},
	}
}

func normal(s State) State {
	s.Routes = inOrder(byDestination(s.Routes))
	return s
}

func TestConformanceFake(t *testing.T) {
	s := suite()
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		f := newFake()
		own := f.table("rtb-0fake").Routes
		return remedytest.World[Target, State, Change]{
			Resource: store{func(remedy.Ref) client { return f }},
			Remove:   func(testing.TB) { delete(f.tables, "rtb-0fake") },
			Seed: func(t testing.TB, s State) remedy.Event {
				table := f.table("rtb-0fake")
				table.Tags, table.Associations, table.Routes = awsTags(s.Tags), nil, own
				f.associate("rtb-0fake", s.Subnets...)
				for _, r := range s.Routes {
					route := types.Route{Origin: types.RouteOriginCreateRoute}
					*map[string]**string{"0": &route.DestinationCidrBlock, "2": &route.DestinationCidrBlock, ":": &route.DestinationIpv6CidrBlock, "p": &route.DestinationPrefixListId}[r.Destination[:1]] = &r.Destination
					*map[string]**string{"n": &route.NatGatewayId, "i": &route.GatewayId, "e": &route.EgressOnlyInternetGatewayId}[r.Target[:1]] = &r.Target
					table.Routes = append(slices.Clone(table.Routes), route)
				}
				return event(t, target)
			},
			State: func(testing.TB) State { return plain(*f.table("rtb-0fake"), f.subnets, nil) },
		}
	}
	remedytest.Run(t, s)
}

func event(t testing.TB, target Target) remedy.Event {
	t.Helper()
	detail, err := json.Marshal(map[string]any{"requestParameters": map[string]any{"routeTableId": target.Table}})
	if err != nil {
		t.Fatal(err)
	}
	return remedy.Event{Source: "aws.ec2", Name: "CreateRoute", Account: target.Account, Region: target.Region, Detail: detail}
}

// plain gives a table in the names that the cases use.
func plain(table types.RouteTable, subnets map[string]types.Subnet, names map[string]string) State {
	name := func(s *string) string { return cmp.Or(names[aws.ToString(s)], aws.ToString(s)) }
	s := State{Tags: tagMap(table.Tags)}
	for _, r := range table.Routes {
		if r.Origin == types.RouteOriginCreateRoute {
			s.Routes = append(s.Routes, Route{
				Destination: name(cmp.Or(r.DestinationCidrBlock, r.DestinationIpv6CidrBlock, r.DestinationPrefixListId)),
				Target:      name(cmp.Or(r.GatewayId, r.NatGatewayId, r.EgressOnlyInternetGatewayId)),
			})
		}
	}
	for _, a := range table.Associations {
		s.Subnets = append(s.Subnets, Subnet{name(a.SubnetId), tagMap(subnets[*a.SubnetId].Tags)})
	}
	slices.SortFunc(s.Subnets, func(a, b Subnet) int { return cmp.Compare(a.ID, b.ID) })
	return s
}

// motoVPC is a VPC with all that routes can lead to.
type motoVPC struct {
	api     *ec2.Client
	id      *string
	account string
	ids     map[string]string // by the names that the cases use
	names   map[string]string // the other way round
}

func newMotoVPC(t *testing.T) motoVPC {
	t.Helper()
	account := mototest.New(t)
	api, ctx := ec2.NewFromConfig(account.Config), t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	made, err := api.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
	check(err)
	v := motoVPC{api: api, id: made.Vpc.VpcId, account: account.ID, ids: map[string]string{}, names: map[string]string{}}
	for name, cidr := range map[string]string{"subnet-a": "10.0.0.0/24", "subnet-b": "10.0.1.0/24"} {
		out, err := api.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: v.id, CidrBlock: aws.String(cidr)})
		check(err)
		v.ids[name] = *out.Subnet.SubnetId
	}
	igw, err := api.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{})
	check(err)
	v.ids["igw-a"] = *igw.InternetGateway.InternetGatewayId
	_, err = api.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{VpcId: v.id, InternetGatewayId: igw.InternetGateway.InternetGatewayId})
	check(err)
	eigw, err := api.CreateEgressOnlyInternetGateway(ctx, &ec2.CreateEgressOnlyInternetGatewayInput{VpcId: v.id})
	check(err)
	v.ids["eigw-a"] = *eigw.EgressOnlyInternetGateway.EgressOnlyInternetGatewayId
	nat, err := api.CreateNatGateway(ctx, &ec2.CreateNatGatewayInput{SubnetId: aws.String(v.ids["subnet-b"]), ConnectivityType: types.ConnectivityTypePrivate})
	check(err)
	v.ids["nat-a"] = *nat.NatGateway.NatGatewayId
	list, err := api.CreateManagedPrefixList(ctx, &ec2.CreateManagedPrefixListInput{PrefixListName: aws.String("partners"), MaxEntries: aws.Int32(5), AddressFamily: aws.String("IPv4")})
	check(err)
	v.ids["pl-a"] = *list.PrefixList.PrefixListId
	for name, id := range v.ids {
		v.names[id] = name
	}
	return v
}

func (v motoVPC) real(name string) *string { return aws.String(cmp.Or(v.ids[name], name)) }

func TestConformanceMoto(t *testing.T) {
	s := suite()
	v := newMotoVPC(t)
	s.Open = v.world
	remedytest.RunEmulated(t, s)
}

// world is a fresh table in the VPC. Subnets are its own while it lasts.
func (v motoVPC) world(t testing.TB) remedytest.World[Target, State, Change] {
	made, err := v.api.CreateRouteTable(t.Context(), &ec2.CreateRouteTableInput{VpcId: v.id})
	if err != nil {
		t.Fatal(err)
	}
	target := Target{*made.RouteTable.RouteTableId, v.account, mototest.Region}
	table := func(t testing.TB) types.RouteTable {
		out, err := v.api.DescribeRouteTables(t.Context(), &ec2.DescribeRouteTablesInput{RouteTableIds: []string{target.Table}})
		if err != nil {
			t.Fatal(err)
		}
		return out.RouteTables[0]
	}
	free := func(ctx context.Context) {
		out, err := v.api.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{RouteTableIds: []string{target.Table}})
		if err != nil {
			return // it is gone
		}
		for _, a := range out.RouteTables[0].Associations {
			_, _ = v.api.DisassociateRouteTable(ctx, &ec2.DisassociateRouteTableInput{AssociationId: a.RouteTableAssociationId})
		}
	}
	remove := func(ctx context.Context) error {
		free(ctx)
		_, err := v.api.DeleteRouteTable(ctx, &ec2.DeleteRouteTableInput{RouteTableId: &target.Table})
		return err
	}
	t.Cleanup(func() { _ = remove(context.Background()) })
	check := func(t testing.TB, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return v.api }},
		Remove:   func(t testing.TB) { check(t, remove(t.Context())) },
		Named: func(s State) State {
			s.Routes, s.Subnets = slices.Clone(s.Routes), slices.Clone(s.Subnets)
			for i, r := range s.Routes {
				s.Routes[i] = Route{cmp.Or(v.names[r.Destination], r.Destination), v.names[r.Target]}
			}
			for i, subnet := range s.Subnets {
				s.Subnets[i].ID = v.names[subnet.ID]
			}
			slices.SortFunc(s.Subnets, func(a, b Subnet) int { return cmp.Compare(a.ID, b.ID) })
			return s
		},
		Seed: func(t testing.TB, s State) remedy.Event {
			ctx := t.Context()
			free(ctx)
			for _, r := range table(t).Routes {
				if r.Origin == types.RouteOriginCreateRoute {
					_, err := v.api.DeleteRoute(ctx, &ec2.DeleteRouteInput{
						RouteTableId: &target.Table, DestinationCidrBlock: r.DestinationCidrBlock,
						DestinationIpv6CidrBlock: r.DestinationIpv6CidrBlock, DestinationPrefixListId: r.DestinationPrefixListId,
					})
					check(t, err)
				}
			}
			for _, r := range s.Routes {
				in := &ec2.CreateRouteInput{RouteTableId: &target.Table}
				*map[string]**string{"0": &in.DestinationCidrBlock, "2": &in.DestinationCidrBlock, ":": &in.DestinationIpv6CidrBlock, "p": &in.DestinationPrefixListId}[r.Destination[:1]] = v.real(r.Destination)
				*map[string]**string{"n": &in.NatGatewayId, "i": &in.GatewayId, "e": &in.EgressOnlyInternetGatewayId}[r.Target[:1]] = v.real(r.Target)
				_, err := v.api.CreateRoute(ctx, in)
				check(t, err)
			}
			for _, subnet := range s.Subnets {
				id := v.real(subnet.ID)
				_, err := v.api.AssociateRouteTable(ctx, &ec2.AssociateRouteTableInput{RouteTableId: &target.Table, SubnetId: id})
				check(t, err)
				_, err = v.api.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: []string{*id}, Tags: []types.Tag{{Key: aws.String("Network")}, {Key: aws.String("Tier")}}})
				check(t, err)
				_, err = v.api.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{*id}, Tags: awsTags(subnet.Tags)})
				check(t, err)
			}
			if len(s.Tags) > 0 {
				_, err := v.api.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{target.Table}, Tags: awsTags(s.Tags)})
				check(t, err)
			}
			return event(t, target)
		},
		State: func(t testing.TB) State {
			out, err := v.api.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{})
			check(t, err)
			subnets := map[string]types.Subnet{}
			for _, subnet := range out.Subnets {
				subnets[*subnet.SubnetId] = subnet
			}
			return plain(table(t), subnets, v.names)
		},
	}
}
