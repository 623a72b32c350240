package cloudtraillogging

import (
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

// Calls as records name them.
const (
	callCreate    = "cloudtrail:CreateTrail"
	callUpdate    = "cloudtrail:UpdateTrail"
	callSelectors = "cloudtrail:PutEventSelectors"
	callInsights  = "cloudtrail:PutInsightSelectors"
	callStart     = "cloudtrail:StartLogging"
)

const (
	logs      = "acme-audit-logs"
	elsewhere = "elsewhere"
	key       = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	otherKey  = "arn:aws:kms:us-east-1:999988887777:key/0000abcd-12ab-34cd-56ef-1234567890ab"
)

// good gives a trail that breaks nothing.
func good() Trail {
	return Trail{
		Settings: Settings{Bucket: logs, Prefix: "audit", Global: true, MultiRegion: true, Validation: true},
		Logging:  true, Selectors: []Selector{everything()},
	}
}

// state gives a trail that is good but for what edit does to it.
func state(edit func(*Trail)) State {
	t := good()
	edit(&t)
	return State{Trail: &t}
}

func management(more ...FieldSelector) AdvancedSelector {
	return AdvancedSelector{Name: "Calls", FieldSelectors: append([]FieldSelector{{Field: fieldCategory, Equals: []string{categoryManagement}}}, more...)}
}

func suite() remedytest.Suite[Target, State, Change, Params] {
	tags := map[string]string{"team": "security", "env": "prod"}
	objects := Selector{ReadWriteType: writeOnly, DataResources: []DataResource{{Type: "AWS::S3::Object", Values: []string{"arn:aws:s3:::acme-invoices/"}}}}
	lambdas := AdvancedSelector{Name: "Invocations", FieldSelectors: []FieldSelector{
		{Field: fieldCategory, Equals: []string{"Data"}}, {Field: "resources.type", Equals: []string{"AWS::Lambda::Function"}},
	}}
	compliant := State{Trail: state(func(*Trail) {}).Trail, Tags: tags}
	rich := State{Tags: tags, Trail: state(func(t *Trail) {
		t.Selectors = []Selector{everything(), objects}
		t.Key, t.LogGroup, t.LogRole = key, "arn:aws:logs:us-east-1:111122223333:log-group:audit:*", "arn:aws:iam::111122223333:role/audit"
		t.Insights = []Insight{{InsightType: "ApiCallRateInsight"}, {InsightType: "ApiErrorRateInsight", EventCategories: []string{"Management"}}}
	}).Trail}
	strict := Params{Buckets: []string{"acme-*"}, KMSKeys: []string{"arn:aws:kms:*:111122223333:key/*"}}
	encrypted := state(func(t *Trail) { t.Key = key })
	named := Params{Buckets: []string{"old-*", logs}, KMSKeys: []string{key}}
	noKMS := Params{AllowedExclusions: []string{"kms.amazonaws.com"}}
	withObjects := state(func(t *Trail) { t.Selectors = []Selector{everything(), objects} })
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function,
		Rule:     rules,
		Cases: []remedytest.Case[State, Params]{
			{Name: "a whole trail", Live: compliant},
			{
				Name: "stopped", Live: State{Trail: state(func(t *Trail) { t.Logging = false }).Trail, Tags: tags},
				Rules: []string{"not-logging"}, Calls: []string{callStart}, Want: compliant,
			},
			{
				Name: "flags off", Live: state(func(t *Trail) { t.MultiRegion, t.Global, t.Validation = false, false, false }),
				Rules: []string{"single-region", "no-global-events", "no-validation"}, Calls: []string{callUpdate}, Want: state(func(*Trail) {}),
			},
			{
				Name:  "stopped, flags off and no management events",
				Live:  state(func(t *Trail) { t.Logging, t.Validation, t.Selectors = false, false, []Selector{objects} }),
				Rules: []string{"not-logging", "no-validation", "management-events-off", "management-events-off"},
				Calls: []string{callSelectors, callStart, callUpdate},
				Want:  state(func(t *Trail) { t.Selectors = []Selector{objects, everything()} }),
			},
			{
				Name: "selectors narrowed, the baseline comes back", Baseline: &withObjects,
				Live:  state(func(t *Trail) { t.Selectors = []Selector{{ReadWriteType: writeOnly, IncludeManagementEvents: true}} }),
				Rules: []string{"management-events-off"}, Calls: []string{callSelectors}, Want: withObjects,
			},
			{
				Name: "a source left out", Live: state(func(t *Trail) {
					t.Selectors = []Selector{{ReadWriteType: all, IncludeManagementEvents: true, ExcludeManagementEventSources: []string{"kms.amazonaws.com", "rdsdata.amazonaws.com"}}, objects}
				}), Params: &noKMS,
				Rules: []string{"source-excluded"}, Calls: []string{callSelectors}, Want: state(func(t *Trail) {
					t.Selectors = []Selector{{ReadWriteType: all, IncludeManagementEvents: true, ExcludeManagementEventSources: []string{"kms.amazonaws.com"}}, objects}
				}),
			},
			{
				Name: "advanced selectors narrowed to reads", Live: state(func(t *Trail) {
					t.Selectors, t.Advanced = nil, []AdvancedSelector{management(FieldSelector{Field: fieldReadOnly, Equals: []string{"true"}}), lambdas}
				}),
				Rules: []string{"management-events-off"}, Calls: []string{callSelectors},
				Want: state(func(t *Trail) { t.Selectors, t.Advanced = nil, []AdvancedSelector{management(), lambdas} }),
			},
			{
				Name: "deleted", Live: State{}, Baseline: &compliant,
				Rules: []string{"deleted"}, Calls: []string{callCreate, callStart}, Want: compliant,
			},
			{
				Name: "a deleted trail with all there can be", Live: State{}, Baseline: &rich,
				Rules: []string{"deleted"}, Calls: []string{callCreate, callInsights, callSelectors, callStart}, Want: rich,
			},
			{
				Name: "another bucket and no key, of which the policy names patterns", Params: &strict, Baseline: &encrypted,
				Live:  state(func(t *Trail) { t.Bucket, t.Prefix = elsewhere, "" }),
				Rules: []string{"foreign-bucket", "not-encrypted"}, Calls: []string{callUpdate}, Want: encrypted,
			},
			{
				Name: "another bucket and key, of which the policy has the names", Params: &named,
				Live:  state(func(t *Trail) { t.Bucket, t.Key = elsewhere, otherKey }),
				Rules: []string{"foreign-bucket", "foreign-key"}, Calls: []string{callUpdate}, Want: encrypted,
			},
			{
				Name: "what else changed since the baseline stays", Baseline: &rich,
				Live:  state(func(t *Trail) { t.Logging, t.Bucket, t.Selectors = false, elsewhere, []Selector{objects, everything()} }),
				Rules: []string{"not-logging"}, Calls: []string{callStart},
				Want: state(func(t *Trail) { t.Bucket, t.Selectors = elsewhere, []Selector{objects, everything()} }),
			},
		},
	}
}

