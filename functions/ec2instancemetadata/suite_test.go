package ec2instancemetadata

import (
	"context"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/imds"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

// with is an instance of the tests: all of them have the tag team=web.
func with(endpoint, tokens string) State {
	return State{imds.Options{Endpoint: endpoint, Tokens: tokens}, map[string]string{"team": "web"}}
}

func suite() remedytest.Suite[Target, State, Change, struct{}] {
	good := with(imds.Enabled, imds.Required)
	call := []string{"ec2:ModifyInstanceMetadataOptions"}
	return remedytest.Suite[Target, State, Change, struct{}]{
		Function: Function,
		Rule:     rules,
		Cases: []remedytest.Case[State, struct{}]{
			{Name: "tokens are required", Live: good},
			{Name: "nothing answers", Live: with(imds.Disabled, imds.Optional)},
			{Name: "tokens are optional", Live: with(imds.Enabled, imds.Optional), Rules: []string{"imdsv1"}, Want: good, Calls: call},
			{Name: "tokens became optional", Baseline: &good, Live: with(imds.Enabled, imds.Optional), Rules: []string{"imdsv1"}, Want: good, Calls: call},
		},
	}
}

func TestConformanceFake(t *testing.T) {
	s := suite()
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		f := &fake{options: untouched()}
		return world(f, Target{InstanceID: "i-0fake", Account: "111122223333", Region: "us-east-1"}, func(testing.TB) { f.gone = true })
	}
	remedytest.Run(t, s)
}

func TestConformanceMoto(t *testing.T) {
	s := suite()
	account := mototest.New(t)
	api := ec2.NewFromConfig(account.Config)
	s.Open = func(t testing.TB) remedytest.World[Target, State, Change] {
		o := untouched()
		made, err := api.RunInstances(t.Context(), &ec2.RunInstancesInput{
			ImageId: aws.String("ami-12c6146b"), MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
			MetadataOptions: &types.InstanceMetadataOptionsRequest{
				HttpPutResponseHopLimit: o.HttpPutResponseHopLimit, HttpProtocolIpv6: o.HttpProtocolIpv6, InstanceMetadataTags: o.InstanceMetadataTags,
			},
			TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}}}},
		})
		must(t, err)
		id := *made.Instances[0].InstanceId
		remove := func(t testing.TB) {
			_, err := api.TerminateInstances(context.Background(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
			must(t, err)
		}
		t.Cleanup(func() { remove(t) })
		return world(api, Target{InstanceID: id, Account: account.ID, Region: mototest.Region}, remove)
	}
	remedytest.RunEmulated(t, s)
}

// untouched are the options that the function never names, none at its default.
func untouched() types.InstanceMetadataOptionsResponse {
	return types.InstanceMetadataOptionsResponse{
		State: "applied", HttpPutResponseHopLimit: aws.Int32(3), HttpProtocolIpv6: "enabled", InstanceMetadataTags: "enabled",
	}
}

// world is an instance in an EC2, real enough.
func world(api client, target Target, remove func(testing.TB)) remedytest.World[Target, State, Change] {
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Remove:   remove,
		Seed: func(t testing.TB, s State) remedy.Event {
			_, err := api.ModifyInstanceMetadataOptions(t.Context(), &ec2.ModifyInstanceMetadataOptionsInput{
				InstanceId: &target.InstanceID, HttpEndpoint: types.InstanceMetadataEndpointState(s.Endpoint), HttpTokens: types.HttpTokensState(s.Tokens),
			})
			must(t, err)
			return remedy.Event{
				Source: "aws.ec2", Name: "ModifyInstanceMetadataOptions", Account: target.Account, Region: target.Region,
				Detail: []byte(`{"requestParameters":{"ModifyInstanceMetadataOptionsRequest":{"InstanceId":"` + target.InstanceID + `"}}}`),
			}
		},
		State: func(t testing.TB) State {
			out, err := api.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{target.InstanceID}})
			must(t, err)
			i := out.Reservations[0].Instances[0]
			o := *i.MetadataOptions
			s := State{imds.Options{Endpoint: string(o.HttpEndpoint), Tokens: string(o.HttpTokens)}, map[string]string{}}
			for _, tag := range i.Tags {
				s.Tags[*tag.Key] = *tag.Value
			}
			o.HttpEndpoint, o.HttpTokens = "", ""
			if diff := cmp.Diff(untouched(), o, cmpopts.IgnoreUnexported(o)); diff != "" {
				t.Errorf("another option changed (-want +got):\n%s", diff)
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

// fake is an EC2 with one instance, which is tagged team=web.
type fake struct {
	mu      sync.Mutex
	gone    bool
	options types.InstanceMetadataOptionsResponse
}

func (f *fake) enter(id string) error {
	f.mu.Lock()
	if f.gone || id != "i-0fake" {
		return &smithy.GenericAPIError{Code: "InvalidInstanceID.NotFound", Message: "gone"}
	}
	return nil
}

func (f *fake) DescribeInstances(_ context.Context, in *ec2.DescribeInstancesInput, _ ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter(in.InstanceIds[0]); err != nil {
		return nil, err
	}
	options := f.options
	return &ec2.DescribeInstancesOutput{Reservations: []types.Reservation{{Instances: []types.Instance{{
		InstanceId: aws.String("i-0fake"), State: &types.InstanceState{Name: "running"}, MetadataOptions: &options,
		Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}},
	}}}}}, nil
}

func (f *fake) ModifyInstanceMetadataOptions(_ context.Context, in *ec2.ModifyInstanceMetadataOptionsInput, _ ...func(*ec2.Options)) (*ec2.ModifyInstanceMetadataOptionsOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter(*in.InstanceId); err != nil {
		return nil, err
	}
	if in.HttpTokens != "" {
		f.options.HttpTokens = in.HttpTokens
	}
	if in.HttpEndpoint != "" {
		f.options.HttpEndpoint = in.HttpEndpoint
	}
	return &ec2.ModifyInstanceMetadataOptionsOutput{}, nil
}
