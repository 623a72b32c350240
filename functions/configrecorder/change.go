package configrecorder

import (
	"reflect"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// operation is one of the API's calls.
type operation string

const (
	putRecorder    operation = "PutConfigurationRecorder"
	deleteRecorder operation = "DeleteConfigurationRecorder"
	start          operation = "StartConfigurationRecorder"
	stop           operation = "StopConfigurationRecorder"
	putChannel     operation = "PutDeliveryChannel"
	deleteChannel  operation = "DeleteDeliveryChannel"
)

// Change is one call about a recorder or a delivery channel.
type Change struct {
	Operation operation
	Name      string   // of the recorder or the channel
	Recorder  Settings // to put
	Channel   Channel  // to put
}

// Call gives the change as the API call that makes it.
func (c Change) Call() remedy.Call {
	var params any
	switch c.Operation {
	case putRecorder:
		params = map[string]any{"ConfigurationRecorder": recorderCall(c.Recorder)}
	case putChannel:
		params = map[string]any{"DeliveryChannel": channelCall(c.Channel)}
	case deleteChannel:
		params = map[string]any{"DeliveryChannelName": c.Name}
	case deleteRecorder, start, stop:
		params = map[string]any{"ConfigurationRecorderName": c.Name}
	}
	return remedy.Call{API: "config:" + string(c.Operation), Params: params}
}

func recorderCall(s Settings) map[string]any {
	group := map[string]any{"allSupported": s.Group.All, "includeGlobalResourceTypes": s.Group.Global}
	if len(s.Group.Without) > 0 {
		group["exclusionByResourceTypes"] = map[string]any{"resourceTypes": s.Group.Without}
	}
	if len(s.Group.Only) > 0 {
		group["resourceTypes"] = s.Group.Only
	}
	mode := map[string]any{"recordingFrequency": s.Mode.Frequency}
	if len(s.Mode.Overrides) > 0 {
		var list []map[string]any
		for _, o := range s.Mode.Overrides {
			list = append(list, map[string]any{"recordingFrequency": o.Frequency, "resourceTypes": o.Types, "description": o.Description})
		}
		mode["recordingModeOverrides"] = list
	}
	return map[string]any{"name": s.Name, "roleARN": s.Role, "recordingGroup": group, "recordingMode": mode}
}

func channelCall(c Channel) map[string]any {
	out := map[string]any{"name": c.Name, "s3BucketName": c.Bucket}
	for name, value := range map[string]string{"s3KeyPrefix": c.Prefix, "s3KmsKeyArn": c.Key, "snsTopicARN": c.Topic} {
		if value != "" {
			out[name] = value
		}
	}
	if c.Frequency != "" {
		out["configSnapshotDeliveryProperties"] = map[string]any{"deliveryFrequency": c.Frequency}
	}
	return out
}

// diff takes away before it puts, since a region has one recorder and one
// channel; and a recorder before the channel, which it must have to start, and
// which can't be deleted while it records.
func diff(_ Target, from, to State) []Change {
	var out []Change
	had, has := from.Recorder, to.Recorder
	dropRecorder := had != nil && (has == nil || has.Name != had.Name)
	dropChannel := from.Channel != nil && (to.Channel == nil || to.Channel.Name != from.Channel.Name)
	running := had != nil && had.Recording
	if running && (dropChannel || !dropRecorder && !has.Recording) {
		out = append(out, Change{Operation: stop, Name: had.Name})
		running = false
	}
	if dropRecorder {
		out = append(out, Change{Operation: deleteRecorder, Name: had.Name})
		had, running = nil, false
	}
	if dropChannel {
		out = append(out, Change{Operation: deleteChannel, Name: from.Channel.Name})
	}
	if has != nil && (had == nil || !reflect.DeepEqual(had.Settings, has.Settings)) {
		out = append(out, Change{Operation: putRecorder, Name: has.Name, Recorder: has.Settings})
	}
	if to.Channel != nil && (from.Channel == nil || *to.Channel != *from.Channel) {
		out = append(out, Change{Operation: putChannel, Name: to.Channel.Name, Channel: *to.Channel})
	}
	if has != nil && has.Recording && !running {
		out = append(out, Change{Operation: start, Name: has.Name})
	}
	return out
}
