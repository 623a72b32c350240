package ec2instancelaunch

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/imds"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func storeOf(f *fake) store { return store{func(remedy.Ref) client { return f }} }

var target = Target{InstanceID: fakeInstance, Account: "111122223333", Region: "us-east-1"}

func TestRead(t *testing.T) {
	t.Parallel()
	plain := Interface{ID: fakeInterface, Subnet: "subnet-1", VPC: "vpc-1"}
	assigned, elastic := plain, plain
	assigned.Assigned = true
	elastic.Elastic = []Elastic{{Allocation: fakeAllocation, Private: fakeAddress, Association: fakeAssociation}}
	for name, c := range map[string]struct {
		change func(*fake)
		want   Interface
	}{
		"private":          {func(*fake) {}, plain},
		"an assigned one":  {func(f *fake) { f.assigns = true }, assigned},
		"an elastic one":   {func(f *fake) { f.elastic = true }, elastic},
		"elastic and more": {func(f *fake) { f.elastic, f.assigns = true, true }, elastic},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			c.change(f)
			got, err := storeOf(f).Read(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			want := State{v2, []Interface{c.want}, map[string]string{"team": "web"}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAddressesOfOthersAreNotPublic(t *testing.T) {
	t.Parallel()
	var i Interface
	i.add("10.0.0.4", nil)
	i.add("10.0.0.4", &types.NetworkInterfaceAssociation{CarrierIp: aws.String("192.0.2.1")})
	i.add("10.0.0.4", &types.NetworkInterfaceAssociation{CustomerOwnedIp: aws.String("192.0.2.1"), AllocationId: aws.String("eipalloc-1")})
	if diff := cmp.Diff(Interface{}, i); diff != "" {
		t.Errorf("interface (-want +got):\n%s", diff)
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		change  func(*fake)
		wantErr string
		gone    bool
	}{
		{name: "no such instance", change: func(f *fake) { f.gone = true }, wantErr: "InvalidInstanceID.NotFound", gone: true},
		{name: "instance refused", change: func(f *fake) { f.fail["DescribeInstances"] = "UnauthorizedOperation" }, wantErr: "grant ec2:DescribeInstances "},
		{name: "interfaces refused", change: func(f *fake) { f.fail["DescribeNetworkInterfaces"] = "UnauthorizedOperation" }, wantErr: "grant ec2:DescribeNetworkInterfaces "},
		{name: "throttled", change: func(f *fake) { f.fail["DescribeNetworkInterfaces"] = "RequestLimitExceeded" }, wantErr: "RequestLimitExceeded"},
		{name: "an interface that no filter sees yet", change: func(f *fake) { f.unlisted = true }, wantErr: "does not hold its interface eni-0fake yet"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			tt.change(f)
			got, err := storeOf(f).Read(t.Context(), target)
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) || errors.Is(err, remedy.ErrGone) != tt.gone || remedy.IsPermanent(err) {
				t.Errorf("error = %v, want one with %q, gone: %v, that a retry may mend", err, tt.wantErr, tt.gone)
			}
			if diff := cmp.Diff(State{}, got); diff != "" {
				t.Errorf("a partial state came with the error:\n%s", diff)
			}
		})
	}
}

func changes() map[string]Change {
	e := Elastic{Allocation: fakeAllocation, Private: fakeAddress, Association: fakeAssociation}
	return map[string]Change{
		"ModifyInstanceMetadataOptions":   {Options: &imds.Change{Instance: fakeInstance, Tokens: imds.Required}},
		"ModifyNetworkInterfaceAttribute": {Interface: fakeInterface, Assign: aws.Bool(false)},
		"DisassociateAddress":             {Interface: fakeInterface, Disassociate: &e},
		"AssociateAddress":                {Interface: fakeInterface, Associate: &e},
	}
}

func TestApplyTwice(t *testing.T) {
	t.Parallel()
	for api, c := range changes() {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.options.HttpTokens, f.assigns, f.elastic = "optional", true, api == "DisassociateAddress"
			for range 2 {
				if err := storeOf(f).Apply(t.Context(), target, c); err != nil {
					t.Fatal(err)
				}
			}
			got := [3]bool{f.options.HttpTokens == "required", f.assigns, f.elastic}
			want := [3]bool{api == "ModifyInstanceMetadataOptions", api != "ModifyNetworkInterfaceAttribute", api == "AssociateAddress"}
			if got != want {
				t.Errorf("tokens, assigned, elastic = %v, want %v", got, want)
			}
		})
	}
}

func TestApplyErrors(t *testing.T) {
	t.Parallel()
	for api, c := range changes() {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			for code, want := range map[string]string{
				"UnauthorizedOperation": "grant ec2:" + api + " ", "IncorrectInstanceState": "IncorrectInstanceState",
				"InvalidNetworkInterfaceID.NotFound": "InvalidNetworkInterfaceID.NotFound",
			} {
				f := newFake()
				f.fail[api] = code
				err := storeOf(f).Apply(t.Context(), target, c)
				if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, remedy.ErrGone) || remedy.IsPermanent(err) {
					t.Errorf("%s: error = %v, want one with %q that a retry may mend", code, err, want)
				}
			}
		})
	}
}
