package configrecorder

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/configservice/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func storeOf(f *fake) store { return store{func(remedy.Ref) client { return f }} }

// full gives a fake with a recorder that has everything.
func full() *fake {
	f := newFake()
	f.recording = true
	f.recorder = &types.ConfigurationRecorder{
		Arn: aws.String("assigned"), Name: aws.String("default"), RoleARN: aws.String("role"), RecordingScope: types.RecordingScopePaid,
		RecordingGroup: &types.RecordingGroup{
			ExclusionByResourceTypes: &types.ExclusionByResourceTypes{ResourceTypes: []types.ResourceType{objects, networks}},
			RecordingStrategy:        &types.RecordingStrategy{UseOnly: types.RecordingStrategyTypeExclusionByResourceTypes},
			ResourceTypes:            []types.ResourceType{},
		},
		RecordingMode: &types.RecordingMode{RecordingFrequency: types.RecordingFrequencyDaily, RecordingModeOverrides: []types.RecordingModeOverride{
			{Description: aws.String("d"), RecordingFrequency: types.RecordingFrequencyContinuous, ResourceTypes: []types.ResourceType{user}},
		}},
	}
	f.channel = &types.DeliveryChannel{
		Name: aws.String("main"), S3BucketName: aws.String(bucket), S3KeyPrefix: aws.String("p"), S3KmsKeyArn: aws.String("k"), SnsTopicARN: aws.String("t"),
		ConfigSnapshotDeliveryProperties: &types.ConfigSnapshotDeliveryProperties{DeliveryFrequency: types.MaximumExecutionFrequencyOneHour},
	}
	return f
}

func fullState() State {
	return State{
		Recorder: &Recorder{Recording: true, Settings: Settings{
			Name: "default", Role: "role", Group: Group{Without: []string{networks, objects}},
			Mode: Mode{Frequency: daily, Overrides: []Override{{continuous, []string{user}, "d"}}},
		}},
		Channel: &Channel{Name: "main", Bucket: bucket, Prefix: "p", Key: "k", Topic: "t", Frequency: "One_Hour"},
	}
}

