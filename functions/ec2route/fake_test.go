package ec2route

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

// fake is the route tables and subnets of an account, with EC2's answers. Pages
// hold two items.
type fake struct {
	mu      sync.Mutex
	tables  map[string]*types.RouteTable
	subnets map[string]types.Subnet
	fail    map[string]string // the code that a call is answered with
}

// newFake has one table, rtb-0fake, with the route that every table has.
func newFake() *fake {
	f := &fake{tables: map[string]*types.RouteTable{}, subnets: map[string]types.Subnet{}, fail: map[string]string{}}
	f.table("rtb-0fake")
	f.table("rtb-0fake").Routes = []types.Route{
		{DestinationCidrBlock: aws.String("10.0.0.0/16"), GatewayId: aws.String("local"), Origin: types.RouteOriginCreateRouteTable},
		{DestinationCidrBlock: aws.String("10.9.0.0/16"), GatewayId: aws.String("vgw-1"), Origin: types.RouteOriginEnableVgwRoutePropagation},
	}
	return f
}

// table gives a table of the one VPC, which it makes when there is none.
func (f *fake) table(id string) *types.RouteTable {
	if f.tables[id] == nil {
		f.tables[id] = &types.RouteTable{RouteTableId: &id, VpcId: aws.String("vpc-1")}
	}
	return f.tables[id]
}

// associate puts subnets on a table's list, and makes them.
func (f *fake) associate(table string, subnets ...Subnet) {
	for _, s := range subnets {
		f.subnets[s.ID] = types.Subnet{SubnetId: &s.ID, VpcId: aws.String("vpc-1"), Tags: awsTags(s.Tags)}
		f.table(table).Associations = append(f.table(table).Associations, types.RouteTableAssociation{SubnetId: &s.ID})
	}
}

func apiError(code string) error {
	return &smithy.GenericAPIError{Code: code, Message: "as EC2 says it"}
}

func (f *fake) enter(call, table string) error {
	f.mu.Lock()
	switch {
	case f.fail[call] != "":
		return apiError(f.fail[call])
	case table != "" && f.tables[table] == nil:
		return apiError("InvalidRouteTableID.NotFound")
	}
	return nil
}

func (f *fake) DescribeRouteTables(_ context.Context, in *ec2.DescribeRouteTablesInput, _ ...func(*ec2.Options)) (*ec2.DescribeRouteTablesOutput, error) {
	defer f.mu.Unlock()
	if len(in.RouteTableIds) == 1 {
		if err := f.enter("DescribeRouteTables", in.RouteTableIds[0]); err != nil {
			return nil, err
		}
		return &ec2.DescribeRouteTablesOutput{RouteTables: []types.RouteTable{*f.tables[in.RouteTableIds[0]]}}, nil
	}
	if err := f.enter("DescribeRouteTables of the VPC", ""); err != nil {
		return nil, err
	}
	var all []types.RouteTable
	for _, id := range slices.Sorted(maps.Keys(f.tables)) {
		if *f.tables[id].VpcId == in.Filters[0].Values[0] {
			all = append(all, *f.tables[id])
		}
	}
	tables, next := page(all, in.NextToken)
	return &ec2.DescribeRouteTablesOutput{RouteTables: tables, NextToken: next}, nil
}

func (f *fake) DescribeSubnets(_ context.Context, in *ec2.DescribeSubnetsInput, _ ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeSubnets", ""); err != nil {
		return nil, err
	}
	var all []types.Subnet
	for _, id := range slices.Sorted(maps.Keys(f.subnets)) {
		all = append(all, f.subnets[id])
	}
	subnets, next := page(all, in.NextToken)
	return &ec2.DescribeSubnetsOutput{Subnets: subnets, NextToken: next}, nil
}

// page gives the two items from token on.
func page[T any](all []T, token *string) ([]T, *string) {
	var at int
	_, _ = fmt.Sscan(aws.ToString(token), &at)
	end := min(at+2, len(all))
	if end == len(all) {
		return all[at:], nil
	}
	return all[at:end], aws.String(fmt.Sprint(end))
}

// find gives the index of a route by its destination, or -1.
func (f *fake) find(table string, v4, v6, list *string) int {
	return slices.IndexFunc(f.tables[table].Routes, func(r types.Route) bool {
		return key(r.DestinationCidrBlock, r.DestinationIpv6CidrBlock, r.DestinationPrefixListId) == key(v4, v6, list)
	})
}

