package configrecorder

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	with := func(g Group) State { return state(func(s *State) { s.Recorder.Group = g }) }
	mode := func(m Mode) State { return state(func(s *State) { s.Recorder.Mode = m }) }
	tests := []struct {
		name   string
		state  State
		params Params
		want   []string // rule and part
	}{
		{"good", state(func(*State) {}), Params{}, nil},
		{"nothing at all", State{}, Params{}, []string{"no-recorder ", "no-delivery-channel "}},
		{"no recorder", state(func(s *State) { s.Recorder = nil }), Params{}, []string{"no-recorder "}},
		{"no channel", state(func(s *State) { s.Channel = nil }), Params{}, []string{"no-delivery-channel "}},
		{"off", state(func(s *State) { s.Recorder.Recording = false }), Params{}, []string{"not-recording "}},
		{"all but IAM's", with(Group{All: true}), Params{}, nil},
		{"all but IAM's, where they are wanted", with(Group{All: true}), Params{GlobalTypes: true}, []string{"no-global-types "}},
		{"all but some have IAM's", with(Group{Without: []string{networks}}), Params{GlobalTypes: true, AllowedExclusions: []string{networks}}, nil},
		{"all but some", with(Group{Without: []string{networks, user}}), Params{AllowedExclusions: []string{networks}}, []string{"type-excluded " + user}},
		{"some", with(Group{Only: []string{objects}}), Params{}, []string{"types-narrowed "}},
		{"none", with(Group{}), Params{}, []string{"types-narrowed "}},
		{"some, allowed", with(Group{Only: []string{objects}}), Params{Partial: true}, nil},
		{"daily", mode(Mode{Frequency: daily}), Params{}, []string{"daily all types"}},
		{"daily, allowed", mode(Mode{Frequency: daily}), Params{Daily: true}, nil},
		{"daily for one type", mode(Mode{Frequency: continuous, Overrides: []Override{{daily, []string{user}, ""}, {continuous, []string{objects}, ""}}}), Params{}, []string{"daily " + user}},
		{"another bucket", state(func(*State) {}), Params{Buckets: []string{"acme-x"}}, []string{"foreign-bucket " + bucket}},
		{"a bucket that fits", state(func(*State) {}), Params{Buckets: []string{"acme-*"}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, v := range check(here, tt.state, tt.params) {
				got = append(got, v.Rule+" "+v.Part)
				if !strings.HasPrefix(v.Message, "AWS Config of account 111122223333 in us-east-1 ") {
					t.Errorf("message %q does not say where", v.Message)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

// What nobody knows stays as it is, so that the engine says that a person must.
func TestRepairInventsNothing(t *testing.T) {
	t.Parallel()
	good := state(func(*State) {})
	for name, tt := range map[string]struct {
		live   State
		base   remedy.Baseline[State]
		params Params
		left   []string
	}{
		"nothing, no baseline":                {live: State{}, left: []string{"no-recorder", "no-delivery-channel"}},
		"no channel, no baseline":             {live: State{Recorder: good.Recorder}, left: []string{"no-delivery-channel"}},
		"no channel, so nothing to start":     {live: state(func(s *State) { s.Recorder.Recording, s.Channel = false, nil }), left: []string{"no-delivery-channel", "not-recording"}},
		"a bucket by pattern only":            {live: good, params: Params{Buckets: []string{"x-*"}}, left: []string{"foreign-bucket"}},
		"a baseline that the policy outgrew":  {live: State{}, base: remedy.Baseline[State]{Known: true, State: state(func(s *State) { s.Recorder.Group = Group{Only: []string{user}} })}},
		"a baseline with another bucket only": {live: good, base: remedy.Baseline[State]{Known: true, State: good}, params: Params{Buckets: []string{"x-*"}}, left: []string{"foreign-bucket"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var left []string
			for _, v := range check(here, repair(here, tt.live, tt.base, tt.params), tt.params) {
				left = append(left, v.Rule)
			}
			if diff := cmp.Diff(tt.left, left); diff != "" {
				t.Errorf("what is left (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWidened(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		live, want Group
		params     Params
	}{
		"some types, IAM's not among them": {Group{Only: []string{objects}}, Group{All: true}, Params{}},
		"some types, one of IAM's":         {Group{Only: []string{user}}, Group{All: true, Global: true}, Params{}},
		"all but a type":                   {Group{Without: []string{objects}}, Group{All: true, Global: true}, Params{}},
		"all but one of IAM's":             {Group{Without: []string{user}}, Group{All: true}, Params{}},
		"an exclusion that may be":         {Group{Without: []string{networks, objects}}, Group{Without: []string{networks}}, Params{AllowedExclusions: []string{networks}}},
		"only IAM's are missing":           {Group{All: true}, Group{All: true, Global: true}, Params{GlobalTypes: true}},
	} {
		if diff := cmp.Diff(tt.want, tt.live.widened(tt.params)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestDiffCalls(t *testing.T) {
	t.Parallel()
	good := state(func(*State) {})
	put := `{"api":"config:PutConfigurationRecorder","params":{"ConfigurationRecorder":{"name":"default","recordingGroup":{"allSupported":true,"includeGlobalResourceTypes":true},"recordingMode":{"recordingFrequency":"CONTINUOUS"},"roleARN":"arn:aws:iam::111122223333:role/config"}}}`
	channel := `{"api":"config:PutDeliveryChannel","params":{"DeliveryChannel":{"configSnapshotDeliveryProperties":{"deliveryFrequency":"Six_Hours"},"name":"default","s3BucketName":"acme-config","s3KeyPrefix":"audit","snsTopicARN":"arn:aws:sns:us-east-1:111122223333:config"}}}`
	call := func(api, param, name string) string {
		return `{"api":"config:` + api + `","params":{"` + param + `":"` + name + `"}}`
	}
	begin, end := call("StartConfigurationRecorder", "ConfigurationRecorderName", "default"), call("StopConfigurationRecorder", "ConfigurationRecorderName", "default")
	gone := call("DeleteConfigurationRecorder", "ConfigurationRecorderName", "default")
	tests := []struct {
		name     string
		from, to State
		want     []string
	}{
		{"the same", good, good, nil},
		{"start", state(func(s *State) { s.Recorder.Recording = false }), good, []string{begin}},
		{"stop", good, state(func(s *State) { s.Recorder.Recording = false }), []string{end}},
		{"the recorder before the channel, both before the start", State{}, good, []string{put, channel, begin}},
		{"a channel can't be deleted while something records", good, State{}, []string{end, gone, call("DeleteDeliveryChannel", "DeliveryChannelName", "default")}},
		{"a recorder alone is deleted as it is", good, State{Channel: good.Channel}, []string{gone}},
		{"another name is another recorder", state(func(s *State) { s.Recorder.Name = "x" }), good, []string{call("DeleteConfigurationRecorder", "ConfigurationRecorderName", "x"), put, begin}},
		{"another name is another channel", state(func(s *State) { s.Channel.Name = "x" }), good, []string{end, call("DeleteDeliveryChannel", "DeliveryChannelName", "x"), channel, begin}},
		{"some types, some daily", state(func(s *State) { s.Recorder.Recording = false }), state(func(s *State) {
			s.Recorder.Recording, s.Recorder.Group = false, Group{Only: []string{user}}
			s.Recorder.Mode.Overrides = []Override{{daily, []string{user}, "d"}}
		}), []string{
			`{"api":"config:PutConfigurationRecorder","params":{"ConfigurationRecorder":{"name":"default","recordingGroup":{"allSupported":false,"includeGlobalResourceTypes":false,"resourceTypes":["AWS::IAM::User"]},"recordingMode":{"recordingFrequency":"CONTINUOUS","recordingModeOverrides":[{"description":"d","recordingFrequency":"DAILY","resourceTypes":["AWS::IAM::User"]}]},"roleARN":"arn:aws:iam::111122223333:role/config"}}}`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, c := range diff(here, tt.from, tt.to) {
				b, err := json.Marshal(c.Call())
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(b))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

var (
	typeLists = rapid.Custom(func(t *rapid.T) []string {
		list := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{networks, user, objects}), 1, 3, rapid.ID[string]).Draw(t, "types")
		slices.Sort(list)
		return list
	})
	groups = rapid.Custom(func(t *rapid.T) Group {
		switch rapid.IntRange(0, 2).Draw(t, "strategy") {
		case 0:
			return Group{All: true, Global: rapid.Bool().Draw(t, "global")}
		case 1:
			return Group{Without: typeLists.Draw(t, "without")}
		}
		return Group{Only: typeLists.Draw(t, "only")}
	})
	frequencies = rapid.SampledFrom([]string{continuous, daily})
	states      = rapid.Custom(func(t *rapid.T) State {
		var s State
		if rapid.IntRange(0, 3).Draw(t, "recorder") > 0 {
			s.Recorder = &Recorder{Settings: Settings{
				Name: rapid.SampledFrom([]string{"default", "acme"}).Draw(t, "name"), Role: rapid.SampledFrom([]string{"r", "q"}).Draw(t, "role"),
				Group: groups.Draw(t, "group"), Mode: Mode{Frequency: frequencies.Draw(t, "frequency")},
			}}
			if rapid.Bool().Draw(t, "override") {
				s.Recorder.Mode.Overrides = []Override{{frequencies.Draw(t, "other"), typeLists.Draw(t, "of"), "d"}}
			}
		}
		if rapid.IntRange(0, 3).Draw(t, "channel") > 0 {
			s.Channel = &Channel{Name: rapid.SampledFrom([]string{"default", "acme"}).Draw(t, "channel name"), Bucket: rapid.SampledFrom([]string{bucket, "elsewhere"}).Draw(t, "bucket")}
			if s.Recorder != nil {
				s.Recorder.Recording = rapid.Bool().Draw(t, "recording")
			}
		}
		return s
	})
)

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a, b := states.Draw(rt, "a"), states.Draw(rt, "b")
		p := Params{
			Partial: rapid.Bool().Draw(rt, "partial"), Daily: rapid.Bool().Draw(rt, "daily"), GlobalTypes: rapid.Bool().Draw(rt, "global"),
			AllowedExclusions: rapid.SampledFrom([][]string{nil, {networks}}).Draw(rt, "allowed"),
			Buckets:           rapid.SampledFrom([][]string{nil, {"x-*", bucket}}).Draw(rt, "buckets"),
		}
		if got := diff(here, a, a); len(got) != 0 {
			rt.Fatalf("diff of a state with itself = %v, want none", got)
		}
		if b.Channel == nil || b.Recorder != nil || a.Channel != nil && *a.Channel == *b.Channel { // others can't be reached
			f := newFake()
			s := storeOf(f)
			for _, c := range append(diff(here, State{}, a), diff(here, a, b)...) {
				if c.Operation == putChannel && f.recorder == nil {
					f.channel = channelInput(c.Channel) // how a channel without a recorder came to be does not matter
				} else if err := s.Apply(t.Context(), here, c); err != nil {
					rt.Fatalf("%s from a to b: %v", c.Operation, err)
				}
			}
			got, err := s.Read(t.Context(), here)
			if err != nil {
				rt.Fatal(err)
			}
			if diff := cmp.Diff(b, got, cmpopts.EquateEmpty()); diff != "" {
				rt.Fatalf("the changes from a to b (-want +got):\n%s", diff)
			}
		}

		image, err := json.Marshal(a)
		if err != nil {
			rt.Fatal(err)
		}
		var back State
		if err := json.Unmarshal(image, &back); err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(a, back); diff != "" {
			rt.Fatalf("a state changes in its JSON form (-want +got):\n%s", diff)
		}

		fixed := repair(here, a, remedy.Baseline[State]{State: b, Known: true}, p)
		if left := check(here, fixed, p); len(left) > 0 && (a.Recorder != nil || b.Recorder != nil) && (a.Channel != nil || b.Channel != nil) {
			rt.Fatalf("the repaired state still breaks the policy: %v", left)
		}
		if a.Recorder != nil {
			want := *a.Recorder
			want.Recording = want.Recording || fixed.Channel != nil
			if !want.Group.fits(p) {
				want.Group = fixed.Recorder.Group
			}
			if len(want.Mode.daily()) > 0 && !p.Daily {
				want.Mode = fixed.Recorder.Mode
			}
			if diff := cmp.Diff(want, *fixed.Recorder); diff != "" {
				rt.Fatalf("what breaks nothing was touched (-want +got):\n%s", diff)
			}
		}
		if after, _ := json.Marshal(a); string(after) != string(image) {
			rt.Fatalf("repair changed its argument to %s", after)
		}
	})
}
