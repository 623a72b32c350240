package guarddutydetector

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	"github.com/aws/aws-sdk-go-v2/service/guardduty/types"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

// Calls as records name them.
const (
	callCreate = "guardduty:CreateDetector"
	callUpdate = "guardduty:UpdateDetector"
)

const s3, eks = "S3_DATA_EVENTS", "EKS_AUDIT_LOGS"

// state gives a detector.
func state(enabled bool, frequency string, features ...Feature) State {
	return State{Detector: &Detector{Enabled: enabled, Frequency: frequency, Features: features}}
}

func suite() remedytest.Suite[Target, State, Change, Params] {
	tagged := state(true, "ONE_HOUR", Feature{Name: s3, Enabled: true})
	tagged.Tags = map[string]string{"team": "security"}
	suspended := state(false, "ONE_HOUR", Feature{Name: s3, Enabled: true})
	suspended.Tags = tagged.Tags
	agents := state(true, "FIFTEEN_MINUTES", Feature{Name: runtime, Enabled: true, Additional: []Option{{"EC2_AGENT_MANAGEMENT", true}, {"EKS_ADDON_MANAGEMENT", false}}})
	wantS3 := Params{Features: []string{s3}, Frequency: "ONE_HOUR"}
	wantRuntime := Params{Features: []string{runtime}}
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function,
		Rule:     rules,
		Normal:   normal,
		Cases: []remedytest.Case[State, Params]{
			{Name: "enabled", Live: tagged},
			{Name: "all that the policy wants, and more", Params: &wantS3, Live: state(true, "FIFTEEN_MINUTES", Feature{Name: eks, Enabled: true}, Feature{Name: s3, Enabled: true})},
			{Name: "features that no policy names", Live: state(true, "SIX_HOURS", Feature{Name: s3})},
			{Name: "suspended", Live: suspended, Rules: []string{"suspended"}, Calls: []string{callUpdate}, Want: tagged},
			{
				Name: "a feature off, and slow", Params: &wantS3, Live: state(true, "SIX_HOURS", Feature{Name: s3}),
				Rules: []string{"slow", "feature-off"}, Calls: []string{callUpdate}, Want: state(true, "ONE_HOUR", Feature{Name: s3, Enabled: true}),
			},
			{
				Name: "a feature with what is configured in addition", Params: &wantRuntime, Baseline: &agents,
				Live:  state(false, "FIFTEEN_MINUTES", Feature{Name: runtime, Additional: []Option{{"EC2_AGENT_MANAGEMENT", false}, {"EKS_ADDON_MANAGEMENT", false}}}),
				Rules: []string{"suspended", "feature-off"}, Calls: []string{callUpdate}, Want: agents,
			},
			{Name: "deleted", Baseline: &tagged, Live: State{}, Rules: []string{"no-detector"}, Calls: []string{callCreate}, Want: tagged},
			{
				Name: "deleted, no baseline", Params: &wantS3, Live: State{},
				Rules: []string{"no-detector"}, Calls: []string{callCreate}, Want: state(true, "ONE_HOUR", Feature{Name: s3, Enabled: true}),
			},
		},
	}
}

// variants have more than one feature: the emulator forgets those that a call
// does not name.
func variants() []remedytest.Case[State, Params] {
	wantRuntime := Params{Features: []string{runtime}}
	two := Params{Features: []string{s3, eks}}
	return []remedytest.Case[State, Params]{
		{
			Name: "one of several features off", Params: &two, Live: state(true, "SIX_HOURS", Feature{Name: eks, Enabled: true}, Feature{Name: "LAMBDA_NETWORK_LOGS"}, Feature{Name: s3}),
			Rules: []string{"feature-off"}, Calls: []string{callUpdate},
			Want: state(true, "SIX_HOURS", Feature{Name: eks, Enabled: true}, Feature{Name: "LAMBDA_NETWORK_LOGS"}, Feature{Name: s3, Enabled: true}),
		},
		{
			Name: "one runtime monitoring in the place of the other", Params: &wantRuntime, Live: state(true, "SIX_HOURS", Feature{Name: eksRuntime, Enabled: true}, Feature{Name: runtime}),
			Rules: []string{"feature-off"}, Calls: []string{callUpdate, callUpdate},
			Want: state(true, "SIX_HOURS", Feature{Name: eksRuntime}, Feature{Name: runtime, Enabled: true}),
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
	api := guardduty.NewFromConfig(account.Config)
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		return world(api, Target{account.ID, mototest.Region, ""})
	}
	remedytest.RunEmulated(t, s)
}

// normal leaves the id out, which is another in each world.
func normal(s State) State {
	if s.Detector != nil {
		d := *s.Detector
		d.ID = ""
		s.Detector = &d
	}
	return s
}

// world is a detector in a GuardDuty, real enough.
func world(api client, target Target) remedytest.World[Target, State, Change] {
	must := func(t testing.TB, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	id := func(t testing.TB) string {
		out, err := api.ListDetectors(t.Context(), &guardduty.ListDetectorsInput{})
		must(t, err)
		if len(out.DetectorIds) == 0 {
			return ""
		}
		return out.DetectorIds[0]
	}
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Seed: func(t testing.TB, s State) remedy.Event {
			old := id(t)
			if old != "" {
				_, err := api.DeleteDetector(t.Context(), &guardduty.DeleteDetectorInput{DetectorId: &old})
				must(t, err)
			}
			event := remedy.Event{Source: "aws.guardduty", Name: "DeleteDetector", Account: target.Account, Region: target.Region}
			if d := s.Detector; d != nil {
				event.Name = "UpdateDetector"
				together := named(d.Features)
				out, err := api.CreateDetector(t.Context(), &guardduty.CreateDetectorInput{
					Enable: &d.Enabled, FindingPublishingFrequency: types.FindingPublishingFrequency(d.Frequency), Features: features(together), Tags: s.Tags,
				})
				must(t, err)
				old = *out.DetectorId
				for _, f := range d.Features {
					if !slices.ContainsFunc(together, func(o Feature) bool { return o.Name == f.Name }) {
						_, err := api.UpdateDetector(t.Context(), &guardduty.UpdateDetectorInput{DetectorId: &old, Features: features([]Feature{f})})
						must(t, err)
					}
				}
			}
			event.Detail = []byte(`{"requestParameters":{"detectorId":"` + old + `"}}`)
			return event
		},
		State: func(t testing.TB) State {
			id := id(t)
			if id == "" {
				return State{}
			}
			out, err := api.GetDetector(t.Context(), &guardduty.GetDetectorInput{DetectorId: &id})
			must(t, err)
			s, err := stateOf(id, out)
			must(t, err)
			return s
		},
	}
}
