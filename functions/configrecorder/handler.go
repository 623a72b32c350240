// Package configrecorder keeps AWS Config's recorder recording: all resource
// types, and every change.
package configrecorder

import (
	"fmt"
	"strings"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/pattern"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function starts a recorder that was stopped, widens one that was narrowed,
// and makes a deleted one, and its delivery channel, again from the baseline.
var Function = remedy.Function{
	Name:     "config-recorder",
	Title:    "Keeps AWS Config recording every change of every resource type",
	Severity: remedy.High,
	Triggers: []remedy.Trigger{{Source: "aws.config", Names: []string{
		"AssociateResourceTypes", "DeleteConfigurationRecorder", "DeleteDeliveryChannel", "DisassociateResourceTypes",
		"PutConfigurationRecorder", "PutDeliveryChannel", "StartConfigurationRecorder", "StopConfigurationRecorder",
	}}},
	Actions: []string{
		"config:DeleteConfigurationRecorder",
		"config:DeleteDeliveryChannel",
		"config:DescribeConfigurationRecorderStatus",
		"config:DescribeConfigurationRecorders",
		"config:DescribeDeliveryChannels",
		"config:PutConfigurationRecorder",
		"config:PutDeliveryChannel",
		"config:StartConfigurationRecorder",
		"config:StopConfigurationRecorder",
		"iam:PassRole",
	},
	Params: Params{},
	Doc: remedy.Doc{
		Bad: "The region's recorder that customers manage does not record; it records some resource types only, or leaves out types that the policy does not name; it records daily where changes come and go unseen; there is no recorder, or no delivery channel. " +
			"A policy may name the buckets that must be delivered to, and ask for IAM's global types.",
		Repair: "A stopped recorder is started with StartConfigurationRecorder. " +
			"PutConfigurationRecorder brings the baseline's recording group or mode back; without a baseline it records all types, or takes out only the exclusions that are not allowed, and records continuously. " +
			"A deleted recorder is made again from the baseline with its role, group and mode, and started; a deleted delivery channel is put back before that, since nothing starts without one. " +
			"Without a baseline, what was deleted is recorded as failed and told of: nobody but a person knows its role and its bucket.",
		Keeps: "The recorder's name and role, the channel's prefix, key and topic, what was recorded, rules, aggregators, and the recorders that AWS services made for themselves.",
		Limits: []string{
			"An account has one recorder of its own in each region, so the account and the region are its name here; exempt it by these, not by tags, which are not read and do not come back.",
			"Config is learned as a baseline once one of these calls was seen while all was well: call StartConfigurationRecorder once, which changes nothing.",
			"While a recorder is set up call by call, it is not recording yet: a record may say so, and Ebb may start it first.",
			"Changes of the time without a recorder are not recorded later on; Config takes the states that it finds.",
			"Recording all types continuously has its price: let the function observe first.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/config/latest/developerguide/stop-start-recorder.html",
			"https://docs.aws.amazon.com/config/latest/APIReference/API_RecordingGroup.html",
			"https://docs.aws.amazon.com/config/latest/APIReference/API_RecordingMode.html",
			"https://docs.aws.amazon.com/config/latest/developerguide/select-resources.html",
			"https://docs.aws.amazon.com/securityhub/latest/userguide/config-controls.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// Params is what a policy may set.
type Params struct {
	Partial           bool     `json:"partial,omitempty" jsonschema:"Recorders may record some resource types only, and leave out any."`
	AllowedExclusions []string `json:"allowed_exclusions,omitempty" jsonschema:"Resource types that may be left out, such as AWS::EC2::NetworkInterface."`
	GlobalTypes       bool     `json:"global_types,omitempty" jsonschema:"IAM's users, groups, roles and policies must be recorded too. For a scope with the one region that records them."`
	Daily             bool     `json:"daily,omitempty" jsonschema:"Recording may be daily, for all resource types or for some."`
	Buckets           []string `json:"buckets,omitempty" jsonschema:"Patterns of the names of the buckets that must be delivered to, such as acme-config-*. When the list is empty, the bucket is not judged."`
}

// Validate reports the first parameter that makes no sense.
func (p Params) Validate() error {
	for _, name := range p.AllowedExclusions {
		if strings.Count(name, "::") != 2 || strings.ContainsAny(name, "*? ") {
			return fmt.Errorf("allowed_exclusions: %q is not a resource type such as AWS::EC2::NetworkInterface", name)
		}
	}
	return pattern.Check("buckets", p.Buckets)
}

// Target is the recorder of an account in a region, whether there is one or not.
type Target struct {
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Ref names the recorder. Its own ARN ends with an id that is another one after
// it was made again, so the ID here does without.
func (t Target) Ref() remedy.Ref {
	return remedy.Ref{
		Type:    "AWS::Config::ConfigurationRecorder",
		ID:      cloudtrail.ARN(t.Region, "config", t.Region, t.Account, "configuration-recorder"),
		Account: t.Account,
		Region:  t.Region,
	}
}

// request holds what the calls name their recorder by.
type request struct {
	Name string `json:"configurationRecorderName"`
	ARN  string `json:"configurationRecorderArn"`
	Put  struct {
		Name string `json:"name"`
	} `json:"configurationRecorder"`
}

// linked is how the names of recorders begin that AWS services made for themselves.
// https://docs.aws.amazon.com/config/latest/APIReference/API_ConfigurationRecorder.html
const linked = "AWSConfigurationRecorderFor"

func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[request, struct{}](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	q := rec.Request
	if strings.HasPrefix(q.Name, linked) || strings.HasPrefix(q.Put.Name, linked) || strings.Contains(q.ARN, "/"+linked) {
		return nil, nil
	}
	if ev.Account == "" || ev.Region == "" {
		return nil, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	}
	return []Target{{ev.Account, ev.Region}}, nil
}
