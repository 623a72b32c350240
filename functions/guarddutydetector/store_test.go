package guarddutydetector

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	"github.com/aws/aws-sdk-go-v2/service/guardduty/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func storeOf(f *fake) store { return store{func(remedy.Ref) client { return f }} }

// full gives a fake with a detector that has everything.
func full() *fake {
	f := newFake()
	f.id = someID
	f.detector = guardduty.GetDetectorOutput{
		Status: types.DetectorStatusEnabled, FindingPublishingFrequency: types.FindingPublishingFrequencyOneHour, Tags: map[string]string{"team": "security"},
		Features: []types.DetectorFeatureConfigurationResult{
			{Name: s3, Status: types.FeatureStatusDisabled},
			{Name: runtime, Status: types.FeatureStatusEnabled, AdditionalConfiguration: []types.DetectorAdditionalConfigurationResult{
				{Name: "EKS_ADDON_MANAGEMENT", Status: types.FeatureStatusDisabled}, {Name: "EC2_AGENT_MANAGEMENT", Status: types.FeatureStatusEnabled},
			}},
		},
	}
	return f
}

func fullState(id string) State {
	return State{Tags: map[string]string{"team": "security"}, Detector: &Detector{ID: id, Enabled: true, Frequency: "ONE_HOUR", Features: []Feature{
		{Name: runtime, Enabled: true, Additional: []Option{{"EC2_AGENT_MANAGEMENT", true}, {"EKS_ADDON_MANAGEMENT", false}}},
		{Name: s3},
	}}}
}

func wantError(t *testing.T, err error, want string, permanent bool) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("err = %v, want %q", err, want)
	}
	if errors.Is(err, remedy.ErrGone) {
		t.Errorf("%v says that the detector is gone: that is a state", err)
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
	nowhere, again := here, here
	nowhere.ID, again.ID = "", "aaaa"
	for name, tt := range map[string]struct {
		target  Target
		change  func(*fake)
		want    State
		wantErr string
		calls   int
	}{
		"everything":               {target: here, want: fullState(someID), calls: 2},
		"an event without an id":   {target: nowhere, want: fullState(someID), calls: 2},
		"made again since":         {target: again, want: fullState(someID), calls: 3},
		"no detector":              {target: here, change: func(f *fake) { f.id = "" }, calls: 2},
		"no detector, no id":       {target: nowhere, change: func(f *fake) { f.id = "" }, calls: 1},
		"no status":                {target: here, change: func(f *fake) { f.detector.Status = "" }, wantErr: "does not say whether detector " + someID + " is enabled", calls: 2},
		"list unreadable":          {target: nowhere, change: fail("ListDetectors", "AccessDeniedException"), wantErr: "grant guardduty:ListDetectors", calls: 1},
		"detector unreadable":      {target: nowhere, change: fail("GetDetector", "AccessDeniedException"), wantErr: "grant guardduty:GetDetector", calls: 2},
		"throttled":                {target: nowhere, change: fail("GetDetector", "TooManyRequestsException"), wantErr: "TooManyRequestsException", calls: 2},
		"refused though it is one": {target: here, change: fail("GetDetector", "BadRequestException"), wantErr: "BadRequestException", calls: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := full()
			if tt.change != nil {
				tt.change(f)
			}
			got, err := storeOf(f).Read(t.Context(), tt.target)
			wantError(t, err, tt.wantErr, false)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
			if len(f.calls) != tt.calls {
				t.Errorf("calls = %v, want %d", f.calls, tt.calls)
			}
		})
	}
}

// A detector that is made again is what it was, and each call may be made twice.
func TestApplyMakesTheDetectorAgain(t *testing.T) {
	t.Parallel()
	f := newFake()
	s := storeOf(f)
	twice := func(changes []Change) {
		t.Helper()
		for _, c := range changes {
			for range 2 {
				if err := s.Apply(t.Context(), here, c); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	twice(diff(here, State{}, fullState("old")))
	got, err := s.Read(t.Context(), here)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fullState(f.id), got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	suspended := fullState(f.id)
	suspended.Detector.Enabled = false
	twice(diff(here, got, suspended))
	if got, err = s.Read(t.Context(), here); err != nil || got.Detector.Enabled {
		t.Errorf("state = %+v, %v; want it suspended", got, err)
	}
	twice(diff(here, got, State{}))
	if f.id != "" || !slices.Contains(f.calls, "DeleteDetector") {
		t.Error("the detector is still there")
	}
}

func TestApplyErrors(t *testing.T) {
	t.Parallel()
	begin := diff(here, State{Detector: &Detector{ID: someID}}, State{Detector: &Detector{Enabled: true}})[0]
	again := diff(here, State{}, fullState("old"))[0]
	end := Change{Operation: remove, ID: someID}
	for name, tt := range map[string]struct {
		change    Change
		code      string
		wantErr   string
		permanent bool
	}{
		"update, denied":               {change: begin, code: "AccessDeniedException", wantErr: "grant guardduty:UpdateDetector"},
		"update, throttled":            {change: begin, code: "TooManyRequestsException", wantErr: "TooManyRequestsException"},
		"update, of a member account":  {change: begin, code: "BadRequestException", wantErr: "of a member account the administrator's account must do it"},
		"create, denied":               {change: again, code: "AccessDeniedException", wantErr: "grant guardduty:CreateDetector"},
		"create, refused":              {change: again, code: "BadRequestException", wantErr: "GuardDuty refuses it"},
		"delete, refused":              {change: end, code: "BadRequestException", wantErr: "GuardDuty refuses it"},
		"an operation that is not one": {change: Change{Operation: "Explode"}, wantErr: `no operation "Explode"`, permanent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := full()
			if tt.change.Operation == create {
				f.id = ""
			}
			if tt.code != "" {
				f.fail[string(tt.change.Operation)] = apiError(tt.code)
			}
			wantError(t, storeOf(f).Apply(t.Context(), here, tt.change), tt.wantErr, tt.permanent)
		})
	}
}

// A peer takes an error of a look-up for "there is none", and retries nothing.
// Here that would make a second detector.
func TestALookUpErrorIsNotADeletedDetector(t *testing.T) {
	t.Parallel()
	f := full()
	f.fail["ListDetectors"] = apiError("InternalServerErrorException")
	if got, err := storeOf(f).Read(t.Context(), here); err == nil || got.Detector != nil {
		t.Errorf("Read = %+v, %v; want an error and no state", got, err)
	}
}
