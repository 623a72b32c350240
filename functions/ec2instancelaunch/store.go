package ec2instancelaunch

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/ec2instance"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is the part of EC2's API that the store calls.
type client interface {
	ec2instance.Client
	DescribeNetworkInterfaces(context.Context, *ec2.DescribeNetworkInterfacesInput, ...func(*ec2.Options)) (*ec2.DescribeNetworkInterfacesOutput, error)
	ModifyNetworkInterfaceAttribute(context.Context, *ec2.ModifyNetworkInterfaceAttributeInput, ...func(*ec2.Options)) (*ec2.ModifyNetworkInterfaceAttributeOutput, error)
	DisassociateAddress(context.Context, *ec2.DisassociateAddressInput, ...func(*ec2.Options)) (*ec2.DisassociateAddressOutput, error)
	AssociateAddress(context.Context, *ec2.AssociateAddressInput, ...func(*ec2.Options)) (*ec2.AssociateAddressOutput, error)
}

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return ec2.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes instances and their interfaces.
type store struct {
	client func(remedy.Ref) client
}

// Read gives the instance's metadata options, interfaces and tags, in one round
// of two calls. An instance does not say which of its addresses are elastic:
// its interfaces do.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	var instance ec2instance.Instance
	var interfaces []Interface
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		instance, err = ec2instance.Find(ctx, c, t.InstanceID)
		return err
	})
	g.Go(func() (err error) {
		interfaces, err = find(ctx, c, t.InstanceID)
		return err
	})
	if err := g.Wait(); err != nil {
		return State{}, fmt.Errorf("read instance %s: %w", t.InstanceID, err)
	}
	for _, i := range instance.NetworkInterfaces {
		id := aws.ToString(i.NetworkInterfaceId)
		if !slices.ContainsFunc(interfaces, func(i Interface) bool { return i.ID == id }) {
			// Filters see what is new a little later than the instance does.
			return State{}, fmt.Errorf("read instance %s: ec2:DescribeNetworkInterfaces: the answer does not hold its interface %s yet", t.InstanceID, id)
		}
	}
	return State{instance.Options, interfaces, instance.Labels}, nil
}

// find gives an instance's interfaces.
func find(ctx context.Context, c client, instance string) ([]Interface, error) {
	found := []Interface{}
	pages := ec2.NewDescribeNetworkInterfacesPaginator(c, &ec2.DescribeNetworkInterfacesInput{
		Filters: []types.Filter{{Name: aws.String("attachment.instance-id"), Values: []string{instance}}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, cloud.Explain(err, "ec2:DescribeNetworkInterfaces")
		}
		for _, n := range page.NetworkInterfaces {
			i := Interface{ID: aws.ToString(n.NetworkInterfaceId), Subnet: aws.ToString(n.SubnetId), VPC: aws.ToString(n.VpcId)}
			i.add(aws.ToString(n.PrivateIpAddress), n.Association)
			for _, p := range n.PrivateIpAddresses {
				if !aws.ToBool(p.Primary) {
					i.add(aws.ToString(p.PrivateIpAddress), p.Association)
				}
			}
			slices.SortFunc(i.Elastic, func(a, b Elastic) int { return cmp.Compare(a.Allocation, b.Allocation) })
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(a, b Interface) int { return cmp.Compare(a.ID, b.ID) })
	return found, nil
}

// add notes the public address of a private one. A carrier's or a customer's
// own address is not one on the internet.
func (i *Interface) add(private string, a *types.NetworkInterfaceAssociation) {
	switch {
	case a == nil || aws.ToString(a.PublicIp) == "":
	case aws.ToString(a.AllocationId) == "":
		i.Assigned = true
	default:
		i.Elastic = append(i.Elastic, Elastic{Allocation: *a.AllocationId, Private: private, Association: aws.ToString(a.AssociationId)})
	}
}

// codeNoAssociation is EC2's code for an elastic address that is off already.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
const codeNoAssociation = "InvalidAssociationID.NotFound"

// Apply makes the change's call, each of which may be made again.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	api := s.client(t.Ref())
	switch {
	case c.Options != nil:
		return ec2instance.SetOptions(ctx, api, *c.Options)
	case c.Disassociate != nil:
		_, err := api.DisassociateAddress(ctx, &ec2.DisassociateAddressInput{AssociationId: &c.Disassociate.Association})
		if cloud.HasCode(err, codeNoAssociation) {
			return nil
		}
		return cloud.Explain(err, "ec2:DisassociateAddress")
	case c.Associate != nil:
		_, err := api.AssociateAddress(ctx, &ec2.AssociateAddressInput{
			AllocationId: &c.Associate.Allocation, NetworkInterfaceId: &c.Interface, PrivateIpAddress: &c.Associate.Private,
			AllowReassociation: aws.Bool(false), // it may be somebody else's by now
		})
		return cloud.Explain(err, "ec2:AssociateAddress")
	}
	_, err := api.ModifyNetworkInterfaceAttribute(ctx, &ec2.ModifyNetworkInterfaceAttributeInput{
		NetworkInterfaceId: &c.Interface, AssociatePublicIpAddress: c.Assign,
	})
	return cloud.Explain(err, "ec2:ModifyNetworkInterfaceAttribute")
}
