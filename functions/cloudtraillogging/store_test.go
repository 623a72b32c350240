package cloudtraillogging

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func storeOf(f *fake) store { return store{func(remedy.Ref) client { return f }} }

// full gives a fake with a trail that has everything.
func full() *fake {
	f := newFake()
	f.trail = &types.Trail{
		Name: aws.String("acme-audit"), TrailARN: aws.String(audit.arn()), S3BucketName: aws.String(logs), S3KeyPrefix: aws.String("audit"),
		SnsTopicARN: aws.String("arn:aws:sns:us-east-1:111122223333:audit"), KmsKeyId: aws.String(key),
		CloudWatchLogsLogGroupArn: aws.String("group"), CloudWatchLogsRoleArn: aws.String("role"),
		IncludeGlobalServiceEvents: aws.Bool(true), IsMultiRegionTrail: aws.Bool(true), LogFileValidationEnabled: aws.Bool(true), IsOrganizationTrail: aws.Bool(true),
	}
	f.logging = true
	f.basic = []types.EventSelector{{
		ReadWriteType: types.ReadWriteTypeReadOnly, IncludeManagementEvents: aws.Bool(true),
		DataResources:                 []types.DataResource{{Type: aws.String("AWS::S3::Object"), Values: []string{"arn:aws:s3"}}},
		ExcludeManagementEventSources: []string{"kms.amazonaws.com"},
	}}
	f.insights = []types.InsightSelector{{InsightType: types.InsightTypeApiCallRateInsight, EventCategories: []types.SourceEventCategory{types.SourceEventCategoryManagement}}}
	f.tags = tagList(map[string]string{"team": "security", "env": "prod"})
	return f
}

func fullState() State {
	return State{Tags: map[string]string{"team": "security", "env": "prod"}, Trail: &Trail{
		Settings: Settings{
			Bucket: logs, Prefix: "audit", Topic: "arn:aws:sns:us-east-1:111122223333:audit", Key: key, LogGroup: "group", LogRole: "role",
			Global: true, MultiRegion: true, Validation: true, Organization: true,
		},
		Logging: true,
		Selectors: []Selector{{
			ReadWriteType: readOnly, IncludeManagementEvents: true,
			DataResources:                 []DataResource{{Type: "AWS::S3::Object", Values: []string{"arn:aws:s3"}}},
			ExcludeManagementEventSources: []string{"kms.amazonaws.com"},
		}},
		Insights: []Insight{{InsightType: "ApiCallRateInsight", EventCategories: []string{"Management"}}},
	}}
}

