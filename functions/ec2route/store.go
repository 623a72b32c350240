package ec2route

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is the part of EC2's API that the store calls.
type client interface {
	DescribeRouteTables(context.Context, *ec2.DescribeRouteTablesInput, ...func(*ec2.Options)) (*ec2.DescribeRouteTablesOutput, error)
	DescribeSubnets(context.Context, *ec2.DescribeSubnetsInput, ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error)
	CreateRoute(context.Context, *ec2.CreateRouteInput, ...func(*ec2.Options)) (*ec2.CreateRouteOutput, error)
	ReplaceRoute(context.Context, *ec2.ReplaceRouteInput, ...func(*ec2.Options)) (*ec2.ReplaceRouteOutput, error)
	DeleteRoute(context.Context, *ec2.DeleteRouteInput, ...func(*ec2.Options)) (*ec2.DeleteRouteOutput, error)
}

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return ec2.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes route tables.
type store struct {
	client func(remedy.Ref) client
}

// What EC2 answers.
const (
	codeNoTable = "InvalidRouteTableID.NotFound"
	codeNoRoute = "InvalidRoute.NotFound"
	codeRoute   = "RouteAlreadyExists"
)

// The most that the calls give in one page.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRouteTables.html
const (
	subnetsPage = 1000
	tablesPage  = 100
)

// Read gives the table's routes and tags, and the subnets that it routes. No
// call gives a table's subnets, so all of the region's are asked for at once.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	var table types.RouteTable
	var subnets []types.Subnet
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { table, err = readTable(gctx, c, t.Table); return err })
	g.Go(func() (err error) { subnets, err = readSubnets(gctx, c); return err })
	err := g.Wait()
	var state State
	if err == nil {
		state, err = stateOf(ctx, c, table, subnets)
	}
	if err != nil {
		return State{}, fmt.Errorf("read route table %s: %w", t.Table, err)
	}
	return state, nil
}

func readTable(ctx context.Context, c client, id string) (types.RouteTable, error) {
	out, err := c.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{RouteTableIds: []string{id}})
	if err != nil {
		return types.RouteTable{}, cloud.Explain(err, "ec2:DescribeRouteTables", codeNoTable)
	}
	if len(out.RouteTables) != 1 {
		// EC2 says so when a table is gone: it was not EC2 that answered.
		return types.RouteTable{}, fmt.Errorf("ec2:DescribeRouteTables: the answer holds %d tables, want the one asked for", len(out.RouteTables))
	}
	return out.RouteTables[0], nil
}

func readSubnets(ctx context.Context, c client) (out []types.Subnet, err error) {
	pages := ec2.NewDescribeSubnetsPaginator(c, &ec2.DescribeSubnetsInput{MaxResults: aws.Int32(subnetsPage)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, cloud.Explain(err, "ec2:DescribeSubnets")
		}
		out = append(out, page.Subnets...)
	}
	return out, nil
}

func stateOf(ctx context.Context, c client, table types.RouteTable, subnets []types.Subnet) (State, error) {
	state := State{Tags: tagMap(table.Tags)}
	for _, r := range table.Routes {
		if r.Origin == types.RouteOriginEnableVgwRoutePropagation || aws.ToString(r.GatewayId) == "local" {
			continue
		}
		route, err := fromAWS(r)
		if err != nil {
			return State{}, err
		}
		state.Routes = append(state.Routes, route)
	}
	slices.SortFunc(state.Routes, func(a, b Route) int { return cmp.Compare(a.Destination, b.Destination) })

	ids, main := associated(table)
	others := map[string]bool{} // subnets of the VPC with a table of their own
	if main {
		pages := ec2.NewDescribeRouteTablesPaginator(c, &ec2.DescribeRouteTablesInput{
			Filters:    []types.Filter{{Name: aws.String("vpc-id"), Values: []string{aws.ToString(table.VpcId)}}},
			MaxResults: aws.Int32(tablesPage),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return State{}, cloud.Explain(err, "ec2:DescribeRouteTables")
			}
			for _, other := range page.RouteTables {
				theirs, _ := associated(other)
				for id := range theirs {
					others[id] = true
				}
			}
		}
	}
	for _, subnet := range subnets {
		id := aws.ToString(subnet.SubnetId)
		implied := main && !others[id] && aws.ToString(subnet.VpcId) == aws.ToString(table.VpcId)
		if ids[id] || implied {
			state.Subnets = append(state.Subnets, Subnet{ID: id, Tags: tagMap(subnet.Tags)})
			delete(ids, id)
		}
	}
	for id := range ids {
		return State{}, fmt.Errorf("ec2:DescribeSubnets: the answer does not hold %s, which is associated with the table", id)
	}
	slices.SortFunc(state.Subnets, func(a, b Subnet) int { return cmp.Compare(a.ID, b.ID) })
	return state, nil
}