func wantError(t *testing.T, err error, want string, permanent bool) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("err = %v, want %q", err, want)
	}
	if errors.Is(err, remedy.ErrGone) {
		t.Errorf("%v says that the recorder is gone: that is a state", err)
	}
	if remedy.IsPermanent(err) != permanent {
		t.Errorf("is permanent = %v, want %v: %v", !permanent, permanent, err)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	fail := func(call, code string) func(*fake) {
		return func(f *fake) { f.fail[call] = apiError(code) }
	}
	for name, tt := range map[string]struct {
		change  func(*fake)
		want    State
		wantErr string
	}{
		"everything":     {change: func(*fake) {}, want: fullState()},
		"neither":        {change: func(f *fake) { f.recorder, f.channel = nil, nil }},
		"a channel only": {change: func(f *fake) { f.recorder = nil }, want: State{Channel: fullState().Channel}},
		"what AWS leaves out": {change: func(f *fake) {
			f.recorder.RecordingMode, f.recorder.RecordingGroup.ExclusionByResourceTypes, f.recorder.RecordingGroup.AllSupported = nil, nil, true
		}, want: func() State {
			s := fullState()
			s.Recorder.Group, s.Recorder.Mode = Group{All: true}, Mode{Frequency: continuous}
			return s
		}()},
		"no group":            {change: func(f *fake) { f.recorder.RecordingGroup = nil }, wantErr: "does not say what recorder default records"},
		"recorder unreadable": {change: fail("DescribeConfigurationRecorders", "AccessDeniedException"), wantErr: "grant config:DescribeConfigurationRecorders"},
		"status unreadable":   {change: fail("DescribeConfigurationRecorderStatus", "AccessDeniedException"), wantErr: "grant config:DescribeConfigurationRecorderStatus"},
		"channel unreadable":  {change: fail("DescribeDeliveryChannels", "AccessDeniedException"), wantErr: "grant config:DescribeDeliveryChannels"},
		"throttled":           {change: fail("DescribeDeliveryChannels", "ThrottlingException"), wantErr: "ThrottlingException"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := full()
			tt.change(f)
			got, err := storeOf(f).Read(t.Context(), here)
			wantError(t, err, tt.wantErr, false)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

// A recorder that comes or goes between the calls is no half-filled state.
func TestReadOfARecorderThatComes(t *testing.T) {
	t.Parallel()
	f := full()
	late := f.recorder
	f.recorder = nil
	f.afterRead = func() { f.recorder = late }
	got, err := storeOf(f).Read(t.Context(), here)
	if err != nil {
		t.Fatal(err)
	}
	// The status may have been read before, too: then there was none.
	if got.Recorder != nil {
		if diff := cmp.Diff(fullState(), got); diff != "" {
			t.Errorf("state (-want +got):\n%s", diff)
		}
	}
}

// What is made again is what it was, and each call may be made twice.
func TestApplyMakesItAgain(t *testing.T) {
	t.Parallel()
	s := storeOf(newFake())
	twice := func(changes []Change) {
		for _, c := range changes {
			for range 2 {
				if err := s.Apply(t.Context(), here, c); err != nil && !(c.Operation == stop && strings.Contains(err.Error(), "NoSuch")) {
					t.Fatal(err)
				}
			}
		}
	}
	twice(diff(here, State{}, fullState()))
	got, err := s.Read(t.Context(), here)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fullState(), got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	twice(diff(here, fullState(), State{}))
	if got, err = s.Read(t.Context(), here); err != nil || got.Recorder != nil || got.Channel != nil {
		t.Errorf("state = %+v, %v; want nothing", got, err)
	}
}

func TestApplyErrors(t *testing.T) {
	t.Parallel()
	begin := Change{Operation: start, Name: "default"}
	changes := diff(here, State{}, fullState())
	recorder, channel := changes[0], changes[1]
	for name, tt := range map[string]struct {
		change    Change
		code      string
		wantErr   string
		permanent bool
	}{
		"start, denied":      {change: begin, code: "AccessDeniedException", wantErr: "grant config:StartConfigurationRecorder"},
		"start, throttled":   {change: begin, code: "ThrottlingException", wantErr: "ThrottlingException"},
		"start, gone":        {change: begin, code: "NoSuchConfigurationRecorderException", wantErr: "NoSuchConfigurationRecorderException"},
		"start, no channel":  {change: begin, code: "NoAvailableDeliveryChannelException", wantErr: "NoAvailableDeliveryChannelException"},
		"a service's own":    {change: begin, code: "UnmodifiableEntityException", wantErr: "only the AWS service that made this recorder", permanent: true},
		"put, denied":        {change: recorder, code: "AccessDeniedException", wantErr: "and iam:PassRole for role"},
		"put, bad role":      {change: recorder, code: "InvalidRoleException", wantErr: "can't use the role role"},
		"put, another there": {change: recorder, code: "MaxNumberOfConfigurationRecordersExceededException", wantErr: "MaxNumberOf"},
		"channel, no bucket": {change: channel, code: "NoSuchBucketException", wantErr: "the bucket acme-config is not there any more", permanent: true},
		"channel, refused":   {change: channel, code: "InsufficientDeliveryPolicyException", wantErr: "can't deliver to bucket acme-config"},
		"unknown":            {change: Change{Operation: "Explode"}, wantErr: `no operation "Explode"`, permanent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := full()
			if tt.code != "" {
				f.fail[string(tt.change.Operation)] = apiError(tt.code)
			}
			wantError(t, storeOf(f).Apply(t.Context(), here, tt.change), tt.wantErr, tt.permanent)
		})
	}
}

// A peer takes an error of a look-up for "there is none", and retries nothing.
// Here that would put another recorder in the place of the one there is.
func TestALookUpErrorIsNotADeletedRecorder(t *testing.T) {
	t.Parallel()
	f := full()
	f.fail["DescribeConfigurationRecorders"] = apiError("InternalFailure")
	if got, err := storeOf(f).Read(t.Context(), here); err == nil || got.Recorder != nil || got.Channel != nil {
		t.Errorf("Read = %+v, %v; want an error and no state", got, err)
	}
}
