package ec2securitygroup

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func storeOf(f *fake) store { return store{func(remedy.Ref) client { return f }} }

var target = Target{"sg-0fake", "111122223333", "us-east-1"}

func TestReadAllPages(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.tags = map[string]string{"team": "web"}
	f.lists["pl-1"] = []string{"203.0.113.0/24", "192.0.2.0/24", "198.51.100.0/24"}
	want := State{Tags: map[string]string{"team": "web"}, PrefixLists: map[string][]string{"pl-1": {"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"}}}
	for i := range int32(1000) {
		id := fmt.Sprintf("sgr-%04d", i)
		f.rules[id] = types.SecurityGroupRule{
			SecurityGroupRuleId: &id, IpProtocol: aws.String("tcp"), FromPort: aws.Int32(i), ToPort: aws.Int32(i), CidrIpv4: aws.String("10.0.0.0/8"),
		}
		want.Rules = append(want.Rules, rule(id, "tcp", i, i, "10.0.0.0/8"))
	}
	f.rules["sgr-list"] = types.SecurityGroupRule{
		SecurityGroupRuleId: aws.String("sgr-list"), IpProtocol: aws.String("-1"), PrefixListId: aws.String("pl-1"),
		Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	}
	want.Rules = append(want.Rules, Rule{
		ID: "sgr-list", Opening: Opening{Protocol: "-1", From: -1, To: -1, PrefixList: "pl-1"}, Tags: map[string]string{"k": "v"},
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
		change  func(*fake)
		wantErr string
		gone    bool
	}{
		{name: "no such group", change: func(f *fake) { f.group = "sg-other" }, wantErr: "InvalidGroup.NotFound", gone: true},
		{name: "tags refused", change: func(f *fake) { f.deny = "DescribeSecurityGroups" }, wantErr: "grant ec2:DescribeSecurityGroups"},
		{name: "rules refused", change: func(f *fake) { f.deny = "DescribeSecurityGroupRules" }, wantErr: "grant ec2:DescribeSecurityGroupRules"},
		{name: "prefix list refused", change: func(f *fake) {
			f.deny = "GetManagedPrefixListEntries"
			f.rules["sgr-1"] = plain(func(r *types.SecurityGroupRule) { r.PrefixListId = aws.String("pl-1") })
		}, wantErr: "prefix list pl-1: ec2:GetManagedPrefixListEntries"},
		{name: "prefix list gone is not a gone group", change: func(f *fake) {
			f.rules["sgr-1"] = plain(func(r *types.SecurityGroupRule) { r.PrefixListId = aws.String("pl-1") })
		}, wantErr: "InvalidPrefixListID.NotFound"},
		{name: "prefix list that can't be understood", change: func(f *fake) {
			f.lists["pl-1"] = []string{"everywhere"}
			f.rules["sgr-1"] = plain(func(r *types.SecurityGroupRule) { r.PrefixListId = aws.String("pl-1") })
		}, wantErr: "everywhere"},
		{name: "range that can't be understood", change: func(f *fake) {
			f.rules["sgr-1"] = plain(func(r *types.SecurityGroupRule) { r.CidrIpv4 = aws.String("0/0") })
		}, wantErr: "rule sgr-1"},
		{name: "source of an unknown kind", change: func(f *fake) {
			f.rules["sgr-1"] = plain(func(*types.SecurityGroupRule) {})
		}, wantErr: "rule sgr-1 has no source that is known here"},
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
			if errors.Is(err, remedy.ErrGone) != tt.gone {
				t.Errorf("ErrGone: %v, want %v", !tt.gone, tt.gone)
			}
			if diff := cmp.Diff(State{}, got); diff != "" {
				t.Errorf("a partial state came with the error:\n%s", diff)
			}
		})
	}
}

func TestApplyTwice(t *testing.T) {
	t.Parallel()
	ssh, sshV6 := rule("", "tcp", 22, 22, "0.0.0.0/0"), rule("", "tcp", 22, 22, "::/0")
	ping := rule("", "icmp", 8, -1, "0.0.0.0/0")
	add := authorization{"sg-0fake", []Rule{ssh, sshV6, ping}}
	tests := []struct {
		name    string
		present []Rule // before the change; their ids are sgr-…1, sgr-…2, …
		change  Change
		want    []Rule
		calls   int // of the change, both times together
	}{
		{"revoke", []Rule{ssh, sshV6, ping}, revocation{"sg-0fake", []string{id(1), id(2)}}, []Rule{ping}, 1 + 3},
		{"revoke, one gone meanwhile", []Rule{ssh, ping}, revocation{"sg-0fake", []string{id(1), id(7)}}, []Rule{ping}, 3 + 3},
		{"revoke of one", []Rule{ssh}, revocation{"sg-0fake", []string{id(1)}}, nil, 1 + 1},
		{"authorize", nil, add, []Rule{ssh, sshV6, ping}, 1 + 4},
		{"authorize, one there already", []Rule{sshV6}, add, []Rule{ssh, sshV6, ping}, 4 + 4},
		{"modify", []Rule{ssh}, modification{"sg-0fake", []Rule{rule(id(1), "tcp", 22, 22, "10.0.0.0/8")}}, []Rule{rule("", "tcp", 22, 22, "10.0.0.0/8")}, 1 + 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			s := storeOf(f)
			if len(tt.present) > 0 {
				if err := s.Apply(t.Context(), target, authorization{"sg-0fake", tt.present}); err != nil {
					t.Fatal(err)
				}
			}
			f.calls = nil
			for range 2 {
				if err := s.Apply(t.Context(), target, tt.change); err != nil {
					t.Fatal(err)
				}
			}
			if len(f.calls) != tt.calls {
				t.Errorf("%d calls, want %d: %v", len(f.calls), tt.calls, f.calls)
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
	changes := map[string]Change{
		"RevokeSecurityGroupIngress":    revocation{"sg-0fake", []string{"sgr-1", "sgr-2"}},
		"ModifySecurityGroupRules":      modification{"sg-0fake", []Rule{rule("sgr-1", "tcp", 22, 22, "10.0.0.0/8")}},
		"AuthorizeSecurityGroupIngress": authorization{"sg-0fake", []Rule{rule("", "tcp", 22, 22, "10.0.0.0/8")}},
	}
	for call, change := range changes {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.deny = call
			err := storeOf(f).Apply(t.Context(), target, change)
			if err == nil || !strings.Contains(err.Error(), "grant ec2:"+call) {
				t.Errorf("refused: error = %v, want one that names the action to grant", err)
			}
			f.deny, f.group = "", "sg-other"
			if err := storeOf(f).Apply(t.Context(), target, change); !errors.Is(err, remedy.ErrGone) {
				t.Errorf("gone: error = %v, want ErrGone", err)
			}
			if !slices.Contains(Function.Actions, "ec2:"+call) {
				t.Errorf("Function.Actions lacks ec2:%s", call)
			}
		})
	}
	f := newFake()
	err := storeOf(f).Apply(t.Context(), target, changes["ModifySecurityGroupRules"])
	if err == nil || errors.Is(err, remedy.ErrGone) {
		t.Errorf("modify of a rule that is gone: error = %v, want one that makes the engine read again", err)
	}
}
