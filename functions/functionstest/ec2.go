package functionstest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func securityGroup(ctx context.Context, events samples, account Account) (Stage, error) {
	api := ec2.NewFromConfig(account.Config)
	group, err := api.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("web"), Description: aws.String("web")})
	if err != nil {
		return Stage{}, err
	}
	allow := func(ctx context.Context, port int32) error {
		_, err := api.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
			GroupId: group.GroupId, IpProtocol: aws.String("tcp"), FromPort: &port, ToPort: &port, CidrIp: aws.String("0.0.0.0/0"),
		})
		return err
	}
	if err := allow(ctx, 443); err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, *group.GroupId,
		"ec2-security-group/authorize-world-ssh.json", "sg-003dc7f1f1c686164",
		"ec2-security-group/authorize-denied.json", "sg-0683fcf7a41c82593")
	s.Spoil = func(ctx context.Context) error { return allow(ctx, 22) }
	s.State = func(ctx context.Context) (rules []string, err error) {
		out, err := api.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{
			Filters: []types.Filter{{Name: aws.String("group-id"), Values: []string{*group.GroupId}}},
		})
		if err != nil {
			return nil, err
		}
		for _, r := range out.SecurityGroupRules {
			rules = append(rules, fmt.Sprint(*r.IpProtocol, " ", aws.ToInt32(r.FromPort), " ", *r.CidrIpv4, " egress ", *r.IsEgress))
		}
		slices.Sort(rules)
		return rules, nil
	}
	s.Bad = []string{"-1 -1 0.0.0.0/0 egress true", "tcp 22 0.0.0.0/0 egress false", "tcp 443 0.0.0.0/0 egress false"}
	s.Good = []string{"-1 -1 0.0.0.0/0 egress true", "tcp 443 0.0.0.0/0 egress false"}
	return s, err
}

func snapshot(ctx context.Context, events samples, account Account) (Stage, error) {
	api := ec2.NewFromConfig(account.Config)
	volume, err := api.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String(account.Config.Region + "a"), Size: aws.Int32(1)})
	if err != nil {
		return Stage{}, err
	}
	snapshot, err := api.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: volume.VolumeId})
	if err != nil {
		return Stage{}, err
	}
	share := func(ctx context.Context, groups, users []string) error {
		_, err := api.ModifySnapshotAttribute(ctx, &ec2.ModifySnapshotAttributeInput{
			SnapshotId: snapshot.SnapshotId, Attribute: types.SnapshotAttributeNameCreateVolumePermission,
			OperationType: types.OperationTypeAdd, GroupNames: groups, UserIds: users,
		})
		return err
	}
	if err := share(ctx, nil, []string{"444455556666"}); err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, *snapshot.SnapshotId,
		"ebs-snapshot-sharing/make-public.json", "snap-0123456789abcdef0",
		"ebs-snapshot-sharing/modify-denied.json", "snap-046281ab24d756c50")
	s.Spoil = func(ctx context.Context) error { return share(ctx, []string{"all"}, nil) }
	s.State = func(ctx context.Context) (shares []string, err error) {
		out, err := api.DescribeSnapshotAttribute(ctx, &ec2.DescribeSnapshotAttributeInput{
			SnapshotId: snapshot.SnapshotId, Attribute: types.SnapshotAttributeNameCreateVolumePermission,
		})
		if err != nil {
			return nil, err
		}
		for _, p := range out.CreateVolumePermissions {
			shares = append(shares, string(p.Group)+aws.ToString(p.UserId))
		}
		slices.Sort(shares)
		return shares, nil
	}
	s.Bad = []string{"444455556666", "all"}
	s.Good = []string{"444455556666"}
	return s, err
}