// variants are told apart by the rule alone, but for the advanced selectors: the
// emulator keeps them when basic ones replace them.
func variants() []remedytest.Case[State, Params] {
	objects := Selector{ReadWriteType: writeOnly, DataResources: []DataResource{{Type: "AWS::S3::Object", Values: []string{"arn:aws:s3:::acme-invoices/"}}}}
	partial := Params{Partial: true, SingleRegion: true}
	noKMS := Params{AllowedExclusions: []string{"kms.amazonaws.com"}}
	basic := state(func(*Trail) {})
	organization := Params{Organization: true}
	return []remedytest.Case[State, Params]{
		{Name: "reads and writes by a selector each", Live: state(func(t *Trail) {
			t.Selectors = []Selector{{ReadWriteType: readOnly, IncludeManagementEvents: true}, {ReadWriteType: writeOnly, IncludeManagementEvents: true}}
		})},
		{Name: "a trail of data events in one region, which the policy lets be", Params: &partial, Live: state(func(t *Trail) {
			t.Selectors, t.MultiRegion, t.Global = []Selector{objects}, false, false
		})},
		{Name: "an exclusion that the policy allows", Params: &noKMS, Live: state(func(t *Trail) {
			t.Selectors = []Selector{{ReadWriteType: all, IncludeManagementEvents: true, ExcludeManagementEventSources: []string{"kms.amazonaws.com"}}}
		})},
		{
			Name: "advanced selectors in the place of basic ones", Baseline: &basic,
			Live: state(func(t *Trail) {
				t.Selectors, t.Advanced = nil, []AdvancedSelector{management(FieldSelector{Field: "eventName", NotEquals: []string{"AssumeRole"}})}
			}),
			Rules: []string{"management-events-off", "management-events-off"}, Calls: []string{callSelectors}, Want: basic,
		},
		{
			Name: "of one account", Params: &organization, Live: basic,
			Rules: []string{"not-organization"}, Calls: []string{callUpdate}, Want: state(func(t *Trail) { t.Organization = true }),
		},
	}
}

func TestConformanceFake(t *testing.T) {
	s := suite()
	s.Cases = append(s.Cases, variants()...)
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		return world(newFake(), audit, func(testing.TB) {})
	}
	remedytest.Run(t, s)
}

