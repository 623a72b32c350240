package ec2networkacl

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

var target = Target{"acl-0fake", "111122223333", "us-east-1"}

func TestRead(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.byDefault, f.tags = true, awsTags(map[string]string{"team": "web"})
	f.put(false, 200, types.RuleActionAllow, "::/0")
	f.put(false, 100, types.RuleActionAllow, "0.0.0.0/0")
	number, inbound := int32(150), false
	f.entries[key{false, 150}] = types.NetworkAclEntry{
		Egress: &inbound, RuleNumber: &number, RuleAction: types.RuleActionDeny, Protocol: aws.String(icmp), CidrBlock: aws.String("0.0.0.0/0"),
		IcmpTypeCode: &types.IcmpTypeCode{Type: aws.Int32(8), Code: aws.Int32(-1)},
	}
	got, err := storeOf(f).Read(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	want := State{
		Default: true, Tags: map[string]string{"team": "web"},
		Rules: []Rule{everything(100, allow, "0.0.0.0/0"), ports(150, deny, icmp, 8, -1, "0.0.0.0/0"), everything(200, allow, "::/0")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	spoil := func(change func(*types.NetworkAclEntry)) func(*fake) {
		return func(f *fake) {
			f.put(false, 100, types.RuleActionAllow, "0.0.0.0/0")
			e := f.entries[key{false, 100}]
			change(&e)
			f.entries[key{false, 100}] = e
		}
	}
	tests := []struct {
		name    string
		change  func(*fake)
		wantErr string
		gone    bool
	}{
		{name: "no such ACL", change: func(f *fake) { f.acl = "" }, wantErr: "InvalidNetworkAclID.NotFound", gone: true},
		{name: "refused", change: func(f *fake) { f.fail["DescribeNetworkAcls"] = "UnauthorizedOperation" }, wantErr: "grant ec2:DescribeNetworkAcls "},
		{name: "throttled", change: func(f *fake) { f.fail["DescribeNetworkAcls"] = "RequestLimitExceeded" }, wantErr: "RequestLimitExceeded"},
		{name: "range that can't be understood", change: spoil(func(e *types.NetworkAclEntry) { e.CidrBlock = aws.String("0/0") }), wantErr: "inbound rule 100"},
		{name: "no range", change: spoil(func(e *types.NetworkAclEntry) { e.CidrBlock = nil }), wantErr: "inbound rule 100"},
		{name: "unknown action", change: spoil(func(e *types.NetworkAclEntry) { e.RuleAction = "log" }), wantErr: `action "log"`},
		{name: "unknown protocol", change: spoil(func(e *types.NetworkAclEntry) { e.Protocol = aws.String("quic") }), wantErr: `protocol "quic"`},
		{name: "no ports", change: spoil(func(e *types.NetworkAclEntry) { e.Protocol = aws.String(tcp) }), wantErr: "no range of ports"},
		{name: "no ICMP type", change: spoil(func(e *types.NetworkAclEntry) { e.Protocol = aws.String(icmp) }), wantErr: "no type and code"},
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
	web := ports(100, allow, tcp, 443, 443, "0.0.0.0/0")
	tests := []struct {
		name    string
		present []Rule
		change  Change
		want    []Rule
	}{
		{"create", nil, Change{target.ACL, created, web}, []Rule{web}},
		{"replace", []Rule{everything(100, allow, "::/0")}, Change{target.ACL, replaced, web}, []Rule{web}},
		{"delete", []Rule{web}, Change{target.ACL, deleted, Rule{Number: 100}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			outbound := f.entries[key{true, 100}]
			s := storeOf(f)
			for _, r := range tt.present {
				if err := s.Apply(t.Context(), target, Change{target.ACL, created, r}); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				if err := s.Apply(t.Context(), target, tt.change); err != nil {
					t.Fatal(err)
				}
			}
			got, err := s.Read(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(State{Rules: tt.want}, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
			if got := f.entries[key{true, 100}]; got != outbound {
				t.Errorf("the outbound rule of the same number became %+v", got)
			}
		})
	}
}

func TestApplyErrors(t *testing.T) {
	t.Parallel()
	for _, api := range []string{created, replaced, deleted} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			change := Change{target.ACL, api, ports(100, allow, tcp, 443, 443, "0.0.0.0/0")}
			f.fail[api] = "UnauthorizedOperation"
			if err := storeOf(f).Apply(t.Context(), target, change); err == nil || !strings.Contains(err.Error(), "grant ec2:"+api+" ") {
				t.Errorf("refused: error = %v, want one that names the action to grant", err)
			}
			f.fail[api] = "RequestLimitExceeded"
			if err := storeOf(f).Apply(t.Context(), target, change); err == nil || remedy.IsPermanent(err) || errors.Is(err, remedy.ErrGone) {
				t.Errorf("throttled: error = %v, want one that is tried again", err)
			}
			f.fail[api], f.acl = "", ""
			if err := storeOf(f).Apply(t.Context(), target, change); !errors.Is(err, remedy.ErrGone) {
				t.Errorf("gone: error = %v, want ErrGone", err)
			}
			if !slices.Contains(Function.Actions, "ec2:"+api) {
				t.Errorf("Function.Actions lacks ec2:%s", api)
			}
		})
	}
	change := Change{target.ACL, replaced, ports(100, allow, tcp, 443, 443, "0.0.0.0/0")}
	if err := storeOf(newFake()).Apply(t.Context(), target, change); err == nil || errors.Is(err, remedy.ErrGone) {
		t.Errorf("replace of a rule that is gone: error = %v, want one that makes the engine read again", err)
	}
}