// associated gives the subnets that are associated with a table, and whether it
// is its VPC's main table.
func associated(table types.RouteTable) (subnets map[string]bool, main bool) {
	subnets = map[string]bool{}
	for _, a := range table.Associations {
		main = main || aws.ToBool(a.Main)
		if a.SubnetId != nil {
			subnets[*a.SubnetId] = true
		}
	}
	return subnets, main
}

// fromAWS gives a route as the API describes it. What can't be understood is
// an error: such a table must be left alone.
func fromAWS(r types.Route) (Route, error) {
	out := Route{
		Destination: cmp.Or(aws.ToString(r.DestinationCidrBlock), aws.ToString(r.DestinationIpv6CidrBlock), aws.ToString(r.DestinationPrefixListId)),
		Target: cmp.Or(
			aws.ToString(r.GatewayId), aws.ToString(r.NatGatewayId), aws.ToString(r.NetworkInterfaceId), aws.ToString(r.TransitGatewayId),
			aws.ToString(r.VpcPeeringConnectionId), aws.ToString(r.EgressOnlyInternetGatewayId), aws.ToString(r.LocalGatewayId),
			aws.ToString(r.CarrierGatewayId), aws.ToString(r.CoreNetworkArn), aws.ToString(r.OdbNetworkArn),
		),
	}
	if out.destinationParam() != paramList {
		if _, err := netip.ParsePrefix(out.Destination); err != nil {
			return Route{}, fmt.Errorf("route for %q: %w", out.Destination, err)
		}
	}
	if targetParam(out.Target) == "" {
		return Route{}, fmt.Errorf("route for %s has target %q, of a kind that is not known here", out.Destination, out.Target)
	}
	return out, nil
}

// Apply creates, replaces or deletes one route. A route that is there when it
// is to be created, or gone when it is to be deleted, is no error: what is there
// then is read again.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	api, to := s.client(t.Ref()), func(param string) *string {
		if c.API == deleted || targetParam(c.Route.Target) != param {
			return nil
		}
		return &c.Route.Target
	}
	at := func(param string) *string {
		if c.Route.destinationParam() != param {
			return nil
		}
		return &c.Route.Destination
	}
	var err error
	done := ""
	switch c.API {
	case created:
		done = codeRoute
		_, err = api.CreateRoute(ctx, &ec2.CreateRouteInput{
			RouteTableId: &c.Table, DestinationCidrBlock: at(paramV4), DestinationIpv6CidrBlock: at(paramV6), DestinationPrefixListId: at(paramList),
			GatewayId: to("GatewayId"), NatGatewayId: to("NatGatewayId"), NetworkInterfaceId: to("NetworkInterfaceId"),
			TransitGatewayId: to("TransitGatewayId"), VpcPeeringConnectionId: to("VpcPeeringConnectionId"), VpcEndpointId: to("VpcEndpointId"),
			EgressOnlyInternetGatewayId: to("EgressOnlyInternetGatewayId"), LocalGatewayId: to("LocalGatewayId"),
			CarrierGatewayId: to("CarrierGatewayId"), CoreNetworkArn: to("CoreNetworkArn"), OdbNetworkArn: to("OdbNetworkArn"),
		})
	case replaced:
		_, err = api.ReplaceRoute(ctx, &ec2.ReplaceRouteInput{
			RouteTableId: &c.Table, DestinationCidrBlock: at(paramV4), DestinationIpv6CidrBlock: at(paramV6), DestinationPrefixListId: at(paramList),
			GatewayId: to("GatewayId"), NatGatewayId: to("NatGatewayId"), NetworkInterfaceId: to("NetworkInterfaceId"),
			TransitGatewayId: to("TransitGatewayId"), VpcPeeringConnectionId: to("VpcPeeringConnectionId"), VpcEndpointId: to("VpcEndpointId"),
			EgressOnlyInternetGatewayId: to("EgressOnlyInternetGatewayId"), LocalGatewayId: to("LocalGatewayId"),
			CarrierGatewayId: to("CarrierGatewayId"), CoreNetworkArn: to("CoreNetworkArn"), OdbNetworkArn: to("OdbNetworkArn"),
		})
	case deleted:
		done = codeNoRoute
		_, err = api.DeleteRoute(ctx, &ec2.DeleteRouteInput{
			RouteTableId: &c.Table, DestinationCidrBlock: at(paramV4), DestinationIpv6CidrBlock: at(paramV6), DestinationPrefixListId: at(paramList),
		})
	default:
		return fmt.Errorf("apply to route table %s: unknown change %q", t.Table, c.API)
	}
	if cloud.HasCode(err, done) {
		return nil
	}
	if err := cloud.Explain(err, "ec2:"+c.API, codeNoTable); err != nil {
		return fmt.Errorf("route for %s of route table %s: %w", c.Route.Destination, t.Table, err)
	}
	return nil
}

func tagMap(tags []types.Tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	out := make(map[string]string, len(tags))
	for _, t := range tags {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out
}
