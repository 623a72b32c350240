package configrecorder

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/configservice"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

// Calls as records name them.
const (
	callPut     = "config:PutConfigurationRecorder"
	callStart   = "config:StartConfigurationRecorder"
	callStop    = "config:StopConfigurationRecorder"
	callChannel = "config:PutDeliveryChannel"
)

const (
	bucket   = "acme-config"
	networks = "AWS::EC2::NetworkInterface"
	user     = "AWS::IAM::User"
	objects  = "AWS::S3::Bucket"
)

// state gives a recorder and a channel that break nothing, but for what edit does.
func state(edit func(*State)) State {
	s := State{
		Recorder: &Recorder{
			Settings:  Settings{Name: "default", Role: "arn:aws:iam::111122223333:role/config", Group: Group{All: true, Global: true}, Mode: Mode{Frequency: continuous}},
			Recording: true,
		},
		Channel: &Channel{Name: "default", Bucket: bucket, Prefix: "audit", Topic: "arn:aws:sns:us-east-1:111122223333:config", Frequency: "Six_Hours"},
	}
	edit(&s)
	return s
}

func suite() remedytest.Suite[Target, State, Change, Params] {
	good := state(func(*State) {})
	own := state(func(s *State) {
		s.Recorder.Name, s.Recorder.Group, s.Channel.Name = "acme", Group{Without: []string{networks}}, "acme"
	})
	noInterfaces := Params{AllowedExclusions: []string{networks}}
	strict := Params{Buckets: []string{"acme-*"}}
	named := Params{Buckets: []string{"old-?", bucket}}
	partial := Params{Partial: true}
	global := Params{GlobalTypes: true}
	with := func(g Group) State { return state(func(s *State) { s.Recorder.Group = g }) }
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function,
		Rule:     rules,
		Cases: []remedytest.Case[State, Params]{
			{Name: "all is recorded", Live: good},
			{Name: "a type left out that may be", Params: &noInterfaces, Live: own},
			{Name: "some types, which the policy lets be", Params: &partial, Live: with(Group{Only: []string{objects}})},
			{
				Name: "stopped", Live: state(func(s *State) { s.Recorder.Recording = false }),
				Rules: []string{"not-recording"}, Calls: []string{callStart}, Want: good,
			},
			{
				Name: "narrowed to some types", Live: with(Group{Only: []string{objects}}),
				Rules: []string{"types-narrowed"}, Calls: []string{callPut}, Want: with(Group{All: true}),
			},
			{
				Name: "narrowed, the baseline comes back", Params: &noInterfaces, Baseline: &own,
				Live: state(func(s *State) {
					*s = own
					r := *own.Recorder
					r.Group = Group{Only: []string{objects, user}}
					s.Recorder = &r
				}),
				Rules: []string{"types-narrowed"}, Calls: []string{callPut}, Want: own,
			},
			{
				Name: "more types left out than may be", Params: &noInterfaces, Live: with(Group{Without: []string{networks, user}}),
				Rules: []string{"type-excluded"}, Calls: []string{callPut}, Want: with(Group{Without: []string{networks}}),
			},
			{
				Name: "without IAM's types where they are wanted", Params: &global, Live: with(Group{All: true}),
				Rules: []string{"no-global-types"}, Calls: []string{callPut}, Want: good,
			},
			{
				Name: "stopped and narrowed", Live: state(func(s *State) { s.Recorder.Recording, s.Recorder.Group = false, Group{Without: []string{objects}} }),
				Rules: []string{"not-recording", "type-excluded"}, Calls: []string{callPut, callStart}, Want: good,
			},
			{
				Name: "recorder deleted", Baseline: &good, Live: State{Channel: good.Channel},
				Rules: []string{"no-recorder"}, Calls: []string{callPut, callStart}, Want: good,
			},
			{
				Name: "recorder and channel deleted", Params: &noInterfaces, Baseline: &own, Live: State{},
				Rules: []string{"no-recorder", "no-delivery-channel"}, Calls: []string{callPut, callChannel, callStart}, Want: own,
			},
			{
				Name: "stopped, then the channel deleted", Baseline: &good, Live: state(func(s *State) { s.Recorder.Recording, s.Channel = false, nil }),
				Rules: []string{"no-delivery-channel", "not-recording"}, Calls: []string{callChannel, callStart}, Want: good,
			},
			{
				Name: "another bucket", Params: &strict, Baseline: &good, Live: state(func(s *State) { s.Channel = &Channel{Name: "default", Bucket: "elsewhere"} }),
				Rules: []string{"foreign-bucket"}, Calls: []string{callChannel}, Want: good,
			},
			{
				Name: "another bucket, of which the policy has the name", Params: &named, Live: state(func(s *State) { s.Channel.Bucket = "elsewhere" }),
				Rules: []string{"foreign-bucket"}, Calls: []string{callChannel}, Want: good,
			},
			{
				Name: "what else changed since the baseline stays", Baseline: &good,
				Live: state(func(s *State) {
					s.Recorder.Recording, s.Recorder.Group, s.Channel.Bucket = false, Group{All: true}, "elsewhere"
				}),
				Rules: []string{"not-recording"}, Calls: []string{callStart},
				Want: state(func(s *State) { s.Recorder.Group, s.Channel.Bucket = Group{All: true}, "elsewhere" }),
			},
		},
	}
}