func networkACL(ctx context.Context, events samples, account Account) (Stage, error) {
	api := ec2.NewFromConfig(account.Config)
	vpc, err := api.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
	if err != nil {
		return Stage{}, err
	}
	acl, err := api.CreateNetworkAcl(ctx, &ec2.CreateNetworkAclInput{VpcId: vpc.Vpc.VpcId})
	if err != nil {
		return Stage{}, err
	}
	allow := func(ctx context.Context, number, port int32, egress bool) error {
		_, err := api.CreateNetworkAclEntry(ctx, &ec2.CreateNetworkAclEntryInput{
			NetworkAclId: acl.NetworkAcl.NetworkAclId, RuleNumber: &number, Egress: &egress, RuleAction: types.RuleActionAllow,
			Protocol: aws.String("6"), PortRange: &types.PortRange{From: &port, To: &port}, CidrBlock: aws.String("0.0.0.0/0"),
		})
		return err
	}
	if err := errors.Join(allow(ctx, 100, 443, false), allow(ctx, 110, 22, true)); err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, *acl.NetworkAcl.NetworkAclId,
		"ec2-network-acl/create-world-ssh.json", "acl-0a1b2c3d4e5f60718",
		"ec2-network-acl/create-denied.json", "acl-5fb85d36")
	s.Spoil = func(ctx context.Context) error { return allow(ctx, 110, 22, false) }
	s.State = func(ctx context.Context) (rules []string, err error) {
		out, err := api.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{NetworkAclIds: []string{*acl.NetworkAcl.NetworkAclId}})
		if err != nil {
			return nil, err
		}
		for _, e := range out.NetworkAcls[0].Entries {
			rules = append(rules, fmt.Sprint(*e.RuleNumber, " ", e.RuleAction, " ", *e.PortRange.From, " ", *e.CidrBlock, " egress ", *e.Egress))
		}
		slices.Sort(rules)
		return rules, nil
	}
	s.Good = []string{"100 allow 443 0.0.0.0/0 egress false", "110 allow 22 0.0.0.0/0 egress true"}
	s.Bad = []string{s.Good[0], "110 allow 22 0.0.0.0/0 egress false", s.Good[1]}
	return s, err
}

func routeTable(ctx context.Context, events samples, account Account) (Stage, error) {
	api := ec2.NewFromConfig(account.Config)
	vpc, err := api.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
	if err != nil {
		return Stage{}, err
	}
	subnet, subnetErr := api.CreateSubnet(ctx, &ec2.CreateSubnetInput{
		VpcId: vpc.Vpc.VpcId, CidrBlock: aws.String("10.0.0.0/24"),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeSubnet, Tags: []types.Tag{{Key: aws.String("Network"), Value: aws.String("Private")}}}},
	})
	table, tableErr := api.CreateRouteTable(ctx, &ec2.CreateRouteTableInput{VpcId: vpc.Vpc.VpcId})
	gateway, gatewayErr := api.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{})
	egress, egressErr := api.CreateEgressOnlyInternetGateway(ctx, &ec2.CreateEgressOnlyInternetGatewayInput{VpcId: vpc.Vpc.VpcId})
	if err := errors.Join(subnetErr, tableErr, gatewayErr, egressErr); err != nil {
		return Stage{}, err
	}
	id := table.RouteTable.RouteTableId
	_, err = api.AssociateRouteTable(ctx, &ec2.AssociateRouteTableInput{RouteTableId: id, SubnetId: subnet.Subnet.SubnetId})
	_, routeErr := api.CreateRoute(ctx, &ec2.CreateRouteInput{
		RouteTableId: id, DestinationIpv6CidrBlock: aws.String("::/0"), EgressOnlyInternetGatewayId: egress.EgressOnlyInternetGateway.EgressOnlyInternetGatewayId,
	})
	if err := errors.Join(err, routeErr); err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, *id,
		"ec2-route/create-to-internet.json", "rtb-0a1b2c3d4e5f60718",
		"ec2-route/create-denied.json", "TrailDiscoverRouteTableId")
	s.Spoil = func(ctx context.Context) error {
		_, err := api.CreateRoute(ctx, &ec2.CreateRouteInput{
			RouteTableId: id, DestinationCidrBlock: aws.String("0.0.0.0/0"), GatewayId: gateway.InternetGateway.InternetGatewayId,
		})
		return err
	}
	s.State = func(ctx context.Context) (routes []string, err error) {
		out, err := api.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{RouteTableIds: []string{*id}})
		if err != nil {
			return nil, err
		}
		for _, r := range out.RouteTables[0].Routes {
			target, _, _ := strings.Cut(aws.ToString(r.GatewayId)+aws.ToString(r.EgressOnlyInternetGatewayId), "-")
			routes = append(routes, aws.ToString(r.DestinationCidrBlock)+aws.ToString(r.DestinationIpv6CidrBlock)+" "+target)
		}
		slices.Sort(routes)
		return routes, nil
	}
	s.Bad = []string{"0.0.0.0/0 igw", "10.0.0.0/16 local", "::/0 eigw"}
	s.Good = s.Bad[1:]
	return s, err
}

