package ec2instancelaunch

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/imds"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

// with is an instance of the tests: all of them have the tag team=web.
func with(o imds.Options, i Interface) State {
	return State{o, []Interface{i}, map[string]string{"team": "web"}}
}

func suite() remedytest.Suite[Target, State, Change, Params] {
	const tokens, attribute, loosen = "ec2:ModifyInstanceMetadataOptions", "ec2:ModifyNetworkInterfaceAttribute", "ec2:DisassociateAddress"
	private, assigned, elastic := Interface{ID: "eni-1"}, Interface{ID: "eni-1", Assigned: true}, Interface{ID: "eni-1", Elastic: []Elastic{eip}}
	web := Params{PublicTags: []string{"team=web"}}
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function,
		Rule:     rules,
		Normal:   normal,
		Cases: []remedytest.Case[State, Params]{
			{Name: "private, with tokens", Live: with(v2, private)},
			{Name: "an address that the tag allows", Params: &web, Live: with(v2, assigned)},
			{Name: "IMDSv1", Live: with(v1, private), Rules: []string{"imdsv1"}, Calls: []string{tokens}, Want: with(v2, private)},
			{Name: "a public address", Live: with(v2, assigned), Rules: []string{"public-address"}, Calls: []string{attribute}, Want: with(v2, private)},
			{
				Name: "a public address and IMDSv1", Live: with(v1, assigned),
				Rules: []string{"public-address", "imdsv1"}, Calls: []string{attribute, tokens}, Want: with(v2, private),
			},
			{
				Name: "an elastic address", Live: with(v2, elastic),
				Rules: []string{"elastic-address"}, Calls: []string{loosen, attribute}, Want: with(v2, private),
			},
			{Name: "an address that the tag allows, and IMDSv1", Params: &web, Live: with(v1, elastic), Rules: []string{"imdsv1"}, Calls: []string{tokens}, Want: with(v2, elastic)},
		},
	}
}

func TestConformanceFake(t *testing.T) {
	s := suite()
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		f := newFake()
		return world(f, target, fakeAllocation, func(testing.TB) { f.gone = true })
	}
	remedytest.Run(t, s)
}

func TestConformanceMoto(t *testing.T) {
	s := suite()
	account := mototest.New(t)
	api := ec2.NewFromConfig(account.Config)
	s.Open = func(t testing.TB) remedytest.World[Target, State, Change] {
		made, err := api.RunInstances(t.Context(), &ec2.RunInstancesInput{
			ImageId: aws.String("ami-12c6146b"), MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
			TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}}}},
		})
		must(t, err)
		address, err := api.AllocateAddress(t.Context(), &ec2.AllocateAddressInput{Domain: types.DomainTypeVpc})
		must(t, err)
		id := *made.Instances[0].InstanceId
		remove := func(t testing.TB) {
			_, err := api.TerminateInstances(context.Background(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
			must(t, err)
		}
		t.Cleanup(func() { remove(t) })
		return world(api, Target{InstanceID: id, Account: account.ID, Region: mototest.Region}, *address.AllocationId, remove)
	}
	remedytest.RunEmulated(t, s)
}

// normal leaves out the ids, which are others in each world.
func normal(s State) State {
	interfaces := make([]Interface, len(s.Interfaces))
	for n, i := range s.Interfaces {
		interfaces[n] = Interface{Assigned: i.Assigned, Elastic: make([]Elastic, len(i.Elastic))}
	}
	s.Interfaces = interfaces
	return s
}

// world is an instance in an EC2, real enough, and an elastic address beside it.
func world(api client, target Target, allocation string, remove func(testing.TB)) remedytest.World[Target, State, Change] {
	primary := func(t testing.TB) types.NetworkInterface {
		out, err := api.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{
			Filters: []types.Filter{{Name: aws.String("attachment.instance-id"), Values: []string{target.InstanceID}}},
		})
		must(t, err)
		if len(out.NetworkInterfaces) != 1 {
			t.Fatalf("the instance has %d interfaces, want one", len(out.NetworkInterfaces))
		}
		return out.NetworkInterfaces[0]
	}
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Remove:   remove,
		Seed: func(t testing.TB, s State) remedy.Event {
			i := primary(t)
			if i.Association != nil && i.Association.AssociationId != nil {
				_, err := api.DisassociateAddress(t.Context(), &ec2.DisassociateAddressInput{AssociationId: i.Association.AssociationId})
				must(t, err)
			}
			elastic := len(s.Interfaces[0].Elastic) > 0
			_, err := api.ModifyNetworkInterfaceAttribute(t.Context(), &ec2.ModifyNetworkInterfaceAttributeInput{
				// Beneath an elastic address EC2 has one to assign in its place.
				NetworkInterfaceId: i.NetworkInterfaceId, AssociatePublicIpAddress: aws.Bool(s.Interfaces[0].Assigned || elastic),
			})
			must(t, err)
			if elastic {
				_, err := api.AssociateAddress(t.Context(), &ec2.AssociateAddressInput{AllocationId: &allocation, NetworkInterfaceId: i.NetworkInterfaceId})
				must(t, err)
			}
			_, err = api.ModifyInstanceMetadataOptions(t.Context(), &ec2.ModifyInstanceMetadataOptionsInput{
				InstanceId: &target.InstanceID, HttpTokens: types.HttpTokensState(s.Tokens),
			})
			must(t, err)
			return remedy.Event{
				Source: "aws.ec2", Name: "RunInstances", Account: target.Account, Region: target.Region,
				Detail: []byte(`{"responseElements":{"instancesSet":{"items":[{"instanceId":"` + target.InstanceID + `"}]}}}`),
			}
		},
		State: func(t testing.TB) State {
			out, err := api.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{target.InstanceID}})
			must(t, err)
			i := out.Reservations[0].Instances[0]
			s := with(imds.Options{Endpoint: string(i.MetadataOptions.HttpEndpoint), Tokens: string(i.MetadataOptions.HttpTokens)}, Interface{})
			s.Tags = map[string]string{}
			for _, tag := range i.Tags {
				s.Tags[*tag.Key] = *tag.Value
			}
			if a := primary(t).Association; a != nil && a.PublicIp != nil {
				if a.AllocationId == nil {
					s.Interfaces[0].Assigned = true
				} else {
					s.Interfaces[0].Elastic = []Elastic{{}}
				}
			}
			return s
		},
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
