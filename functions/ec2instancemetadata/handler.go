// Package ec2instancemetadata makes instances ask for a token again before they
// give their metadata.
package ec2instancemetadata

import (
	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/cloudtrail/instanceevent"
	"github.com/ebb-ops/ebb/pkg/imds"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function requires tokens of the instance metadata service (IMDSv2) where they
// were made optional.
var Function = remedy.Function{
	Name:     "ec2-instance-metadata",
	Title:    "Requires tokens for the metadata of EC2 instances again",
	Severity: remedy.High,
	Triggers: []remedy.Trigger{{Source: "aws.ec2", Names: []string{"ModifyInstanceMetadataOptions"}}},
	Actions: []string{
		"ec2:DescribeInstances",
		"ec2:ModifyInstanceMetadataOptions",
	},
	Doc: remedy.Doc{
		Bad: "An instance is bad when its metadata service answers requests without a token (HttpTokens is optional, IMDSv1). " +
			"While the service's endpoint is disabled nothing answers, so the instance is not.",
		Repair: "ModifyInstanceMetadataOptions sets HttpTokens to required, and names no other option. " +
			"A baseline makes no difference: it cannot have had anything else.",
		Keeps: "The endpoint, its IPv6 address, the hop limit and access to tags, whatever the call that made tokens optional did to them.",
		Limits: []string{
			"A program on the instance that can do with IMDSv1 only stops working: EC2's metric MetadataNoToken tells which instances have one, before this is enforced.",
			"On a stopped instance the option takes effect when it starts.",
			"The hop limit is not judged: with one above 1, containers on the instance reach the service too.",
			"Instances that are launched with IMDSv1 are for ec2-instance-launch.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceMetadataOptions.html",
			"https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html",
			"https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-transition-to-version-2.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, struct{}]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// Target is one instance.
type Target = instanceevent.Target

// request is the call's XML as JSON. A few records have the call's older form,
// without the element around it.
type request struct {
	Wrapped struct {
		InstanceID string `json:"InstanceId"`
	} `json:"ModifyInstanceMetadataOptionsRequest"`
	InstanceID string `json:"instanceId"`
}

func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[request, struct{}](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	id := rec.Request.Wrapped.InstanceID
	if id == "" {
		id = rec.Request.InstanceID
	}
	return instanceevent.Targets(ev, id)
}

// Change sets the instance's metadata options.
type Change = imds.Change