func key(v4, v6, list *string) string {
	return fmt.Sprintf("%s %s %s", aws.ToString(v4), aws.ToString(v6), aws.ToString(list))
}

func (f *fake) CreateRoute(_ context.Context, in *ec2.CreateRouteInput, _ ...func(*ec2.Options)) (*ec2.CreateRouteOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("CreateRoute", *in.RouteTableId); err != nil {
		return nil, err
	}
	if f.find(*in.RouteTableId, in.DestinationCidrBlock, in.DestinationIpv6CidrBlock, in.DestinationPrefixListId) >= 0 {
		return nil, apiError("RouteAlreadyExists")
	}
	t := f.tables[*in.RouteTableId]
	t.Routes = append(slices.Clone(t.Routes), types.Route{
		DestinationCidrBlock: in.DestinationCidrBlock, DestinationIpv6CidrBlock: in.DestinationIpv6CidrBlock, DestinationPrefixListId: in.DestinationPrefixListId,
		GatewayId: cmp.Or(in.GatewayId, in.VpcEndpointId), NatGatewayId: in.NatGatewayId, NetworkInterfaceId: in.NetworkInterfaceId,
		TransitGatewayId: in.TransitGatewayId, VpcPeeringConnectionId: in.VpcPeeringConnectionId, EgressOnlyInternetGatewayId: in.EgressOnlyInternetGatewayId,
		LocalGatewayId: in.LocalGatewayId, CarrierGatewayId: in.CarrierGatewayId, CoreNetworkArn: in.CoreNetworkArn, OdbNetworkArn: in.OdbNetworkArn,
		Origin: types.RouteOriginCreateRoute,
	})
	return &ec2.CreateRouteOutput{}, nil
}

func (f *fake) ReplaceRoute(_ context.Context, in *ec2.ReplaceRouteInput, _ ...func(*ec2.Options)) (*ec2.ReplaceRouteOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ReplaceRoute", *in.RouteTableId); err != nil {
		return nil, err
	}
	i := f.find(*in.RouteTableId, in.DestinationCidrBlock, in.DestinationIpv6CidrBlock, in.DestinationPrefixListId)
	if i < 0 {
		return nil, apiError("InvalidParameterValue")
	}
	t := f.tables[*in.RouteTableId]
	t.Routes = slices.Clone(t.Routes)
	t.Routes[i] = types.Route{
		DestinationCidrBlock: in.DestinationCidrBlock, DestinationIpv6CidrBlock: in.DestinationIpv6CidrBlock, DestinationPrefixListId: in.DestinationPrefixListId,
		GatewayId: cmp.Or(in.GatewayId, in.VpcEndpointId), NatGatewayId: in.NatGatewayId, NetworkInterfaceId: in.NetworkInterfaceId,
		TransitGatewayId: in.TransitGatewayId, VpcPeeringConnectionId: in.VpcPeeringConnectionId, EgressOnlyInternetGatewayId: in.EgressOnlyInternetGatewayId,
		LocalGatewayId: in.LocalGatewayId, CarrierGatewayId: in.CarrierGatewayId, CoreNetworkArn: in.CoreNetworkArn, OdbNetworkArn: in.OdbNetworkArn,
		Origin: types.RouteOriginCreateRoute,
	}
	return &ec2.ReplaceRouteOutput{}, nil
}

func (f *fake) DeleteRoute(_ context.Context, in *ec2.DeleteRouteInput, _ ...func(*ec2.Options)) (*ec2.DeleteRouteOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DeleteRoute", *in.RouteTableId); err != nil {
		return nil, err
	}
	i := f.find(*in.RouteTableId, in.DestinationCidrBlock, in.DestinationIpv6CidrBlock, in.DestinationPrefixListId)
	if i < 0 {
		return nil, apiError("InvalidRoute.NotFound")
	}
	t := f.tables[*in.RouteTableId]
	t.Routes = slices.Delete(slices.Clone(t.Routes), i, i+1)
	return &ec2.DeleteRouteOutput{}, nil
}

func awsTags(tags map[string]string) []types.Tag {
	var out []types.Tag
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	return out
}