func wantError(t *testing.T, err error, want string, permanent bool) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("err = %v, want %q", err, want)
	}
	if errors.Is(err, remedy.ErrGone) {
		t.Errorf("%v says that the trail is gone: that is a state", err)
	}
	if remedy.IsPermanent(err) != permanent {
		t.Errorf("is permanent = %v, want %v: %v", !permanent, permanent, err)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	deny := func(call string) func(*fake) {
		return func(f *fake) { f.fail[call] = apiError("AccessDeniedException") }
	}
	bare := func(edit func(*Trail)) State { return state(edit) }
	for name, tt := range map[string]struct {
		change  func(*fake)
		want    State
		wantErr string
	}{
		"everything": {change: func(*fake) {}, want: fullState()},
		"advanced selectors": {
			change: func(f *fake) {
				f.basic, f.advanced = nil, []types.AdvancedEventSelector{{Name: aws.String("Calls"), FieldSelectors: []types.AdvancedFieldSelector{
					{Field: aws.String("eventCategory"), Equals: []string{"Management"}},
					{Field: aws.String("x"), StartsWith: []string{"a"}, EndsWith: []string{"b"}, NotEquals: []string{"c"}, NotStartsWith: []string{"d"}, NotEndsWith: []string{"e"}},
				}}}
			},
			want: func() State {
				s := fullState()
				s.Trail.Selectors, s.Trail.Advanced = nil, []AdvancedSelector{management(FieldSelector{
					Field: "x", StartsWith: []string{"a"}, EndsWith: []string{"b"}, NotEquals: []string{"c"}, NotStartsWith: []string{"d"}, NotEndsWith: []string{"e"},
				})}
				return s
			}(),
		},
		"what AWS leaves out is off, and no selectors are a new trail's": {
			change: func(f *fake) {
				f.trail = &types.Trail{Name: f.trail.Name, TrailARN: f.trail.TrailARN, S3BucketName: f.trail.S3BucketName}
				f.logging, f.basic, f.insights, f.tags = false, nil, nil, nil
			},
			want: bare(func(t *Trail) { t.Settings, t.Logging = Settings{Bucket: logs}, false }),
		},
		"no trail":               {change: func(f *fake) { f.trail = nil }},
		"no trail, and no right": {change: func(f *fake) { f.trail = nil; deny("GetTrailStatus")(f) }, wantErr: "grant cloudtrail:GetTrailStatus"},
		"trail unreadable":       {change: deny("GetTrail"), wantErr: "grant cloudtrail:GetTrail "},
		"status unreadable":      {change: deny("GetTrailStatus"), wantErr: "grant cloudtrail:GetTrailStatus"},
		"selectors unreadable":   {change: deny("GetEventSelectors"), wantErr: "grant cloudtrail:GetEventSelectors"},
		"insights unreadable":    {change: deny("GetInsightSelectors"), wantErr: "grant cloudtrail:GetInsightSelectors"},
		"tags unreadable":        {change: deny("ListTags"), wantErr: "grant cloudtrail:ListTags"},
		"throttled":              {change: func(f *fake) { f.fail["GetEventSelectors"] = apiError("ThrottlingException") }, wantErr: "ThrottlingException"},
		"a part that stays gone": {change: func(f *fake) { f.fail["GetTrailStatus"] = apiError("TrailNotFoundException") }, wantErr: "came or went while it was read"},
		"a part that comes": {change: func(f *fake) {
			f.fail["GetTrailStatus"] = apiError("TrailNotFoundException")
			f.afterRead = func() { clear(f.fail) }
		}, want: fullState()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := full()
			tt.change(f)
			got, err := storeOf(f).Read(t.Context(), audit)
			wantError(t, err, tt.wantErr, false)
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

// A trail that is made again is what it was, and each call may be made twice.
func TestApplyMakesTheTrailAgain(t *testing.T) {
	t.Parallel()
	f := newFake()
	s := storeOf(f)
	for _, c := range diff(audit, State{}, fullState()) {
		for range 2 {
			if err := s.Apply(t.Context(), audit, c); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := s.Read(t.Context(), audit)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fullState(), got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	for _, c := range diff(audit, fullState(), State{}) {
		for range 2 {
			if err := s.Apply(t.Context(), audit, c); err != nil {
				t.Fatal(err)
			}
		}
	}
	if f.trail != nil {
		t.Error("the trail is still there")
	}
}

func TestApplyErrors(t *testing.T) {
	t.Parallel()
	name := audit.Name
	begin := Change{Operation: start, Trail: name}
	again := diff(audit, State{}, fullState())[0]
	for label, tt := range map[string]struct {
		change    Change
		code      string
		wantErr   string
		permanent bool
	}{
		"denied":                 {change: begin, code: "AccessDeniedException", wantErr: "grant cloudtrail:StartLogging"},
		"throttled":              {change: begin, code: "ThrottlingException", wantErr: "ThrottlingException"},
		"busy":                   {change: begin, code: "ConflictException", wantErr: "ConflictException"},
		"gone meanwhile":         {change: begin, code: "TrailNotFoundException", wantErr: "TrailNotFoundException"},
		"the organization's":     {change: begin, code: "NotOrganizationMasterAccountException", wantErr: "only the organization's management account", permanent: true},
		"organization's rights":  {change: again, code: "InsufficientDependencyServiceAccessPermissionException", wantErr: "permissions of Organizations"},
		"create, denied":         {change: again, code: "AccessDeniedException", wantErr: "grant cloudtrail:CreateTrail"},
		"create, no bucket":      {change: again, code: "S3BucketDoesNotExistException", wantErr: "what the trail needs is not there any more", permanent: true},
		"create, bucket refuses": {change: again, code: "InsufficientS3BucketPolicyException", wantErr: "put its bucket, key, topic or role right"},
		"create, too many":       {change: again, code: "MaximumNumberOfTrailsExceededException", wantErr: "MaximumNumberOfTrailsExceededException", permanent: true},
		"unknown":                {change: Change{Operation: "Explode", Trail: name}, wantErr: `no operation "Explode"`, permanent: true},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			f := full()
			if tt.change.Operation == create {
				f.trail = nil
			}
			if tt.code != "" {
				f.fail[string(tt.change.Operation)] = apiError(tt.code)
			}
			wantError(t, storeOf(f).Apply(t.Context(), audit, tt.change), tt.wantErr, tt.permanent)
		})
	}
}

// A peer takes an error of a look-up for "there is none", and retries nothing.
// Here that would make a second trail.
func TestALookUpErrorIsNotADeletedTrail(t *testing.T) {
	t.Parallel()
	f := full()
	f.fail["GetTrail"] = apiError("InternalFailure")
	if got, err := storeOf(f).Read(t.Context(), audit); err == nil || got.Trail != nil {
		t.Errorf("Read = %+v, %v; want an error and no state", got, err)
	}
}
