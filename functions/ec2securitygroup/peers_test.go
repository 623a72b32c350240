package ec2securitygroup

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/cloud/groupstore"
	"github.com/ebb-ops/ebb/pkg/cloud/groupstore/grouptest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/securitygroup"
)

// What tools of this kind have got wrong, each by its name.

func storeOf(f *grouptest.Fake) groupstore.Store {
	return groupstore.Store{Direction: securitygroup.Ingress, Client: func(remedy.Ref) groupstore.Client { return f }}
}

var target = Target{GroupID: "sg-0fake", Account: "111122223333", Region: "us-east-1"}

// seeded gives a fake with the rules, and the state that it reads as.
func seeded(t *testing.T, rules ...Rule) (*grouptest.Fake, State) {
	t.Helper()
	f := grouptest.NewFake()
	for _, r := range rules {
		add := securitygroup.Authorization{Group: f.Group, Direction: securitygroup.Ingress, Rules: []Rule{r}}
		if err := storeOf(f).Apply(t.Context(), target, add); err != nil {
			t.Fatal(err)
		}
	}
	f.Calls = nil
	return f, read(t, f)
}

func read(t *testing.T, f *grouptest.Fake) State {
	t.Helper()
	s, err := storeOf(f).Read(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fix makes the calls that repair a state.
func fix(t *testing.T, f *grouptest.Fake, live State) {
	t.Helper()
	for _, c := range diff(target, live, repair(target, live, remedy.Baseline[State]{}, Defaults())) {
		if err := storeOf(f).Apply(t.Context(), target, c); err != nil {
			t.Fatal(err)
		}
	}
}

func TestIPv6RangeIsNotPutInTheIPv4Field(t *testing.T) {
	t.Parallel()
	world, office := rule("sgr-1", "tcp", 22, 22, "::/0"), rule("sgr-1", "tcp", 22, 22, "2001:db8::/32")
	for _, changes := range [][]remedy.Change{
		diff(target, state(), state(world)),       // undo
		diff(target, state(world), state(office)), // back to the baseline
	} {
		b, err := json.Marshal(changes[0].Call())
		if err != nil {
			t.Fatal(err)
		}
		if text := string(b); !strings.Contains(text, `"CidrIpv6":`) || strings.Contains(text, `"CidrIp":`) || strings.Contains(text, `"CidrIpv4":`) {
			t.Errorf("the call is %s, want the range in the field of IPv6 alone", text)
		}
	}
}

func TestPorts0To65535AndProtocolMinus1AreNotMissed(t *testing.T) {
	t.Parallel()
	for _, r := range []Rule{rule("sgr-1", "tcp", 0, 65535, "0.0.0.0/0"), rule("sgr-1", "-1", -1, -1, "0.0.0.0/0"), rule("sgr-1", "-1", 0, 0, "0.0.0.0/0")} {
		if got := check(target, state(r), Defaults()); len(got) != 1 {
			t.Errorf("check of %+v = %v, want a violation", r, got)
		}
	}
}

// TestARuleOfOneFamilyIsRevokedWithoutTheOther: a revocation that names a rule
// which is not there does nothing at all.
func TestARuleOfOneFamilyIsRevokedWithoutTheOther(t *testing.T) {
	t.Parallel()
	for _, cidr := range []string{"0.0.0.0/0", "::/0"} {
		f, live := seeded(t, rule("", "tcp", 22, 22, cidr))
		fix(t, f, live)
		if got := read(t, f); len(got.Rules) != 0 {
			t.Errorf("after the fix of %s the rules are %+v", cidr, got.Rules)
		}
		if n := len(slices.DeleteFunc(slices.Clone(f.Calls), func(c string) bool { return !strings.HasPrefix(c, "Revoke") })); n != 1 {
			t.Errorf("the fix of %s took %d revocations, want 1: %v", cidr, n, f.Calls)
		}
	}
}

func TestAValidRuleIsNotDeleted(t *testing.T) {
	t.Parallel()
	web, office := rule("", "tcp", 443, 443, "0.0.0.0/0"), rule("", "tcp", 22, 22, "198.51.100.0/24")
	f, live := seeded(t, web, office, rule("", "tcp", 22, 22, "0.0.0.0/0"))
	fix(t, f, live)
	var got []Opening
	for _, r := range read(t, f).Rules {
		got = append(got, r.Opening)
	}
	if diff := cmp.Diff([]Opening{web.Opening, office.Opening}, got); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if _, ok := f.Rules[grouptest.AllOut]; !ok {
		t.Error("the outbound rule is gone")
	}
}

func TestAnAlreadyFixedGroupIsNoError(t *testing.T) {
	t.Parallel()
	f, live := seeded(t, rule("", "tcp", 22, 22, "0.0.0.0/0"), rule("", "tcp", 3389, 3389, "::/0"))
	delete(f.Rules, live.Rules[0].ID) // somebody was faster with one of them
	fix(t, f, live)
	fix(t, f, live)
	if got := read(t, f); len(got.Rules) != 0 {
		t.Errorf("rules = %+v, want none", got.Rules)
	}
}

func TestAnUnreadableRuleLetsNoFixProceed(t *testing.T) {
	t.Parallel()
	f, _ := seeded(t, rule("", "tcp", 22, 22, "0.0.0.0/0"))
	f.Rules["sgr-new"] = types.SecurityGroupRule{SecurityGroupRuleId: aws.String("sgr-new"), IpProtocol: aws.String("tcp")}
	if got, err := storeOf(f).Read(t.Context(), target); err == nil || len(got.Rules) > 0 {
		t.Errorf("Read = %+v, %v; want an error and no state", got, err)
	}
}

func TestALookUpErrorIsNoEmptyGroup(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"DescribeSecurityGroups", "DescribeSecurityGroupRules"} {
		f, _ := seeded(t, rule("", "tcp", 22, 22, "0.0.0.0/0"))
		f.Deny = call
		if _, err := storeOf(f).Read(t.Context(), target); err == nil || errors.Is(err, remedy.ErrGone) || remedy.IsPermanent(err) {
			t.Errorf("%s fails: error = %v, want one that is tried again", call, err)
		}
	}
}

// TestActionsNameEveryCall holds the role to the calls of the store.
func TestActionsNameEveryCall(t *testing.T) {
	t.Parallel()
	want := []string{
		"ec2:AuthorizeSecurityGroupIngress", "ec2:CreateTags", "ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups",
		"ec2:GetManagedPrefixListEntries", "ec2:ModifySecurityGroupRules", "ec2:RevokeSecurityGroupIngress",
	}
	if diff := cmp.Diff(want, Function.Actions); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}
