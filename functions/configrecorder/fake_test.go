package configrecorder

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	"github.com/aws/aws-sdk-go-v2/service/configservice/types"
	"github.com/aws/smithy-go"
)

// fake is a region's AWS Config, with the recorder that a service made for itself.
type fake struct {
	mu        sync.Mutex
	recorder  *types.ConfigurationRecorder
	recording bool
	channel   *types.DeliveryChannel
	fail      map[string]error // by the call's name
	afterRead func()           // runs after each DescribeConfigurationRecorders
}

func newFake() *fake { return &fake{fail: map[string]error{}} }

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "as told"} }

func (f *fake) enter(call string) error {
	f.mu.Lock()
	return f.fail[call]
}

// named begins a call about the recorder.
func (f *fake) named(call string, name *string) error {
	if err := f.enter(call); err != nil {
		return err
	}
	if f.recorder == nil || *f.recorder.Name != *name {
		return apiError("NoSuchConfigurationRecorderException")
	}
	return nil
}

func (f *fake) DescribeConfigurationRecorders(context.Context, *configservice.DescribeConfigurationRecordersInput, ...func(*configservice.Options)) (*configservice.DescribeConfigurationRecordersOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeConfigurationRecorders"); err != nil {
		return nil, err
	}
	out := []types.ConfigurationRecorder{{Name: aws.String(linked + "Something"), ServicePrincipal: aws.String("something.amazonaws.com")}}
	if f.recorder != nil {
		out = append(out, *f.recorder)
	}
	if f.afterRead != nil {
		f.afterRead()
	}
	return &configservice.DescribeConfigurationRecordersOutput{ConfigurationRecorders: out}, nil
}

func (f *fake) DescribeConfigurationRecorderStatus(context.Context, *configservice.DescribeConfigurationRecorderStatusInput, ...func(*configservice.Options)) (*configservice.DescribeConfigurationRecorderStatusOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeConfigurationRecorderStatus"); err != nil {
		return nil, err
	}
	out := []types.ConfigurationRecorderStatus{{Name: aws.String(linked + "Something"), Recording: true}}
	if f.recorder != nil {
		out = append(out, types.ConfigurationRecorderStatus{Name: f.recorder.Name, Recording: f.recording})
	}
	return &configservice.DescribeConfigurationRecorderStatusOutput{ConfigurationRecordersStatus: out}, nil
}

func (f *fake) DescribeDeliveryChannels(context.Context, *configservice.DescribeDeliveryChannelsInput, ...func(*configservice.Options)) (*configservice.DescribeDeliveryChannelsOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DescribeDeliveryChannels"); err != nil {
		return nil, err
	}
	out := &configservice.DescribeDeliveryChannelsOutput{}
	if f.channel != nil {
		out.DeliveryChannels = []types.DeliveryChannel{*f.channel}
	}
	return out, nil
}

func (f *fake) PutConfigurationRecorder(_ context.Context, in *configservice.PutConfigurationRecorderInput, _ ...func(*configservice.Options)) (*configservice.PutConfigurationRecorderOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("PutConfigurationRecorder"); err != nil {
		return nil, err
	}
	r := in.ConfigurationRecorder
	if f.recorder != nil && *f.recorder.Name != *r.Name {
		return nil, apiError("MaxNumberOfConfigurationRecordersExceededException")
	}
	g := r.RecordingGroup
	without := 0
	if g.ExclusionByResourceTypes != nil {
		without = len(g.ExclusionByResourceTypes.ResourceTypes)
	}
	ways := map[types.RecordingStrategyType]bool{
		types.RecordingStrategyTypeAllSupportedResourceTypes: g.AllSupported && without+len(g.ResourceTypes) == 0,
		types.RecordingStrategyTypeExclusionByResourceTypes:  !g.AllSupported && !g.IncludeGlobalResourceTypes && without > 0 && len(g.ResourceTypes) == 0,
		types.RecordingStrategyTypeInclusionByResourceTypes:  !g.AllSupported && !g.IncludeGlobalResourceTypes && without == 0 && len(g.ResourceTypes) > 0,
	}
	if !ways[g.RecordingStrategy.UseOnly] {
		return nil, apiError("InvalidRecordingGroupException")
	}
	if f.recorder == nil {
		f.recording = false
	}
	f.recorder = r
	return &configservice.PutConfigurationRecorderOutput{}, nil
}

func (f *fake) DeleteConfigurationRecorder(_ context.Context, in *configservice.DeleteConfigurationRecorderInput, _ ...func(*configservice.Options)) (*configservice.DeleteConfigurationRecorderOutput, error) {
	defer f.mu.Unlock()
	if err := f.named("DeleteConfigurationRecorder", in.ConfigurationRecorderName); err != nil {
		return nil, err
	}
	f.recorder, f.recording = nil, false
	return &configservice.DeleteConfigurationRecorderOutput{}, nil
}

func (f *fake) StartConfigurationRecorder(_ context.Context, in *configservice.StartConfigurationRecorderInput, _ ...func(*configservice.Options)) (*configservice.StartConfigurationRecorderOutput, error) {
	defer f.mu.Unlock()
	if err := f.named("StartConfigurationRecorder", in.ConfigurationRecorderName); err != nil {
		return nil, err
	}
	if f.channel == nil {
		return nil, apiError("NoAvailableDeliveryChannelException")
	}
	f.recording = true
	return &configservice.StartConfigurationRecorderOutput{}, nil
}

func (f *fake) StopConfigurationRecorder(_ context.Context, in *configservice.StopConfigurationRecorderInput, _ ...func(*configservice.Options)) (*configservice.StopConfigurationRecorderOutput, error) {
	defer f.mu.Unlock()
	if err := f.named("StopConfigurationRecorder", in.ConfigurationRecorderName); err != nil {
		return nil, err
	}
	f.recording = false
	return &configservice.StopConfigurationRecorderOutput{}, nil
}

func (f *fake) PutDeliveryChannel(_ context.Context, in *configservice.PutDeliveryChannelInput, _ ...func(*configservice.Options)) (*configservice.PutDeliveryChannelOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("PutDeliveryChannel"); err != nil {
		return nil, err
	}
	switch {
	case f.recorder == nil:
		return nil, apiError("NoAvailableConfigurationRecorderException")
	case f.channel != nil && *f.channel.Name != *in.DeliveryChannel.Name:
		return nil, apiError("MaxNumberOfDeliveryChannelsExceededException")
	}
	f.channel = in.DeliveryChannel
	return &configservice.PutDeliveryChannelOutput{}, nil
}

func (f *fake) DeleteDeliveryChannel(_ context.Context, in *configservice.DeleteDeliveryChannelInput, _ ...func(*configservice.Options)) (*configservice.DeleteDeliveryChannelOutput, error) {
	defer f.mu.Unlock()
	if err := f.enter("DeleteDeliveryChannel"); err != nil {
		return nil, err
	}
	switch {
	case f.channel == nil || *f.channel.Name != *in.DeliveryChannelName:
		return nil, apiError("NoSuchDeliveryChannelException")
	case f.recording:
		return nil, apiError("LastDeliveryChannelDeleteFailedException")
	}
	f.channel = nil
	return &configservice.DeleteDeliveryChannelOutput{}, nil
}
