// Package ec2instancelaunch takes public addresses from instances that are
// launched with one, and makes them ask for a token before they give their metadata.
package ec2instancelaunch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/cloudtrail/instanceevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function looks at each instance that a launch made. None is stopped: without
// its address it runs on, and nothing on it is lost.
var Function = remedy.Function{
	Name:     "ec2-instance-launch",
	Title:    "Takes public addresses from launched EC2 instances, and requires tokens for their metadata",
	Severity: remedy.High,
	Triggers: []remedy.Trigger{{Source: "aws.ec2", Names: []string{"RunInstances"}}},
	Actions: []string{
		"ec2:AssociateAddress",
		"ec2:DescribeInstances",
		"ec2:DescribeNetworkInterfaces",
		"ec2:DisassociateAddress",
		"ec2:ModifyInstanceMetadataOptions",
		"ec2:ModifyNetworkInterfaceAttribute",
	},
	Params: Params{},
	Doc: remedy.Doc{
		Bad: "A launched instance is bad when its metadata service answers without a token (IMDSv1), or when one of its network interfaces has a public IPv4 address, " +
			"be it one that EC2 assigned or an elastic one, in a subnet that public_subnets and public_vpcs do not name, unless the instance has one of the public_tags.",
		Repair: "DisassociateAddress takes an elastic address off, which stays the account's. ModifyNetworkInterfaceAttribute with AssociatePublicIpAddress=false gives " +
			"an assigned address back, and keeps EC2 from assigning one in the place of an elastic one. ModifyInstanceMetadataOptions sets HttpTokens to required. " +
			"All of a launch's instances are looked at, each by itself. A baseline makes no difference: before the launch there was none.",
		Keeps: "The instance itself, which is neither stopped nor terminated; its private addresses, security groups and routes; its other metadata options; elastic addresses as such.",
		Limits: []string{
			"An assigned address that was given back is gone: an undo has EC2 assign another one.",
			"Connections over the public address break, and so does what the instance fetches from the internet, where its subnet has no other way out.",
			"IPv6 addresses are not judged, nor are addresses that come later: by AssociateAddress, a new interface, or a start after a stop.",
			"While an instance is starting EC2 may refuse a call. Nothing is lost: the event is tried again.",
			"The record of a very large launch can reach Lambda without its instances. It is a dead letter then, not a launch that was looked at.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-instance-addressing.html",
			"https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyNetworkInterfaceAttribute.html",
			"https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisassociateAddress.html",
			"https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// Params say where instances may have public addresses. IMDSv1 is allowed
// nowhere: a policy's scope or an exemption lets an instance have it.
type Params struct {
	PublicSubnets []string `json:"public_subnets" jsonschema:"Ids of subnets, such as subnet-0123456789abcdef0, in which instances may have public IPv4 addresses."`
	PublicVPCs    []string `json:"public_vpcs" jsonschema:"Ids of VPCs, such as vpc-0123456789abcdef0, in all of whose subnets instances may have public IPv4 addresses."`
	PublicTags    []string `json:"public_tags" jsonschema:"Tags of instances that may have public IPv4 addresses anywhere: key=value, or a key alone for any value. Whoever can launch an instance can often tag it too."`
}

// Validate reports the first parameter that makes no sense.
func (p Params) Validate() error {
	for _, list := range []struct {
		name, prefix string
		ids          []string
	}{{"public_subnets", "subnet-", p.PublicSubnets}, {"public_vpcs", "vpc-", p.PublicVPCs}} {
		for _, id := range list.ids {
			if !strings.HasPrefix(id, list.prefix) || id == list.prefix {
				return fmt.Errorf("%s: %q is not an id such as %s0123456789abcdef0", list.name, id, list.prefix)
			}
		}
	}
	for _, tag := range p.PublicTags {
		if key, _, _ := strings.Cut(tag, "="); key == "" {
			return fmt.Errorf("public_tags: %q is neither key=value nor a key", tag)
		}
	}
	return nil
}

// public reports whether an interface of an instance with these tags may have a public address.
func (p Params) public(i Interface, tags map[string]string) bool {
	return slices.Contains(p.PublicSubnets, i.Subnet) || slices.Contains(p.PublicVPCs, i.VPC) ||
		slices.ContainsFunc(p.PublicTags, func(tag string) bool {
			key, want, valued := strings.Cut(tag, "=")
			value, ok := tags[key]
			return ok && (!valued || value == want)
		})
}

// Target is one instance.
type Target = instanceevent.Target

type response struct {
	Instances cloudtrail.Items[struct {
		ID string `json:"instanceId"`
	}] `json:"instancesSet"`
}

func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[struct{}, response](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	var ids []string
	for _, i := range rec.Response.Instances {
		if !slices.Contains(ids, i.ID) {
			ids = append(ids, i.ID)
		}
	}
	targets, err := instanceevent.Targets(ev, ids...)
	if err != nil {
		return nil, fmt.Errorf("responseElements.instancesSet: %w", err)
	}
	return targets, nil
}
