package groupstore_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud/groupstore"
	"github.com/ebb-ops/ebb/pkg/cloud/groupstore/grouptest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	sg "github.com/ebb-ops/ebb/pkg/securitygroup"
)

// storeOf gives the store of a fake's inbound rules.
func storeOf(f *grouptest.Fake) groupstore.Store { return storeFor(f, sg.Ingress) }

func storeFor(f *grouptest.Fake, d sg.Direction) groupstore.Store {
	return groupstore.Store{Direction: d, Client: func(remedy.Ref) groupstore.Client { return f }}
}

func rule(id, protocol string, from, to int32, cidr string) sg.Rule {
	return sg.Rule{ID: id, Opening: sg.Opening{Protocol: protocol, From: from, To: to, CIDR: cidr}}
}

var target = sg.Target{GroupID: "sg-0fake", Account: "111122223333", Region: "us-east-1"}

func TestReadAllPages(t *testing.T) {
	t.Parallel()
	f := grouptest.NewFake()
	f.Tags = map[string]string{"team": "web"}
	f.Lists["pl-1"] = []string{"203.0.113.0/24", "192.0.2.0/24", "198.51.100.0/24"}
	want := sg.State{Tags: map[string]string{"team": "web"}, PrefixLists: map[string][]string{"pl-1": {"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"}}}
	for i := range int32(1000) {
		id := fmt.Sprintf("sgr-%04d", i)
		f.Rules[id] = types.SecurityGroupRule{
			SecurityGroupRuleId: &id, IpProtocol: aws.String("tcp"), FromPort: aws.Int32(i), ToPort: aws.Int32(i), CidrIpv4: aws.String("10.0.0.0/8"),
		}
		want.Rules = append(want.Rules, rule(id, "tcp", i, i, "10.0.0.0/8"))
	}
	f.Rules["sgr-list"] = types.SecurityGroupRule{
		SecurityGroupRuleId: aws.String("sgr-list"), IpProtocol: aws.String("-1"), PrefixListId: aws.String("pl-1"),
		Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	}
	want.Rules = append(want.Rules, sg.Rule{
		ID: "sgr-list", Opening: sg.Opening{Protocol: "-1", From: -1, To: -1, PrefixList: "pl-1"}, Tags: map[string]string{"k": "v"},
	})
	got, err := storeOf(f).Read(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	plain := func(change func(*types.SecurityGroupRule)) types.SecurityGroupRule {
		r := types.SecurityGroupRule{SecurityGroupRuleId: aws.String("sgr-1"), IpProtocol: aws.String("tcp"), FromPort: aws.Int32(22), ToPort: aws.Int32(22)}
		change(&r)
		return r
	}
	tests := []struct {
		name    string
		change  func(*grouptest.Fake)
		wantErr string
		gone    bool
	}{
		{name: "no such group", change: func(f *grouptest.Fake) { f.Group = "sg-other" }, wantErr: "InvalidGroup.NotFound", gone: true},
		{name: "tags refused", change: func(f *grouptest.Fake) { f.Deny = "DescribeSecurityGroups" }, wantErr: "grant ec2:DescribeSecurityGroups"},
		{name: "rules refused", change: func(f *grouptest.Fake) { f.Deny = "DescribeSecurityGroupRules" }, wantErr: "grant ec2:DescribeSecurityGroupRules"},
		{name: "prefix list refused", change: func(f *grouptest.Fake) {
			f.Deny = "GetManagedPrefixListEntries"
			f.Rules["sgr-1"] = plain(func(r *types.SecurityGroupRule) { r.PrefixListId = aws.String("pl-1") })
		}, wantErr: "prefix list pl-1: ec2:GetManagedPrefixListEntries"},
		{name: "prefix list gone is not a gone group", change: func(f *grouptest.Fake) {
			f.Rules["sgr-1"] = plain(func(r *types.SecurityGroupRule) { r.PrefixListId = aws.String("pl-1") })
		}, wantErr: "InvalidPrefixListID.NotFound"},
		{name: "prefix list that can't be understood", change: func(f *grouptest.Fake) {
			f.Lists["pl-1"] = []string{"everywhere"}
			f.Rules["sgr-1"] = plain(func(r *types.SecurityGroupRule) { r.PrefixListId = aws.String("pl-1") })
		}, wantErr: "everywhere"},
		{name: "range that can't be understood", change: func(f *grouptest.Fake) {
			f.Rules["sgr-1"] = plain(func(r *types.SecurityGroupRule) { r.CidrIpv4 = aws.String("0/0") })
		}, wantErr: "rule sgr-1"},
		{name: "source of an unknown kind", change: func(f *grouptest.Fake) {
			f.Rules["sgr-1"] = plain(func(*types.SecurityGroupRule) {})
		}, wantErr: "rule sgr-1 has no source that is known here"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := grouptest.NewFake()
			tt.change(f)
			got, err := storeOf(f).Read(t.Context(), target)
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
				t.Fatalf("error = %v, want one with %q", err, tt.wantErr)
			}
			if errors.Is(err, remedy.ErrGone) != tt.gone {
				t.Errorf("ErrGone: %v, want %v", !tt.gone, tt.gone)
			}
			if diff := cmp.Diff(sg.State{}, got); diff != "" {
				t.Errorf("a partial state came with the error:\n%s", diff)
			}
		})
	}
}