// variants are about the mode, which the emulator does not keep.
func variants() []remedytest.Case[State, Params] {
	mode := func(m Mode) State { return state(func(s *State) { s.Recorder.Mode = m }) }
	good := mode(Mode{Frequency: continuous})
	kept := mode(Mode{Frequency: continuous, Overrides: []Override{{Frequency: continuous, Types: []string{objects}, Description: "as ever"}}})
	once := Params{Daily: true}
	return []remedytest.Case[State, Params]{
		{Name: "daily, which the policy lets be", Params: &once, Live: mode(Mode{Frequency: daily})},
		{Name: "daily", Live: mode(Mode{Frequency: daily}), Rules: []string{"daily"}, Calls: []string{callPut}, Want: good},
		{
			Name: "daily for some types, the baseline comes back", Baseline: &kept,
			Live:  mode(Mode{Frequency: continuous, Overrides: []Override{{Frequency: daily, Types: []string{objects, user}}}}),
			Rules: []string{"daily", "daily"}, Calls: []string{callPut}, Want: kept,
		},
	}
}

func TestConformanceFake(t *testing.T) {
	s := suite()
	s.Cases = append(s.Cases, variants()...)
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] { return world(newFake(), here) }
	remedytest.Run(t, s)
}

func TestConformanceMoto(t *testing.T) {
	s := suite()
	account := mototest.New(t)
	api := configservice.NewFromConfig(account.Config)
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		return world(api, Target{account.ID, mototest.Region})
	}
	remedytest.RunEmulated(t, s)
}

// world is a recorder in an AWS Config, real enough.
func world(api client, target Target) remedytest.World[Target, State, Change] {
	must := func(t testing.TB, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	look := func(t testing.TB) (*configservice.DescribeConfigurationRecorderStatusOutput, *configservice.DescribeDeliveryChannelsOutput) {
		status, err := api.DescribeConfigurationRecorderStatus(t.Context(), &configservice.DescribeConfigurationRecorderStatusInput{})
		must(t, err)
		channels, err := api.DescribeDeliveryChannels(t.Context(), &configservice.DescribeDeliveryChannelsInput{})
		must(t, err)
		for i, s := range status.ConfigurationRecordersStatus {
			if *s.Name == linked+"Something" {
				status.ConfigurationRecordersStatus = append(status.ConfigurationRecordersStatus[:i:i], status.ConfigurationRecordersStatus[i+1:]...)
				break
			}
		}
		return status, channels
	}
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Seed: func(t testing.TB, s State) remedy.Event {
			ctx := t.Context()
			status, channels := look(t)
			for _, r := range status.ConfigurationRecordersStatus {
				_, err := api.DeleteConfigurationRecorder(ctx, &configservice.DeleteConfigurationRecorderInput{ConfigurationRecorderName: r.Name})
				must(t, err)
			}
			for _, c := range channels.DeliveryChannels {
				_, err := api.DeleteDeliveryChannel(ctx, &configservice.DeleteDeliveryChannelInput{DeliveryChannelName: c.Name})
				must(t, err)
			}
			recorder := s.Recorder
			if recorder == nil && s.Channel != nil { // a channel can't be put without one
				recorder = &Recorder{Settings: Settings{Name: "passing", Role: "r", Group: Group{All: true}, Mode: Mode{Frequency: continuous}}}
			}
			if recorder != nil {
				_, err := api.PutConfigurationRecorder(ctx, &configservice.PutConfigurationRecorderInput{ConfigurationRecorder: recorderInput(recorder.Settings)})
				must(t, err)
			}
			if s.Channel != nil {
				_, err := api.PutDeliveryChannel(ctx, &configservice.PutDeliveryChannelInput{DeliveryChannel: channelInput(*s.Channel)})
				must(t, err)
			}
			if recorder != nil && recorder.Recording {
				_, err := api.StartConfigurationRecorder(ctx, &configservice.StartConfigurationRecorderInput{ConfigurationRecorderName: &recorder.Name})
				must(t, err)
			}
			if recorder != nil && s.Recorder == nil {
				_, err := api.DeleteConfigurationRecorder(ctx, &configservice.DeleteConfigurationRecorderInput{ConfigurationRecorderName: &recorder.Name})
				must(t, err)
			}
			return remedy.Event{
				Source: "aws.config", Name: "StopConfigurationRecorder", Account: target.Account, Region: target.Region,
				Detail: []byte(`{"requestParameters":{"configurationRecorderName":"default"}}`),
			}
		},
		State: func(t testing.TB) State {
			var s State
			status, channels := look(t)
			for _, c := range channels.DeliveryChannels {
				s.Channel = channelOf(c)
			}
			for _, r := range status.ConfigurationRecordersStatus {
				out, err := api.DescribeConfigurationRecorders(t.Context(), &configservice.DescribeConfigurationRecordersInput{ConfigurationRecorderNames: []string{*r.Name}})
				must(t, err)
				settings, err := settingsOf(out.ConfigurationRecorders[len(out.ConfigurationRecorders)-1])
				must(t, err)
				s.Recorder = &Recorder{Settings: settings, Recording: r.Recording}
			}
			return s
		},
	}
}
