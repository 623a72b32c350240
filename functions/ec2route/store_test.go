package ec2route

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func storeOf(f *fake) store { return store{func(remedy.Ref) client { return f }} }

var target = Target{"rtb-0fake", "111122223333", "us-east-1"}

func TestRead(t *testing.T) {
	t.Parallel()
	f := newFake()
	table := f.table(target.Table)
	table.Tags = awsTags(map[string]string{"team": "web"})
	f.associate(target.Table, Subnet{"subnet-3", nil}, Subnet{"subnet-1", map[string]string{"Tier": "private"}}, Subnet{"subnet-2", nil})
	f.associate("rtb-other", Subnet{"subnet-4", nil})
	table.Associations = append(table.Associations, types.RouteTableAssociation{GatewayId: aws.String("igw-1")})
	want := State{
		Tags: map[string]string{"team": "web"}, Subnets: []Subnet{{"subnet-1", map[string]string{"Tier": "private"}}, {"subnet-2", nil}, {"subnet-3", nil}},
		Routes: []Route{
			{"0.0.0.0/0", "nat-1"},
			{"10.1.0.0/16", "pcx-1"},
			{"10.2.0.0/16", "eni-1"},
			{"10.3.0.0/16", "vpce-1"},
			{"10.4.0.0/16", "arn:aws:networkmanager::111122223333:core-network/core-network-1"},
			{"::/0", "eigw-1"},
			{"pl-1", "tgw-1"},
		},
	}
	s := storeOf(f)
	for _, r := range slices.Backward(want.Routes) {
		if err := s.Apply(t.Context(), target, Change{target.Table, created, r}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Read(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

// TestReadMainTable has a table that routes all subnets without one of their own.
func TestReadMainTable(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.table(target.Table).Associations = []types.RouteTableAssociation{{Main: aws.Bool(true)}}
	f.associate(target.Table, Subnet{"subnet-own", nil})
	for _, id := range []string{"rtb-1", "rtb-2", "rtb-3"} {
		f.associate(id, Subnet{"subnet-of-" + id, nil})
	}
	f.subnets["subnet-free"] = types.Subnet{SubnetId: aws.String("subnet-free"), VpcId: aws.String("vpc-1")}
	f.subnets["subnet-elsewhere"] = types.Subnet{SubnetId: aws.String("subnet-elsewhere"), VpcId: aws.String("vpc-2")}
	got, err := storeOf(f).Read(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(State{Subnets: []Subnet{{ID: "subnet-free"}, {ID: "subnet-own"}}}, got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	route := func(r types.Route) func(*fake) {
		return func(f *fake) { f.table(target.Table).Routes = []types.Route{r} }
	}
	tests := []struct {
		name    string
		change  func(*fake)
		wantErr string
		gone    bool
	}{
		{name: "no such table", change: func(f *fake) { delete(f.tables, target.Table) }, wantErr: "InvalidRouteTableID.NotFound", gone: true},
		{name: "table refused", change: func(f *fake) { f.fail["DescribeRouteTables"] = "UnauthorizedOperation" }, wantErr: "grant ec2:DescribeRouteTables "},
		{name: "subnets refused", change: func(f *fake) { f.fail["DescribeSubnets"] = "UnauthorizedOperation" }, wantErr: "grant ec2:DescribeSubnets "},
		{name: "subnets throttled", change: func(f *fake) { f.fail["DescribeSubnets"] = "RequestLimitExceeded" }, wantErr: "RequestLimitExceeded"},
		{name: "the VPC's other tables refused", change: func(f *fake) {
			f.table(target.Table).Associations = []types.RouteTableAssociation{{Main: aws.Bool(true)}}
			f.fail["DescribeRouteTables of the VPC"] = "UnauthorizedOperation"
		}, wantErr: "grant ec2:DescribeRouteTables "},
		{name: "a subnet that is not among the subnets", change: func(f *fake) {
			f.associate(target.Table, Subnet{"subnet-new", nil})
			delete(f.subnets, "subnet-new")
		}, wantErr: "does not hold subnet-new"},
		{name: "a target of an unknown kind", change: route(types.Route{DestinationCidrBlock: aws.String("0.0.0.0/0"), GatewayId: aws.String("wormhole-1")}), wantErr: `target "wormhole-1"`},
		{name: "an ARN of an unknown kind", change: route(types.Route{DestinationCidrBlock: aws.String("0.0.0.0/0"), CoreNetworkArn: aws.String("arn:aws")}), wantErr: `target "arn:aws"`},
		{name: "no target", change: route(types.Route{DestinationCidrBlock: aws.String("0.0.0.0/0")}), wantErr: `target ""`},
		{name: "a destination that can't be understood", change: route(types.Route{DestinationCidrBlock: aws.String("0/0"), NatGatewayId: aws.String("nat-1")}), wantErr: `route for "0/0"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			tt.change(f)
			got, err := storeOf(f).Read(t.Context(), target)
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
				t.Fatalf("error = %v, want one with %q", err, tt.wantErr)
			}
			if errors.Is(err, remedy.ErrGone) != tt.gone || remedy.IsPermanent(err) {
				t.Errorf("error %v: gone must be %v, and permanent it is never", err, tt.gone)
			}
			if diff := cmp.Diff(State{}, got); diff != "" {
				t.Errorf("a partial state came with the error:\n%s", diff)
			}
		})
	}
}

func TestApplyTwice(t *testing.T) {
	t.Parallel()
	for _, destination := range []string{"0.0.0.0/0", "::/0", "pl-1"} {
		to := func(api, target string) Change { return Change{"rtb-0fake", api, Route{destination, target}} }
		for _, tt := range []struct {
			name    string
			present []Change
			change  Change
			want    []Route
		}{
			{"create", nil, to(created, "igw-1"), []Route{{destination, "igw-1"}}},
			{"replace", []Change{to(created, "igw-1")}, to(replaced, "nat-1"), []Route{{destination, "nat-1"}}},
			{"delete", []Change{to(created, "igw-1")}, to(deleted, ""), nil},
		} {
			t.Run(tt.name+" "+destination, func(t *testing.T) {
				t.Parallel()
				s := storeOf(newFake())
				for _, c := range append(tt.present, tt.change, tt.change) {
					if err := s.Apply(t.Context(), target, c); err != nil {
						t.Fatal(err)
					}
				}
				got, err := s.Read(t.Context(), target)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(State{Routes: tt.want}, got); diff != "" {
					t.Errorf("state (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestApplyErrors(t *testing.T) {
	t.Parallel()
	for _, api := range []string{created, replaced, deleted} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			change := Change{target.Table, api, Route{"0.0.0.0/0", "nat-1"}}
			f.fail[api] = "UnauthorizedOperation"
			if err := storeOf(f).Apply(t.Context(), target, change); err == nil || !strings.Contains(err.Error(), "grant ec2:"+api+" ") {
				t.Errorf("refused: error = %v, want one that names the action to grant", err)
			}
			f.fail[api] = "RequestLimitExceeded"
			if err := storeOf(f).Apply(t.Context(), target, change); err == nil || remedy.IsPermanent(err) || errors.Is(err, remedy.ErrGone) {
				t.Errorf("throttled: error = %v, want one that is tried again", err)
			}
			f.fail[api], f.tables = "", nil
			if err := storeOf(f).Apply(t.Context(), target, change); !errors.Is(err, remedy.ErrGone) {
				t.Errorf("gone: error = %v, want ErrGone", err)
			}
			if !slices.Contains(Function.Actions, "ec2:"+api) {
				t.Errorf("Function.Actions lacks ec2:%s", api)
			}
		})
	}
	f := newFake()
	f.fail[replaced] = "InvalidNatGatewayID.NotFound"
	err := storeOf(f).Apply(t.Context(), target, Change{target.Table, replaced, Route{"0.0.0.0/0", "nat-1"}})
	if err == nil || errors.Is(err, remedy.ErrGone) {
		t.Errorf("the earlier target is gone: error = %v, want one: the table is not gone", err)
	}
}
