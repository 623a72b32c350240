package ec2flowlog

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is a flow log, or that there is none.
type State struct {
	Log *Log `json:"log,omitempty"` // nil when there is neither the first one nor one in its place
}

// ResourceTags gives the flow log's tags.
func (s State) ResourceTags() map[string]string {
	if s.Log == nil {
		return nil
	}
	return s.Log.Tags
}

// Log is what a flow log was created with.
type Log struct {
	ID               string            `json:"id"`       // EC2's
	Resource         string            `json:"resource"` // whose traffic it logs
	Traffic          string            `json:"traffic,omitempty"`
	DestinationType  string            `json:"destination_type"`
	Destination      string            `json:"destination,omitempty"`        // an ARN; empty where LogGroup says it
	LogGroup         string            `json:"log_group,omitempty"`          // of CloudWatch Logs
	DeliveryRole     string            `json:"delivery_role,omitempty"`      // by which EC2 writes there
	CrossAccountRole string            `json:"cross_account_role,omitempty"` // by which it reaches another account
	Format           string            `json:"format,omitempty"`
	Interval         int32             `json:"interval,omitempty"` // seconds that records are collected for
	Files            *Files            `json:"files,omitempty"`    // how S3's files are laid out
	TagFields        []TagField        `json:"tag_fields,omitempty"`
	Tags             map[string]string `json:"tags,omitempty"`
}

// Files is how a flow log lays out its files in S3.
type Files struct {
	Format  string `json:"format"`
	Hive    bool   `json:"hive"`     // in folders that Hive understands
	PerHour bool   `json:"per_hour"` // in one folder an hour
}

// TagField names tags of resources that are to be in the log.
type TagField struct {
	ResourceType string   `json:"resource_type"`
	Keys         []string `json:"keys"`
}

// tagReplaces is the tag by which one flow log stands in another's place. Its
// value is the first one's id.
const tagReplaces = "ebb:replaces"

// root gives the flow log in whose place t stands.
func root(t Target, base remedy.Baseline[State]) Target {
	if first := base.State.ResourceTags()[tagReplaces]; strings.HasPrefix(first, "fl-") {
		t.FlowLog = first
	}
	return t
}

func check(t Target, s State, _ struct{}) []remedy.Violation {
	if s.Log != nil {
		return nil
	}
	return []remedy.Violation{{
		Rule: "flow-log-deleted", Part: t.FlowLog,
		Message: fmt.Sprintf("Flow log %s was deleted.", t.FlowLog),
	}}
}

// repair gives the flow log that the baseline knows.
func repair(_ Target, live State, base remedy.Baseline[State], _ struct{}) State {
	if live.Log == nil && base.State.Log != nil {
		live.Log = base.State.Log
	}
	return live
}

// settings gives what makes one flow log the same as another. Tags are only
// read, once it is there.
func (l Log) settings() Log {
	l.ID, l.Tags = "", nil
	return l
}

// diff deletes before it creates where settings differ: EC2 takes no second
// flow log of the same resource and destination, and can't change one.
func diff(t Target, from, to State) []Change {
	if from.Log != nil && to.Log != nil && reflect.DeepEqual(from.Log.settings(), to.Log.settings()) {
		return nil
	}
	var out []Change
	if from.Log != nil {
		out = append(out, deletion{from.Log.ID})
	}
	if to.Log != nil {
		out = append(out, creation{t.inPlace(*to.Log)})
	}
	return out
}

// inPlace gives a flow log as one that stands in t's place. Tags of the reserved
// prefix are AWS's own to set.
func (t Target) inPlace(l Log) Log {
	tags := maps.Clone(l.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	maps.DeleteFunc(tags, func(k, _ string) bool { return strings.HasPrefix(k, "aws:") })
	tags[tagReplaces] = t.FlowLog
	l.ID, l.Tags = "", tags
	return l
}

// Change is a creation or a deletion.
type Change = remedy.Change

// creation makes a flow log.
type creation struct{ log Log }

// deletion deletes one by its id.
type deletion struct{ id string }

// Call gives ec2:DeleteFlowLogs.
func (c deletion) Call() remedy.Call {
	return remedy.Call{API: "ec2:DeleteFlowLogs", Params: map[string]any{"FlowLogIds": []string{c.id}}}
}

// Call gives ec2:CreateFlowLogs.
func (c creation) Call() remedy.Call {
	l := c.log
	params := map[string]any{
		"ResourceIds": []string{l.Resource}, "ResourceType": resourceType(l.Resource), "LogDestinationType": l.DestinationType,
	}
	for name, value := range map[string]string{
		"TrafficType": l.Traffic, "LogDestination": l.Destination, "LogGroupName": l.LogGroup, "LogFormat": l.Format,
		"DeliverLogsPermissionArn": l.DeliveryRole, "DeliverCrossAccountRole": l.CrossAccountRole,
	} {
		if value != "" {
			params[name] = value
		}
	}
	if l.Interval != 0 {
		params["MaxAggregationInterval"] = l.Interval
	}
	if f := l.Files; f != nil {
		params["DestinationOptions"] = map[string]any{"FileFormat": f.Format, "HiveCompatiblePartitions": f.Hive, "PerHourPartition": f.PerHour}
	}
	if len(l.TagFields) > 0 {
		fields := make([]any, len(l.TagFields))
		for i, f := range l.TagFields {
			fields[i] = map[string]any{"ResourceType": f.ResourceType, "TagKeys": f.Keys}
		}
		params["TagFieldSpecifications"] = fields
	}
	tags := make([]any, 0, len(l.Tags))
	for _, k := range slices.Sorted(maps.Keys(l.Tags)) {
		tags = append(tags, map[string]string{"Key": k, "Value": l.Tags[k]})
	}
	params["TagSpecifications"] = []any{map[string]any{"ResourceType": "vpc-flow-log", "Tags": tags}}
	return remedy.Call{API: "ec2:CreateFlowLogs", Params: params}
}

// resourceType gives the type of a resource by its id, or nothing for one of a
// kind that is not known here.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html
func resourceType(id string) string {
	for _, kind := range [...]struct{ prefix, name string }{
		{"vpc-", "VPC"},
		{"subnet-", "Subnet"},
		{"eni-", "NetworkInterface"},
		{"tgw-attach-", "TransitGatewayAttachment"},
		{"tgw-", "TransitGateway"},
		{"nat-", "RegionalNatGateway"},
	} {
		if strings.HasPrefix(id, kind.prefix) {
			return kind.name
		}
	}
	return ""
}
