package ec2instance_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud/ec2instance"
	"github.com/ebb-ops/ebb/pkg/imds"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// fake answers every call in one way, and keeps what was asked.
type fake struct {
	instances []types.Instance
	code      string
	asked     *ec2.ModifyInstanceMetadataOptionsInput
}

func (f *fake) err() error {
	if f.code == "" {
		return nil
	}
	return &smithy.GenericAPIError{Code: f.code, Message: "no"}
}

func (f *fake) DescribeInstances(context.Context, *ec2.DescribeInstancesInput, ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error) {
	out := &ec2.DescribeInstancesOutput{}
	for _, i := range f.instances {
		out.Reservations = append(out.Reservations, types.Reservation{Instances: []types.Instance{i}})
	}
	return out, f.err()
}

func (f *fake) ModifyInstanceMetadataOptions(_ context.Context, in *ec2.ModifyInstanceMetadataOptionsInput, _ ...func(*ec2.Options)) (*ec2.ModifyInstanceMetadataOptionsOutput, error) {
	f.asked = in
	return &ec2.ModifyInstanceMetadataOptionsOutput{}, f.err()
}

func instance(state types.InstanceStateName) types.Instance {
	return types.Instance{
		InstanceId: aws.String("i-1"), State: &types.InstanceState{Name: state}, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}},
		MetadataOptions: &types.InstanceMetadataOptionsResponse{HttpEndpoint: "enabled", HttpTokens: "optional", State: "pending"},
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	without := instance("running")
	without.MetadataOptions = nil
	for name, c := range map[string]struct {
		fake    fake
		wantErr string
		gone    bool
	}{
		"running":                    {fake: fake{instances: []types.Instance{instance("running")}}},
		"starting":                   {fake: fake{instances: []types.Instance{instance("pending")}}},
		"stopped":                    {fake: fake{instances: []types.Instance{instance("stopped")}}},
		"shutting down":              {fake: fake{instances: []types.Instance{instance("shutting-down")}}, wantErr: "shutting-down", gone: true},
		"terminated":                 {fake: fake{instances: []types.Instance{instance("terminated")}}, wantErr: "terminated", gone: true},
		"not found":                  {fake: fake{code: "InvalidInstanceID.NotFound"}, wantErr: "InvalidInstanceID.NotFound", gone: true},
		"an empty answer":            {wantErr: "does not hold the one instance"},
		"two instances":              {fake: fake{instances: []types.Instance{instance("running"), instance("running")}}, wantErr: "does not hold the one instance"},
		"an answer without options":  {fake: fake{instances: []types.Instance{without}}, wantErr: "no metadata options"},
		"refused":                    {fake: fake{code: "UnauthorizedOperation"}, wantErr: "grant ec2:DescribeInstances "},
		"throttled":                  {fake: fake{code: "RequestLimitExceeded"}, wantErr: "RequestLimitExceeded"},
		"another account's endpoint": {fake: fake{code: "AuthFailure"}, wantErr: "access denied"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ec2instance.Find(t.Context(), &c.fake, "i-1")
			if c.wantErr == "" {
				if err != nil {
					t.Fatal(err)
				}
				want := ec2instance.Instance{Options: imds.Options{Endpoint: "enabled", Tokens: "optional"}, Labels: map[string]string{"team": "web"}}
				got.Instance = types.Instance{}
				if diff := cmp.Diff(want.Options, got.Options); diff != "" {
					t.Errorf("options (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(want.Labels, got.Labels); diff != "" {
					t.Errorf("tags (-want +got):\n%s", diff)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.wantErr) || errors.Is(err, remedy.ErrGone) != c.gone || remedy.IsPermanent(err) {
				t.Errorf("error = %v, want one with %q, gone: %v, that a retry may mend", err, c.wantErr, c.gone)
			}
		})
	}
}

func TestSetOptionsNamesNoOtherOption(t *testing.T) {
	t.Parallel()
	f := &fake{}
	if err := ec2instance.SetOptions(t.Context(), f, imds.Change{Instance: "i-1", Tokens: "required"}); err != nil {
		t.Fatal(err)
	}
	in := f.asked
	if aws.ToString(in.InstanceId) != "i-1" || in.HttpTokens != "required" || in.HttpEndpoint != "" || in.HttpPutResponseHopLimit != nil ||
		in.HttpProtocolIpv6 != "" || in.InstanceMetadataTags != "" {
		t.Errorf("the call is %+v, want tokens alone", in)
	}
}

func TestSetOptionsErrors(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]struct {
		text string
		gone bool
	}{
		"UnauthorizedOperation":      {"grant ec2:ModifyInstanceMetadataOptions ", false},
		"IncorrectInstanceState":     {"IncorrectInstanceState", false}, // it is starting
		"InvalidInstanceID.NotFound": {"InvalidInstanceID.NotFound", true},
	} {
		err := ec2instance.SetOptions(t.Context(), &fake{code: code}, imds.Change{Instance: "i-1", Tokens: "required"})
		if err == nil || !strings.Contains(err.Error(), want.text) || errors.Is(err, remedy.ErrGone) != want.gone || remedy.IsPermanent(err) {
			t.Errorf("%s: error = %v, want one with %q, gone: %v, that a retry may mend", code, err, want.text, want.gone)
		}
	}
}
