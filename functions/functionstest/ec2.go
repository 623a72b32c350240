package functionstest

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
