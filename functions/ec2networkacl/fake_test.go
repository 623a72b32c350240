package ec2networkacl

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

// key is what EC2 knows an entry by: numbers are used once in each direction.
type key struct {
	egress bool
	number int32
}

// fake is one network ACL, with EC2's answers.
type fake struct {
	mu        sync.Mutex
	acl       string // empty when there is none
	byDefault bool
	tags      []types.Tag
	entries   map[key]types.NetworkAclEntry
	fail      map[string]string // the code that a call is answered with
}

// newFake has the entries that EC2 gives every ACL, and an outbound one.
func newFake() *fake {
	f := &fake{acl: "acl-0fake", entries: map[key]types.NetworkAclEntry{}, fail: map[string]string{}}
	for _, egress := range []bool{false, true} {
		f.put(egress, 32767, types.RuleActionDeny, "0.0.0.0/0")
		f.put(egress, 32768, types.RuleActionDeny, "::/0")
	}
	f.put(true, 100, types.RuleActionAllow, "0.0.0.0/0")
	return f
}

// put makes an entry for all protocols.
func (f *fake) put(egress bool, number int32, action types.RuleAction, cidr string) {
	e := types.NetworkAclEntry{Egress: &egress, RuleNumber: &number, RuleAction: action, Protocol: aws.String("-1")}
	if (Rule{CIDR: cidr}).isV6() {
		e.Ipv6CidrBlock = &cidr
	} else {
		e.CidrBlock = &cidr
	}
	f.entries[key{egress, number}] = e
}

func apiError(code string) error {
	return &smithy.GenericAPIError{Code: code, Message: "as EC2 says it"}
}

func (f *fake) enter(call, acl string) error {
	f.mu.Lock()
	switch {
	case f.fail[call] != "":
		return apiError(f.fail[call])
	case acl != f.acl:
		return apiError("InvalidNetworkAclID.NotFound")
	}
	return nil
}

func (f *fake) DescribeNetworkAcls(_ context.Context, in *ec2.DescribeNetworkAclsInput, _ ...func(*ec2.Options)) (*ec2.DescribeNetworkAclsOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeNetworkAcls", in.NetworkAclIds[0]); err != nil {
		return nil, err
	}
	return &ec2.DescribeNetworkAclsOutput{NetworkAcls: []types.NetworkAcl{{
		IsDefault: &f.byDefault, Tags: f.tags, Entries: slices.Collect(maps.Values(f.entries)), // in no order
	}}}, nil
}

func (f *fake) CreateNetworkAclEntry(_ context.Context, in *ec2.CreateNetworkAclEntryInput, _ ...func(*ec2.Options)) (*ec2.CreateNetworkAclEntryOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("CreateNetworkAclEntry", *in.NetworkAclId); err != nil {
		return nil, err
	}
	k := key{*in.Egress, *in.RuleNumber}
	if _, ok := f.entries[k]; ok {
		return nil, apiError("NetworkAclEntryAlreadyExists")
	}
	f.entries[k] = types.NetworkAclEntry{
		Egress: in.Egress, RuleNumber: in.RuleNumber, Protocol: in.Protocol, RuleAction: in.RuleAction,
		CidrBlock: in.CidrBlock, Ipv6CidrBlock: in.Ipv6CidrBlock, PortRange: in.PortRange, IcmpTypeCode: in.IcmpTypeCode,
	}
	return &ec2.CreateNetworkAclEntryOutput{}, nil
}

func (f *fake) ReplaceNetworkAclEntry(_ context.Context, in *ec2.ReplaceNetworkAclEntryInput, _ ...func(*ec2.Options)) (*ec2.ReplaceNetworkAclEntryOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("ReplaceNetworkAclEntry", *in.NetworkAclId); err != nil {
		return nil, err
	}
	k := key{*in.Egress, *in.RuleNumber}
	if _, ok := f.entries[k]; !ok {
		return nil, apiError("InvalidNetworkAclEntry.NotFound")
	}
	f.entries[k] = types.NetworkAclEntry{
		Egress: in.Egress, RuleNumber: in.RuleNumber, Protocol: in.Protocol, RuleAction: in.RuleAction,
		CidrBlock: in.CidrBlock, Ipv6CidrBlock: in.Ipv6CidrBlock, PortRange: in.PortRange, IcmpTypeCode: in.IcmpTypeCode,
	}
	return &ec2.ReplaceNetworkAclEntryOutput{}, nil
}

func (f *fake) DeleteNetworkAclEntry(_ context.Context, in *ec2.DeleteNetworkAclEntryInput, _ ...func(*ec2.Options)) (*ec2.DeleteNetworkAclEntryOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DeleteNetworkAclEntry", *in.NetworkAclId); err != nil {
		return nil, err
	}
	k := key{*in.Egress, *in.RuleNumber}
	if _, ok := f.entries[k]; !ok {
		return nil, apiError("InvalidNetworkAclEntry.NotFound")
	}
	delete(f.entries, k)
	return &ec2.DeleteNetworkAclEntryOutput{}, nil
}

func awsTags(tags map[string]string) []types.Tag {
	var out []types.Tag
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	return out
}
