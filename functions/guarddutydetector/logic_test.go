package guarddutydetector

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
	on, off := Feature{Name: s3, Enabled: true}, Feature{Name: s3}
	tests := []struct {
		name   string
		state  State
		params Params
		want   []string // rule and part
	}{
		{"enabled", state(true, "SIX_HOURS", off), Params{}, nil},
		{"gone", State{}, Params{Features: []string{s3}}, []string{"no-detector "}},
		{"suspended", state(false, "SIX_HOURS"), Params{}, []string{"suspended "}},
		{"a feature on", state(true, "SIX_HOURS", on), Params{Features: []string{s3}}, nil},
		{"a feature off", state(true, "SIX_HOURS", off), Params{Features: []string{s3}}, []string{"feature-off " + s3}},
		{"a feature that the detector does not have", state(true, "SIX_HOURS", on), Params{Features: []string{eks, s3}}, []string{"feature-off " + eks}},
		{"as often as wanted", state(true, "ONE_HOUR"), Params{Frequency: "ONE_HOUR"}, nil},
		{"more often", state(true, "FIFTEEN_MINUTES"), Params{Frequency: "ONE_HOUR"}, nil},
		{"less often", state(true, "SIX_HOURS"), Params{Frequency: "ONE_HOUR"}, []string{"slow SIX_HOURS"}},
		{"everything at once", state(false, "SIX_HOURS", off), Params{Features: []string{s3}, Frequency: "ONE_HOUR"}, []string{"suspended ", "slow SIX_HOURS", "feature-off " + s3}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, v := range check(here, tt.state, tt.params) {
				got = append(got, v.Rule+" "+v.Part)
				if !strings.HasPrefix(v.Message, "GuardDuty of account 111122223333 in us-east-1 ") {
					t.Errorf("message %q does not say where", v.Message)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiffCalls(t *testing.T) {
	t.Parallel()
	identified := func(id string, s State) State { s.Detector.ID = id; return s }
	on := func(name string) Feature { return Feature{Name: name, Enabled: true} }
	tests := []struct {
		name     string
		from, to State
		want     []string
	}{
		{"neither the id nor tags count", identified("a", state(true, "ONE_HOUR")), State{Detector: &Detector{ID: "b", Enabled: true, Frequency: "ONE_HOUR"}, Tags: map[string]string{"a": "b"}}, nil},
		{"nor does a feature that AWS added, off", state(true, "ONE_HOUR"), state(true, "ONE_HOUR", Feature{Name: "AI_PROTECTION"}), nil},
		{"no detector", State{}, State{}, nil},
		{"enable", identified("a", state(false, "ONE_HOUR")), state(true, "ONE_HOUR"), []string{`{"api":"guardduty:UpdateDetector","params":{"DetectorId":"a","Enable":true}}`}},
		{"only what changes is named", identified("a", state(true, "SIX_HOURS", on(eks), Feature{Name: s3})), state(true, "ONE_HOUR", on(eks), on(s3)), []string{
			`{"api":"guardduty:UpdateDetector","params":{"DetectorId":"a","FindingPublishingFrequency":"ONE_HOUR","Features":[{"name":"S3_DATA_EVENTS","enabled":true}]}}`,
		}},
		{"two that can't be named together", identified("a", state(true, "ONE_HOUR", on(eksRuntime))), state(true, "ONE_HOUR", Feature{Name: eksRuntime}, on(runtime)), []string{
			`{"api":"guardduty:UpdateDetector","params":{"DetectorId":"a","Features":[{"name":"EKS_RUNTIME_MONITORING","enabled":false}]}}`,
			`{"api":"guardduty:UpdateDetector","params":{"DetectorId":"a","Features":[{"name":"RUNTIME_MONITORING","enabled":true}]}}`,
		}},
		{"delete", identified("a", state(true, "ONE_HOUR")), State{}, []string{`{"api":"guardduty:DeleteDetector","params":{"DetectorId":"a"}}`}},
		{"create, with the one of two that says more", State{}, State{Tags: map[string]string{"k": "v"}, Detector: &Detector{ID: "old", Enabled: true, Frequency: "ONE_HOUR", Features: []Feature{{Name: eksRuntime}, on(runtime)}}}, []string{
			`{"api":"guardduty:CreateDetector","params":{"Enable":true,"FindingPublishingFrequency":"ONE_HOUR","Features":[{"name":"RUNTIME_MONITORING","enabled":true}],"Tags":{"k":"v"}}}`,
		}},
		{"create, with the one that is on without a word", State{}, state(true, "ONE_HOUR", Feature{Name: eksRuntime}, Feature{Name: runtime}), []string{
			`{"api":"guardduty:CreateDetector","params":{"Enable":true,"FindingPublishingFrequency":"ONE_HOUR","Features":[{"name":"EKS_RUNTIME_MONITORING","enabled":false}]}}`,
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

var states = rapid.Custom(func(t *rapid.T) State {
	if rapid.IntRange(0, 4).Draw(t, "gone") == 0 {
		return State{}
	}
	d := &Detector{Enabled: rapid.Bool().Draw(t, "enabled"), Frequency: rapid.SampledFrom(frequencies()).Draw(t, "frequency")}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{eks, s3, runtime, eksRuntime}), 0, 4, rapid.ID[string]).Draw(t, "names") {
		if f, _ := d.feature(exclusive(name)); f.Enabled {
			d.Features = append(d.Features, Feature{Name: name}) // never both
			continue
		}
		f := Feature{Name: name, Enabled: rapid.Bool().Draw(t, name)}
		if f.Enabled && rapid.Bool().Draw(t, "additional") {
			f.Additional = []Option{{"EC2_AGENT_MANAGEMENT", rapid.Bool().Draw(t, "option")}}
		}
		d.Features = append(d.Features, f)
	}
	slices.SortFunc(d.Features, byName)
	return State{Detector: d, Tags: rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), rapid.Just("v"), 0, 2).Draw(t, "tags")}
})

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		a, b := states.Draw(rt, "a"), states.Draw(rt, "b")
		p := Params{
			Features:  rapid.SampledFrom([][]string{nil, {s3}, {runtime, eks}, {eksRuntime}}).Draw(rt, "features"),
			Frequency: rapid.SampledFrom([]string{"", "FIFTEEN_MINUTES", "ONE_HOUR"}).Draw(rt, "at least"),
		}
		if got := diff(here, a, a); len(got) != 0 {
			rt.Fatalf("diff of a state with itself = %v, want none", got)
		}

		image, err := json.Marshal(a)
		if err != nil {
			rt.Fatal(err)
		}
		var back State
		if err := json.Unmarshal(image, &back); err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(a, back, cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("a state changes in its JSON form (-want +got):\n%s", diff)
		}

		fixed := repair(here, a, remedy.Baseline[State]{State: b, Known: true}, p)
		if left := check(here, fixed, p); len(left) > 0 {
			rt.Fatalf("the repaired state still breaks the policy: %v", left)
		}
		if a.Detector != nil {
			untouched(rt, *a.Detector, *fixed.Detector, p)
		}
		if after, _ := json.Marshal(a); string(after) != string(image) {
			rt.Fatalf("repair changed its argument to %s", after)
		}

		// The calls lead from a to the repaired state and back, in a GuardDuty.
		s := storeOf(newFake())
		for _, to := range []State{a, fixed, a} {
			live, err := s.Read(t.Context(), here)
			if err != nil {
				rt.Fatal(err)
			}
			for _, c := range diff(here, live, to) {
				if err := s.Apply(t.Context(), here, c); err != nil {
					rt.Fatal(err)
				}
			}
			if live, err = s.Read(t.Context(), here); err != nil {
				rt.Fatal(err)
			}
			if left := diff(here, live, to); len(left) > 0 {
				rt.Fatalf("the calls to %+v leave %+v", to, left)
			}
		}
	})
}

// untouched fails where a repair changed what breaks nothing.
func untouched(t *rapid.T, before, after Detector, p Params) {
	if !before.slower(p) && before.Frequency != after.Frequency {
		t.Fatalf("the frequency was changed to %s", after.Frequency)
	}
	for _, f := range before.Features {
		got, _ := after.feature(f.Name)
		if !slices.Contains(p.Features, f.Name) && !slices.Contains(p.Features, exclusive(f.Name)) || f.Enabled && slices.Contains(p.Features, f.Name) {
			if diff := cmp.Diff(f, got); diff != "" {
				t.Fatalf("a feature was touched (-want +got):\n%s", diff)
			}
		}
	}
}