func TestConformanceMoto(t *testing.T) {
	s := suite()
	account := mototest.New(t)
	buckets := s3.NewFromConfig(account.Config, func(o *s3.Options) { o.UsePathStyle = true })
	for _, name := range []string{logs, elsewhere} {
		if _, err := buckets.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
			t.Fatal(err)
		}
	}
	target := Target{Name: audit.Name, Account: account.ID, Region: mototest.Region}
	api := cloudtrail.NewFromConfig(account.Config)
	arn := []string{target.arn()}
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		return world(api, target, func(t testing.TB) { // the emulator keeps the tags of a trail that is gone
			out, err := api.ListTags(t.Context(), &cloudtrail.ListTagsInput{ResourceIdList: arn})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := api.RemoveTags(t.Context(), &cloudtrail.RemoveTagsInput{ResourceId: &arn[0], TagsList: out.ResourceTagList[0].TagsList}); err != nil {
				t.Fatal(err)
			}
		})
	}
	remedytest.RunEmulated(t, s)
}

// world is a trail in a CloudTrail, real enough. Each state is one of a new trail.
func world(api client, target Target, untag func(testing.TB)) remedytest.World[Target, State, Change] {
	name := &target.Name
	must := func(t testing.TB, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Seed: func(t testing.TB, s State) remedy.Event {
			ctx := t.Context()
			if _, err := api.DeleteTrail(ctx, &cloudtrail.DeleteTrailInput{Name: name}); err != nil && !cloud.HasCode(err, codeNoTrail) {
				t.Fatal(err)
			}
			untag(t)
			event := remedy.Event{
				Source: "aws.cloudtrail", Name: "DeleteTrail", Account: target.Account, Region: target.Region,
				Detail: []byte(`{"requestParameters":{"name":"` + target.Name + `"}}`),
			}
			if s.Trail == nil {
				return event
			}
			event.Name = "UpdateTrail"
			want := s.Trail
			_, err := api.CreateTrail(ctx, &cloudtrail.CreateTrailInput{
				Name: name, S3BucketName: &want.Bucket, S3KeyPrefix: &want.Prefix,
				CloudWatchLogsLogGroupArn: &want.LogGroup, CloudWatchLogsRoleArn: &want.LogRole, KmsKeyId: &want.Key,
				IncludeGlobalServiceEvents: &want.Global, IsMultiRegionTrail: &want.MultiRegion,
				EnableLogFileValidation: &want.Validation, IsOrganizationTrail: &want.Organization, TagsList: tagList(s.Tags),
			})
			must(t, err)
			if !want.isNew() {
				_, err = api.PutEventSelectors(ctx, selectorsInput(Change{Trail: *name, Selectors: want.Selectors, Advanced: want.Advanced}))
				must(t, err)
			}
			if len(want.Insights) > 0 {
				_, err = api.PutInsightSelectors(ctx, insightsInput(Change{Trail: *name, Insights: want.Insights}))
				must(t, err)
			}
			if want.Logging {
				_, err = api.StartLogging(ctx, &cloudtrail.StartLoggingInput{Name: name})
				must(t, err)
			}
			return event
		},
		State: func(t testing.TB) State {
			ctx := t.Context()
			trail, err := api.GetTrail(ctx, &cloudtrail.GetTrailInput{Name: name})
			if cloud.HasCode(err, codeNoTrail) {
				return State{}
			}
			must(t, err)
			status, err := api.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: name})
			must(t, err)
			selectors, err := api.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: name})
			must(t, err)
			got := Trail{
				Settings: settings(trail.Trail), Logging: *status.IsLogging,
				Selectors: selectorsOf(selectors), Advanced: advancedOf(selectors.AdvancedEventSelectors),
			}
			insights, err := api.GetInsightSelectors(ctx, &cloudtrail.GetInsightSelectorsInput{TrailName: name})
			if !cloud.HasCode(err, codeNoInsights) {
				must(t, err)
				got.Insights = insightsOf(insights.InsightSelectors)
			}
			tags, err := api.ListTags(ctx, &cloudtrail.ListTagsInput{ResourceIdList: []string{target.arn()}})
			must(t, err)
			s := State{Trail: &got}
			for _, tag := range tags.ResourceTagList[0].TagsList {
				if s.Tags == nil {
					s.Tags = map[string]string{}
				}
				s.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
			}
			return s
		},
	}
}

// TestTagListIsSorted keeps calls the same from one attempt to the next.
func TestTagListIsSorted(t *testing.T) {
	t.Parallel()
	tags := map[string]string{"c": "3", "a": "1", "b": "2"}
	var keys []string
	for _, tag := range tagList(tags) {
		keys = append(keys, *tag.Key)
	}
	if want := slices.Sorted(maps.Keys(tags)); !slices.Equal(want, keys) {
		t.Errorf("tags = %v, want %v", keys, want)
	}
}