func TestApplyTwice(t *testing.T) {
	t.Parallel()
	ssh, sshV6 := rule("", "tcp", 22, 22, "0.0.0.0/0"), rule("", "tcp", 22, 22, "::/0")
	ping := rule("", "icmp", 8, -1, "0.0.0.0/0")
	add := sg.Authorization{Group: "sg-0fake", Direction: sg.Ingress, Rules: []sg.Rule{ssh, sshV6, ping}}
	tests := []struct {
		name    string
		present []sg.Rule // before the change; their ids are sgr-…1, sgr-…2, …
		change  remedy.Change
		want    []sg.Rule
		calls   int // of the change, both times together
	}{
		{"revoke", []sg.Rule{ssh, sshV6, ping}, sg.Revocation{Group: "sg-0fake", Direction: sg.Ingress, IDs: []string{id(1), id(2)}}, []sg.Rule{ping}, 1 + 3},
		{"revoke, one gone meanwhile", []sg.Rule{ssh, ping}, sg.Revocation{Group: "sg-0fake", Direction: sg.Ingress, IDs: []string{id(1), id(7)}}, []sg.Rule{ping}, 3 + 3},
		{"revoke of one", []sg.Rule{ssh}, sg.Revocation{Group: "sg-0fake", Direction: sg.Ingress, IDs: []string{id(1)}}, nil, 1 + 1},
		{"authorize", nil, add, []sg.Rule{ssh, sshV6, ping}, 1 + 4},
		{"authorize, one there already", []sg.Rule{sshV6}, add, []sg.Rule{ssh, sshV6, ping}, 4 + 4},
		{"modify", []sg.Rule{ssh}, sg.Modification{Group: "sg-0fake", Rules: []sg.Rule{rule(id(1), "tcp", 22, 22, "10.0.0.0/8")}}, []sg.Rule{rule("", "tcp", 22, 22, "10.0.0.0/8")}, 1 + 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := grouptest.NewFake()
			s := storeOf(f)
			if len(tt.present) > 0 {
				if err := s.Apply(t.Context(), target, sg.Authorization{Group: "sg-0fake", Direction: sg.Ingress, Rules: tt.present}); err != nil {
					t.Fatal(err)
				}
			}
			f.Calls = nil
			for range 2 {
				if err := s.Apply(t.Context(), target, tt.change); err != nil {
					t.Fatal(err)
				}
			}
			if len(f.Calls) != tt.calls {
				t.Errorf("%d calls, want %d: %v", len(f.Calls), tt.calls, f.Calls)
			}
			got, err := s.Read(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			if !same(got.Rules, tt.want) {
				t.Errorf("rules = %+v, want %+v", got.Rules, tt.want)
			}
		})
	}
}