func flowLog(ctx context.Context, events samples, account Account) (Stage, error) {
	api := ec2.NewFromConfig(account.Config)
	vpc, err := api.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
	if err != nil {
		return Stage{}, err
	}
	made, err := api.CreateFlowLogs(ctx, &ec2.CreateFlowLogsInput{
		ResourceIds: []string{*vpc.Vpc.VpcId}, ResourceType: types.FlowLogsResourceTypeVpc, TrafficType: types.TrafficTypeAll,
		LogGroupName: aws.String("flows"), DeliverLogsPermissionArn: aws.String("arn:aws:iam::" + account.ID + ":role/flows"),
	})
	if err != nil {
		return Stage{}, err
	}
	logs := func(ctx context.Context) ([]types.FlowLog, error) {
		out, err := api.DescribeFlowLogs(ctx, &ec2.DescribeFlowLogsInput{
			Filter: []types.Filter{{Name: aws.String("resource-id"), Values: []string{*vpc.Vpc.VpcId}}},
		})
		if err != nil {
			return nil, err
		}
		return out.FlowLogs, nil
	}
	s, err := events.pair(account.ID, made.FlowLogIds[0],
		"ec2-flow-log/delete.json", "fl-0e17aa62a21d4bbfe",
		"ec2-flow-log/delete-failed.json", "TrailDiscoverFlowLogId")
	if err != nil {
		return Stage{}, err
	}
	s.Learn, err = Sample(string(events), "ec2-flow-log/create.json", account.ID, "fl-0e17aa62a21d4bbfe", made.FlowLogIds[0])
	s.Spoil = func(ctx context.Context) error {
		found, err := logs(ctx)
		for _, l := range found {
			_, deleteErr := api.DeleteFlowLogs(ctx, &ec2.DeleteFlowLogsInput{FlowLogIds: []string{*l.FlowLogId}})
			err = errors.Join(err, deleteErr)
		}
		return err
	}
	s.State = func(ctx context.Context) (state []string, err error) {
		found, err := logs(ctx)
		for _, l := range found {
			state = append(state, fmt.Sprint(l.TrafficType, " ", *l.LogGroupName))
		}
		return state, err
	}
	s.Good = []string{"ALL flows"}
	return s, err
}

func securityGroupEgress(ctx context.Context, events samples, account Account) (Stage, error) {
	api := ec2.NewFromConfig(account.Config)
	group, err := api.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("mailers"), Description: aws.String("mailers")})
	if err != nil {
		return Stage{}, err
	}
	s, err := events.pair(account.ID, *group.GroupId,
		"ec2-security-group-egress/authorize-world-smtp.json", "sg-0a1b2c3d4e5f60718",
		"ec2-security-group-egress/authorize-denied.json", "sg-1a2b3c4d")
	s.Spoil = func(ctx context.Context) error {
		_, err := api.AuthorizeSecurityGroupEgress(ctx, &ec2.AuthorizeSecurityGroupEgressInput{
			GroupId: group.GroupId,
			IpPermissions: []types.IpPermission{{
				IpProtocol: aws.String("tcp"), FromPort: aws.Int32(25), ToPort: aws.Int32(25), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}},
			}},
		})
		return err
	}
	s.State = func(ctx context.Context) (rules []string, err error) {
		out, err := api.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{
			Filters: []types.Filter{{Name: aws.String("group-id"), Values: []string{*group.GroupId}}},
		})
		if err != nil {
			return nil, err
		}
		for _, r := range out.SecurityGroupRules {
			rules = append(rules, fmt.Sprint(*r.IpProtocol, " ", aws.ToInt32(r.FromPort), " ", *r.CidrIpv4, " egress ", *r.IsEgress))
		}
		slices.Sort(rules)
		return rules, nil
	}
	s.Bad = []string{"-1 -1 0.0.0.0/0 egress true", "tcp 25 0.0.0.0/0 egress true"}
	s.Good = s.Bad[:1]
	return s, err
}
