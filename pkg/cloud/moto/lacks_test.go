package moto_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
)

func clientOf(t *testing.T) *ec2.Client { return ec2.NewFromConfig(mototest.New(t).Config) }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != code {
		t.Errorf("error = %v, want the code %s", err, code)
	}
}

func TestSnapshotBlockPublicAccess(t *testing.T) {
	t.Parallel()
	api, ctx := clientOf(t), t.Context()
	want := func(state types.SnapshotBlockPublicAccessState) {
		t.Helper()
		got, err := api.GetSnapshotBlockPublicAccessState(ctx, &ec2.GetSnapshotBlockPublicAccessStateInput{})
		check(t, err)
		if got.State != state || got.ManagedBy != types.ManagedByAccount {
			t.Errorf("the state is %q, managed by %q; want %q, by the account", got.State, got.ManagedBy, state)
		}
	}
	want("unblocked")
	for _, state := range []types.SnapshotBlockPublicAccessState{"block-all-sharing", "block-new-sharing"} {
		out, err := api.EnableSnapshotBlockPublicAccess(ctx, &ec2.EnableSnapshotBlockPublicAccessInput{State: state})
		check(t, err)
		if out.State != state {
			t.Errorf("the answer is %q, want %q", out.State, state)
		}
		want(state)
	}
	_, err := api.EnableSnapshotBlockPublicAccess(ctx, &ec2.EnableSnapshotBlockPublicAccessInput{State: "unblocked"})
	wantCode(t, err, "InvalidParameterValue")
	want("block-new-sharing")
	_, err = api.DisableSnapshotBlockPublicAccess(ctx, &ec2.DisableSnapshotBlockPublicAccessInput{DryRun: aws.Bool(true)})
	wantCode(t, err, "DryRunOperation")
	want("block-new-sharing")
	_, err = api.DisableSnapshotBlockPublicAccess(ctx, &ec2.DisableSnapshotBlockPublicAccessInput{})
	check(t, err)
	want("unblocked")
}

func TestImageBlockPublicAccess(t *testing.T) {
	t.Parallel()
	api, ctx := clientOf(t), t.Context()
	want := func(state string) {
		t.Helper()
		got, err := api.GetImageBlockPublicAccessState(ctx, &ec2.GetImageBlockPublicAccessStateInput{})
		check(t, err)
		if aws.ToString(got.ImageBlockPublicAccessState) != state || got.ManagedBy != types.ManagedByAccount {
			t.Errorf("the state is %q, managed by %q; want %q, by the account", aws.ToString(got.ImageBlockPublicAccessState), got.ManagedBy, state)
		}
	}
	want("unblocked")
	_, err := api.EnableImageBlockPublicAccess(ctx, &ec2.EnableImageBlockPublicAccessInput{ImageBlockPublicAccessState: "unblocked"})
	wantCode(t, err, "InvalidParameterValue")
	_, err = api.EnableImageBlockPublicAccess(ctx, &ec2.EnableImageBlockPublicAccessInput{ImageBlockPublicAccessState: "block-new-sharing"})
	check(t, err)
	want("block-new-sharing")
	out, err := api.DisableImageBlockPublicAccess(ctx, &ec2.DisableImageBlockPublicAccessInput{})
	check(t, err)
	if out.ImageBlockPublicAccessState != types.ImageBlockPublicAccessDisabledStateUnblocked {
		t.Errorf("the answer is %q", out.ImageBlockPublicAccessState)
	}
	want("unblocked")
}

func TestDefaultKey(t *testing.T) {
	t.Parallel()
	account := mototest.New(t)
	api, ctx := ec2.NewFromConfig(account.Config), t.Context()
	want := func(key string) {
		t.Helper()
		got, err := api.GetEbsDefaultKmsKeyId(ctx, &ec2.GetEbsDefaultKmsKeyIdInput{})
		check(t, err)
		if aws.ToString(got.KmsKeyId) != key {
			t.Errorf("the key is %q, want %q", aws.ToString(got.KmsKeyId), key)
		}
	}
	want("alias/aws/ebs")
	_, err := api.ModifyEbsDefaultKmsKeyId(ctx, &ec2.ModifyEbsDefaultKmsKeyIdInput{KmsKeyId: aws.String("1234abcd")})
	check(t, err)
	want("arn:aws:kms:us-east-1:" + account.ID + ":key/1234abcd")
	const other = "arn:aws:kms:us-east-1:111122223333:key/5678"
	_, err = api.ModifyEbsDefaultKmsKeyId(ctx, &ec2.ModifyEbsDefaultKmsKeyIdInput{KmsKeyId: aws.String(other)})
	check(t, err)
	want(other)
	_, err = api.ResetEbsDefaultKmsKeyId(ctx, &ec2.ResetEbsDefaultKmsKeyIdInput{})
	check(t, err)
	want("alias/aws/ebs")
}