// id is the fake's id for the nth rule that it makes.
func id(n int) string { return fmt.Sprintf("sgr-%017x", n) }

func TestApplyErrors(t *testing.T) {
	t.Parallel()
	changes := map[string]remedy.Change{
		"RevokeSecurityGroupEgress":     sg.Revocation{Group: "sg-0fake", Direction: sg.Egress, IDs: []string{"sgr-1", "sgr-2"}},
		"AuthorizeSecurityGroupEgress":  sg.Authorization{Group: "sg-0fake", Direction: sg.Egress, Rules: []sg.Rule{rule("", "tcp", 22, 22, "10.0.0.0/8")}},
		"RevokeSecurityGroupIngress":    sg.Revocation{Group: "sg-0fake", Direction: sg.Ingress, IDs: []string{"sgr-1", "sgr-2"}},
		"ModifySecurityGroupRules":      sg.Modification{Group: "sg-0fake", Rules: []sg.Rule{rule("sgr-1", "tcp", 22, 22, "10.0.0.0/8")}},
		"AuthorizeSecurityGroupIngress": sg.Authorization{Group: "sg-0fake", Direction: sg.Ingress, Rules: []sg.Rule{rule("", "tcp", 22, 22, "10.0.0.0/8")}},
	}
	for call, change := range changes {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			f := grouptest.NewFake()
			f.Deny = call
			err := storeOf(f).Apply(t.Context(), target, change)
			if err == nil || !strings.Contains(err.Error(), "grant ec2:"+call) {
				t.Errorf("refused: error = %v, want one that names the action to grant", err)
			}
			f.Deny, f.Group = "", "sg-other"
			if err := storeOf(f).Apply(t.Context(), target, change); !errors.Is(err, remedy.ErrGone) {
				t.Errorf("gone: error = %v, want ErrGone", err)
			}
		})
	}
	f := grouptest.NewFake()
	err := storeOf(f).Apply(t.Context(), target, changes["ModifySecurityGroupRules"])
	if err == nil || errors.Is(err, remedy.ErrGone) {
		t.Errorf("modify of a rule that is gone: error = %v, want one that makes the engine read again", err)
	}
}

// same compares rules without ids and order.
func same(a, b []sg.Rule) bool {
	plain := func(rules []sg.Rule) []string {
		var out []string
		for _, r := range rules {
			out = append(out, fmt.Sprintf("%+v %q", struct{ sg.Opening }{r.Opening}, r.Description))
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(plain(a), plain(b))
}

// TestDirectionsAreApart has the same rule in both directions of a group.
func TestDirectionsAreApart(t *testing.T) {
	t.Parallel()
	f := grouptest.NewFake()
	all := rule(grouptest.AllOut, "-1", -1, -1, "0.0.0.0/0")
	smtp := rule("", "tcp", 25, 25, "0.0.0.0/0")
	in, out := storeFor(f, sg.Ingress), storeFor(f, sg.Egress)
	for _, d := range []sg.Direction{sg.Ingress, sg.Egress} {
		if err := in.Apply(t.Context(), target, sg.Authorization{Group: "sg-0fake", Direction: d, Rules: []sg.Rule{smtp}}); err != nil {
			t.Fatal(err)
		}
	}
	read := func(s groupstore.Store, want ...sg.Rule) []sg.Rule {
		t.Helper()
		got, err := s.Read(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		if !same(got.Rules, want) {
			t.Errorf("%s rules = %+v, want %+v", s.Direction, got.Rules, want)
		}
		return got.Rules
	}
	read(in, smtp)
	ids := []string{}
	for _, r := range read(out, all, smtp) {
		ids = append(ids, r.ID)
	}
	if err := out.Apply(t.Context(), target, sg.Revocation{Group: "sg-0fake", Direction: sg.Egress, IDs: ids}); err != nil {
		t.Fatal(err)
	}
	read(in, smtp)
	read(out)
}