// TestSettingsAreOfAnAccountInARegion: what one has set, no other sees.
func TestSettingsAreOfAnAccountInARegion(t *testing.T) {
	t.Parallel()
	account := mototest.New(t)
	_, err := ec2.NewFromConfig(account.Config).EnableSnapshotBlockPublicAccess(t.Context(), &ec2.EnableSnapshotBlockPublicAccessInput{State: "block-all-sharing"})
	check(t, err)
	elsewhere := account.Config.Copy()
	elsewhere.Region = "eu-west-1"
	for name, cfg := range map[string]aws.Config{"another region": elsewhere, "another account": mototest.New(t).Config} {
		got, err := ec2.NewFromConfig(cfg).GetSnapshotBlockPublicAccessState(t.Context(), &ec2.GetSnapshotBlockPublicAccessStateInput{})
		check(t, err)
		if got.State != "unblocked" {
			t.Errorf("%s: the state is %q", name, got.State)
		}
	}
}

func TestImageThatIsGone(t *testing.T) {
	t.Parallel()
	api, ctx := clientOf(t), t.Context()
	image, err := api.RegisterImage(ctx, &ec2.RegisterImageInput{Name: aws.String("web")})
	check(t, err)
	_, err = api.DeregisterImage(ctx, &ec2.DeregisterImageInput{ImageId: image.ImageId})
	check(t, err)
	for id, code := range map[string]string{*image.ImageId: "InvalidAMIID.Unavailable", "ami-0123456789abcdef0": "InvalidAMIID.NotFound"} {
		_, err := api.DescribeImageAttribute(ctx, &ec2.DescribeImageAttributeInput{ImageId: &id, Attribute: types.ImageAttributeNameLaunchPermission})
		wantCode(t, err, code)
	}
}

// run starts an instance and gives how EC2 describes it.
func run(t *testing.T, api *ec2.Client, in ec2.RunInstancesInput) func() types.Instance {
	t.Helper()
	image, err := api.RegisterImage(t.Context(), &ec2.RegisterImageInput{Name: aws.String("web")})
	check(t, err)
	in.ImageId, in.MinCount, in.MaxCount = image.ImageId, aws.Int32(1), aws.Int32(1)
	made, err := api.RunInstances(t.Context(), &in)
	check(t, err)
	return func() types.Instance {
		out, err := api.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{*made.Instances[0].InstanceId}})
		check(t, err)
		return out.Reservations[0].Instances[0]
	}
}

func TestMetadataOptionsThatACallDoesNotName(t *testing.T) {
	t.Parallel()
	api := clientOf(t)
	instance := run(t, api, ec2.RunInstancesInput{MetadataOptions: &types.InstanceMetadataOptionsRequest{
		HttpTokens: "optional", HttpPutResponseHopLimit: aws.Int32(3), HttpEndpoint: "enabled", HttpProtocolIpv6: "enabled", InstanceMetadataTags: "enabled",
	}})
	_, err := api.ModifyInstanceMetadataOptions(t.Context(), &ec2.ModifyInstanceMetadataOptionsInput{InstanceId: instance().InstanceId, HttpTokens: "required"})
	check(t, err)
	want := &types.InstanceMetadataOptionsResponse{
		State: "applied", HttpTokens: "required", HttpPutResponseHopLimit: aws.Int32(3), HttpEndpoint: "enabled", HttpProtocolIpv6: "enabled", InstanceMetadataTags: "enabled",
	}
	if diff := cmp.Diff(want, instance().MetadataOptions, cmpopts.IgnoreUnexported(types.InstanceMetadataOptionsResponse{})); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
}

func TestPublicAddressOfAnInterface(t *testing.T) {
	t.Parallel()
	api := clientOf(t)
	instance := run(t, api, ec2.RunInstancesInput{NetworkInterfaces: []types.InstanceNetworkInterfaceSpecification{{
		DeviceIndex: aws.Int32(0), AssociatePublicIpAddress: aws.Bool(true),
	}}})
	public := func() bool {
		a := instance().NetworkInterfaces[0].Association
		return a != nil && a.PublicIp != nil
	}
	if !public() {
		t.Fatal("the instance began without a public address")
	}
	for _, on := range []bool{false, true} {
		_, err := api.ModifyNetworkInterfaceAttribute(t.Context(), &ec2.ModifyNetworkInterfaceAttributeInput{
			NetworkInterfaceId: instance().NetworkInterfaces[0].NetworkInterfaceId, AssociatePublicIpAddress: aws.Bool(on),
		})
		check(t, err)
		if got := public(); got != on {
			t.Errorf("after AssociatePublicIpAddress=%v the interface has a public address: %v", on, got)
		}
	}
}
