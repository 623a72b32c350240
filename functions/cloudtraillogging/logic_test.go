package cloudtraillogging

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	with := func(edit func(*Trail)) State { return state(edit) }
	basic := func(s ...Selector) State { return with(func(t *Trail) { t.Selectors = s }) }
	advanced := func(s ...AdvancedSelector) State {
		return with(func(t *Trail) { t.Selectors, t.Advanced = nil, s })
	}
	noKMS := []string{"kms.amazonaws.com"}
	tests := []struct {
		name   string
		state  State
		params Params
		want   []string // rule and part
	}{
		{"good", with(func(*Trail) {}), Params{}, nil},
		{"gone", State{}, Params{}, []string{"deleted "}},
		{"gone, whatever the policy allows", State{}, Params{Partial: true, SingleRegion: true}, []string{"deleted "}},
		{"off", with(func(t *Trail) { t.Logging = false }), Params{}, []string{"not-logging "}},
		{"one region", with(func(t *Trail) { t.MultiRegion = false }), Params{}, []string{"single-region "}},
		{"one region, allowed", with(func(t *Trail) { t.MultiRegion, t.Global = false, false }), Params{SingleRegion: true}, nil},
		{"no global events", with(func(t *Trail) { t.Global = false }), Params{}, []string{"no-global-events "}},
		{"no validation", with(func(t *Trail) { t.Validation = false }), Params{}, []string{"no-validation "}},
		{"of one account", with(func(*Trail) {}), Params{Organization: true}, []string{"not-organization "}},
		{"another bucket", with(func(*Trail) {}), Params{Buckets: []string{"acme-logs", "acme-audit-?"}}, []string{"foreign-bucket acme-audit-logs"}},
		{"a bucket that fits", with(func(*Trail) {}), Params{Buckets: []string{"acme-*"}}, nil},
		{"no key where none is wanted", with(func(*Trail) {}), Params{}, nil},
		{"no key", with(func(*Trail) {}), Params{KMSKeys: []string{"*"}}, []string{"not-encrypted "}},
		{"another key", with(func(t *Trail) { t.Key = otherKey }), Params{KMSKeys: []string{key}}, []string{"foreign-key " + otherKey}},

		{"no selectors at all are a new trail's", basic(), Params{}, nil},
		{"data events only", basic(Selector{ReadWriteType: all, DataResources: []DataResource{{Type: "AWS::S3::Object"}}}), Params{}, []string{"management-events-off read", "management-events-off write"}},
		{"data events only, allowed", basic(Selector{ReadWriteType: all}), Params{Partial: true}, nil},
		{"reads only", basic(Selector{ReadWriteType: readOnly, IncludeManagementEvents: true}), Params{}, []string{"management-events-off write"}},
		{"writes only", basic(Selector{ReadWriteType: writeOnly, IncludeManagementEvents: true}), Params{}, []string{"management-events-off read"}},
		{"reads here, writes there", basic(Selector{ReadWriteType: readOnly, IncludeManagementEvents: true}, Selector{ReadWriteType: writeOnly, IncludeManagementEvents: true}), Params{}, nil},
		{"KMS left out", basic(Selector{ReadWriteType: all, IncludeManagementEvents: true, ExcludeManagementEventSources: noKMS}), Params{}, []string{"source-excluded kms.amazonaws.com"}},
		{"KMS left out, allowed", basic(Selector{ReadWriteType: all, IncludeManagementEvents: true, ExcludeManagementEventSources: noKMS}), Params{AllowedExclusions: noKMS}, nil},
		{"KMS left out of one selector, and in another", basic(
			Selector{ReadWriteType: all, IncludeManagementEvents: true, ExcludeManagementEventSources: noKMS},
			Selector{ReadWriteType: all, IncludeManagementEvents: true, ExcludeManagementEventSources: []string{"rdsdata.amazonaws.com"}},
		), Params{}, nil},
		{"KMS left out of the writes", basic(
			Selector{ReadWriteType: readOnly, IncludeManagementEvents: true},
			Selector{ReadWriteType: writeOnly, IncludeManagementEvents: true, ExcludeManagementEventSources: noKMS},
		), Params{}, []string{"source-excluded kms.amazonaws.com"}},
		{"an exclusion without management events means nothing", basic(everything(), Selector{ReadWriteType: all, ExcludeManagementEventSources: noKMS}), Params{}, nil},

		{"advanced, whole", advanced(management()), Params{}, nil},
		{"advanced, no management events", advanced(AdvancedSelector{FieldSelectors: []FieldSelector{{Field: fieldCategory, Equals: []string{"Data"}}}}), Params{}, []string{"management-events-off read", "management-events-off write"}},
		{"advanced, network activity is something else", advanced(AdvancedSelector{FieldSelectors: []FieldSelector{{Field: fieldCategory, Equals: []string{"NetworkActivity"}}}}), Params{}, []string{"management-events-off read", "management-events-off write"}},
		{"advanced, writes only", advanced(management(FieldSelector{Field: fieldReadOnly, Equals: []string{"false"}})), Params{}, []string{"management-events-off read"}},
		{"advanced, reads here, writes there", advanced(management(FieldSelector{Field: fieldReadOnly, Equals: []string{"false"}}), management(FieldSelector{Field: fieldReadOnly, Equals: []string{"true"}})), Params{}, nil},
		{"advanced, KMS left out", advanced(management(FieldSelector{Field: fieldSource, NotEquals: noKMS})), Params{}, []string{"source-excluded kms.amazonaws.com"}},
		{"advanced, one source only", advanced(management(FieldSelector{Field: fieldSource, Equals: noKMS})), Params{AllowedExclusions: noKMS}, []string{"management-events-off read", "management-events-off write"}},
		{"advanced, sources by their beginning", advanced(management(FieldSelector{Field: fieldSource, NotStartsWith: []string{"k"}})), Params{}, []string{"management-events-off read", "management-events-off write"}},
		{"advanced, KMS and what else begins so", advanced(management(FieldSelector{Field: fieldSource, NotEquals: noKMS, NotStartsWith: []string{"iam"}})), Params{AllowedExclusions: noKMS}, []string{"management-events-off read", "management-events-off write"}},
		{"advanced, some names of events left out", advanced(management(FieldSelector{Field: "eventName", NotEquals: []string{"StopLogging"}})), Params{}, []string{"management-events-off read", "management-events-off write"}},
		{"advanced, one user left out", advanced(management(FieldSelector{Field: "userIdentity.arn", NotEquals: []string{"arn:aws:iam::111122223333:user/mallory"}})), Params{}, []string{"management-events-off read", "management-events-off write"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, v := range check(audit, tt.state, tt.params) {
				got = append(got, v.Rule+" "+v.Part)
				if !strings.HasPrefix(v.Message, "Trail acme-audit ") {
					t.Errorf("message %q does not name the trail", v.Message)
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
	patterns := Params{Buckets: []string{"acme-x-*"}, KMSKeys: []string{"arn:aws:kms:*:*:key/*"}}
	foreign := state(func(t *Trail) { t.Bucket = elsewhere })
	for name, tt := range map[string]struct {
		live   State
		base   remedy.Baseline[State]
		params Params
		left   []string
	}{
		"deleted, no baseline":                      {live: State{}, left: []string{"deleted"}},
		"deleted, a baseline without a trail":       {live: State{}, base: remedy.Baseline[State]{Known: true}, left: []string{"deleted"}},
		"a bucket and key by pattern only":          {live: foreign, params: patterns, left: []string{"foreign-bucket", "not-encrypted"}},
		"a baseline that today's policy forbids":    {live: foreign, base: remedy.Baseline[State]{Known: true, State: state(func(*Trail) {})}, params: patterns, left: []string{"foreign-bucket", "not-encrypted"}},
		"a baseline that today's policy makes good": {live: State{}, base: remedy.Baseline[State]{Known: true, State: state(func(t *Trail) { t.MultiRegion = false })}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var left []string
			for _, v := range check(audit, repair(audit, tt.live, tt.base, tt.params), tt.params) {
				left = append(left, v.Rule)
			}
			if diff := cmp.Diff(tt.left, left); diff != "" {
				t.Errorf("what is left (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompleted(t *testing.T) {
	t.Parallel()
	data := func(name string) Selector {
		return Selector{ReadWriteType: writeOnly, DataResources: []DataResource{{Type: name}}}
	}
	both := Selector{ReadWriteType: readOnly, IncludeManagementEvents: true, DataResources: []DataResource{{Type: "AWS::S3::Object"}}}
	for name, tt := range map[string]struct {
		live, want []Selector
	}{
		"a selector is added beside data events":        {[]Selector{data("a")}, []Selector{data("a"), everything()}},
		"one that takes data events too stays as it is": {[]Selector{both}, []Selector{both, everything()}},
		"one of management events is widened":           {[]Selector{data("a"), {ReadWriteType: readOnly, IncludeManagementEvents: true}}, []Selector{data("a"), everything()}},
		"where five are the limit, the first one is widened": {
			[]Selector{data("a"), data("b"), data("c"), data("d"), data("e")},
			[]Selector{{ReadWriteType: all, IncludeManagementEvents: true, DataResources: []DataResource{{Type: "a"}}}, data("b"), data("c"), data("d"), data("e")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Trail{Selectors: tt.live}.completed(Params{})
			if diff := cmp.Diff(tt.want, got.Selectors, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("selectors (-want +got):\n%s", diff)
			}
		})
	}
}

// A stopped trail is what the peers start. What was taken from it they leave away.
func TestPeersOnlyStartLogging(t *testing.T) {
	t.Parallel()
	live := state(func(t *Trail) {
		t.Logging, t.MultiRegion, t.Selectors = false, false, []Selector{{ReadWriteType: readOnly}}
	})
	var calls []string
	for _, c := range diff(audit, live, repair(audit, live, remedy.Baseline[State]{}, Params{})) {
		calls = append(calls, c.Call().API)
	}
	if diff := cmp.Diff([]string{callSelectors, callStart, callUpdate}, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestDiffCalls(t *testing.T) {
	t.Parallel()
	one := state(func(*Trail) {})
	tests := []struct {
		name     string
		from, to State
		want     []string
	}{
		{"tags do not count", one, State{Trail: one.Trail, Tags: map[string]string{"a": "b"}}, nil},
		{"nor does the order of selectors", state(func(t *Trail) { t.Selectors = []Selector{everything(), {ReadWriteType: readOnly}} }), state(func(t *Trail) { t.Selectors = []Selector{{ReadWriteType: readOnly}, everything()} }), nil},
		{"no trail", State{}, State{}, nil},
		{"start", state(func(t *Trail) { t.Logging = false }), one, []string{`{"api":"cloudtrail:StartLogging","params":{"Name":"acme-audit"}}`}},
		{"stop comes last", one, state(func(t *Trail) { t.Logging, t.Validation = false, false }), []string{
			`{"api":"cloudtrail:UpdateTrail","params":{"Name":"acme-audit","EnableLogFileValidation":false}}`,
			`{"api":"cloudtrail:StopLogging","params":{"Name":"acme-audit"}}`,
		}},
		{"an empty text takes away", state(func(t *Trail) { t.Key, t.LogGroup, t.LogRole = "k", "g", "r" }), one, []string{
			`{"api":"cloudtrail:UpdateTrail","params":{"Name":"acme-audit","CloudWatchLogsLogGroupArn":"","CloudWatchLogsRoleArn":"","KmsKeyId":""}}`,
		}},
		{"insights off", state(func(t *Trail) { t.Insights = []Insight{{InsightType: "ApiCallRateInsight"}} }), one, []string{
			`{"api":"cloudtrail:PutInsightSelectors","params":{"InsightSelectors":null,"TrailName":"acme-audit"}}`,
		}},
		{"delete", one, State{}, []string{`{"api":"cloudtrail:DeleteTrail","params":{"Name":"acme-audit"}}`}},
		{"create, started last", State{}, State{Tags: map[string]string{"a": "b"}, Trail: state(func(t *Trail) {
			t.Global, t.MultiRegion = false, false
			t.Selectors, t.Advanced = nil, []AdvancedSelector{management()}
		}).Trail}, []string{
			`{"api":"cloudtrail:CreateTrail","params":{"Name":"acme-audit","S3BucketName":"acme-audit-logs","S3KeyPrefix":"audit","IncludeGlobalServiceEvents":false,"EnableLogFileValidation":true,"TagsList":{"a":"b"}}}`,
			`{"api":"cloudtrail:PutEventSelectors","params":{"AdvancedEventSelectors":[{"Name":"Calls","FieldSelectors":[{"Field":"eventCategory","Equals":["Management"]}]}],"TrailName":"acme-audit"}}`,
			`{"api":"cloudtrail:StartLogging","params":{"Name":"acme-audit"}}`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, c := range diff(audit, tt.from, tt.to) {
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
	sources   = rapid.SampledFrom([]string{"kms.amazonaws.com", "rdsdata.amazonaws.com"})
	selectors = rapid.Custom(func(t *rapid.T) Selector {
		return Selector{
			ReadWriteType:                 rapid.SampledFrom([]string{all, readOnly, writeOnly}).Draw(t, "type"),
			IncludeManagementEvents:       rapid.Bool().Draw(t, "management"),
			ExcludeManagementEventSources: rapid.SliceOfNDistinct(sources, 0, 2, rapid.ID[string]).Draw(t, "exclude"),
			DataResources: rapid.SliceOfN(rapid.Map(rapid.SampledFrom([]string{"AWS::S3::Object", "AWS::Lambda::Function"}), func(s string) DataResource {
				return DataResource{Type: s, Values: []string{"arn:aws:x"}}
			}), 0, 2).Draw(t, "data"),
		}
	})
	fields = rapid.Custom(func(t *rapid.T) FieldSelector {
		return rapid.SampledFrom([]FieldSelector{
			{Field: fieldReadOnly, Equals: []string{"true"}},
			{Field: fieldReadOnly, Equals: []string{"false"}},
			{Field: fieldSource, NotEquals: []string{"kms.amazonaws.com"}},
			{Field: fieldSource, Equals: []string{"kms.amazonaws.com"}},
			{Field: "eventName", NotStartsWith: []string{"Stop"}},
		}).Draw(t, "field")
	})
	advancedSelectors = rapid.Custom(func(t *rapid.T) AdvancedSelector {
		s := management(rapid.SliceOfN(fields, 0, 2).Draw(t, "fields")...)
		s.FieldSelectors[0].Equals = []string{rapid.SampledFrom([]string{categoryManagement, "Data"}).Draw(t, "category")}
		return s
	})
	trails = rapid.Custom(func(t *rapid.T) Trail {
		text := func(name string, values ...string) string { return rapid.SampledFrom(values).Draw(t, name) }
		flag := func(name string) bool { return rapid.Bool().Draw(t, name) }
		out := Trail{
			Settings: Settings{
				Bucket: text("bucket", logs, elsewhere), Prefix: text("prefix", "", "p"), Topic: text("topic", "", "t"),
				LogGroup: text("group", "", "g"), LogRole: text("role", "", "r"), Key: text("key", "", key, otherKey),
				Global: flag("global"), MultiRegion: flag("multi"), Validation: flag("validation"), Organization: flag("organization"),
			},
			Logging:  flag("logging"),
			Insights: rapid.SliceOfN(rapid.Just(Insight{InsightType: "ApiCallRateInsight"}), 0, 1).Draw(t, "insights"),
		}
		if flag("advanced") {
			out.Advanced = rapid.SliceOfN(advancedSelectors, 1, 3).Draw(t, "advanced selectors")
		} else {
			out.Selectors = rapid.SliceOfN(selectors, 1, 5).Draw(t, "selectors")
		}
		return out
	})
	states = rapid.Custom(func(t *rapid.T) State {
		if rapid.IntRange(0, 4).Draw(t, "gone") == 0 {
			return State{}
		}
		trail := trails.Draw(t, "trail")
		return State{Trail: &trail, Tags: rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), rapid.Just("v"), 0, 2).Draw(t, "tags")}
	})
)

// applied is what AWS makes of a trail.
func applied(s State, changes []Change) State {
	for _, c := range changes {
		switch c.Operation {
		case remove:
			s = State{}
			continue
		case create:
			s = State{Trail: &Trail{Selectors: []Selector{everything()}}, Tags: c.Tags}
		case update, putSelectors, putInsights, start, stop:
		}
		t := *s.Trail
		if u := c.Update; u != nil {
			put(&t.Bucket, u.S3BucketName)
			put(&t.Prefix, u.S3KeyPrefix)
			put(&t.Topic, u.SnsTopicName)
			put(&t.LogGroup, u.CloudWatchLogsLogGroupArn)
			put(&t.LogRole, u.CloudWatchLogsRoleArn)
			put(&t.Key, u.KmsKeyID)
			put(&t.Global, u.IncludeGlobalServiceEvents)
			put(&t.MultiRegion, u.IsMultiRegionTrail)
			put(&t.Validation, u.EnableLogFileValidation)
			put(&t.Organization, u.IsOrganizationTrail)
		}
		switch c.Operation {
		case putSelectors:
			t.Selectors, t.Advanced = c.Selectors, c.Advanced
		case putInsights:
			t.Insights = c.Insights
		case start, stop:
			t.Logging = c.Operation == start
		case create, remove, update:
		}
		s.Trail = &t
	}
	return s
}

func put[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := states.Draw(t, "a"), states.Draw(t, "b")
		p := Params{
			SingleRegion: rapid.Bool().Draw(t, "single region"), Partial: rapid.Bool().Draw(t, "partial"),
			AllowedExclusions: rapid.SliceOfNDistinct(sources, 0, 2, rapid.ID[string]).Draw(t, "allowed"),
			Organization:      rapid.Bool().Draw(t, "organization"),
			Buckets:           rapid.SampledFrom([][]string{nil, {logs}, {"x-*", elsewhere}}).Draw(t, "buckets"),
			KMSKeys:           rapid.SampledFrom([][]string{nil, {key}}).Draw(t, "keys"),
		}
		if got := diff(audit, a, a); len(got) != 0 {
			t.Fatalf("diff of a state with itself = %v, want none", got)
		}
		after := applied(a, diff(audit, a, b))
		if left := diff(audit, after, b); len(left) > 0 {
			t.Fatalf("the changes from a to b leave %v", left)
		}
		if diff := cmp.Diff(b.Trail, after.Trail, cmpopts.EquateEmpty(), sorted[Selector](), sorted[AdvancedSelector]()); diff != "" {
			t.Fatalf("the changes from a to b (-want +got):\n%s", diff)
		}

		image, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back State
		if err := json.Unmarshal(image, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, back, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("a state changes in its JSON form (-want +got):\n%s", diff)
		}

		base := remedy.Baseline[State]{State: b, Known: true}
		fixed := repair(audit, a, base, p)
		if left := check(audit, fixed, p); len(left) > 0 && (a.Trail != nil || b.Trail != nil) {
			t.Fatalf("the repaired state still breaks the policy: %v", left)
		}
		if a.Trail != nil {
			unrelated(t, *a.Trail, *fixed.Trail)
		}
		if after, _ := json.Marshal(a); string(after) != string(image) {
			t.Fatalf("repair changed its argument to %s", after)
		}
	})
}

// unrelated fails where a repair touched what breaks nothing.
func unrelated(t *rapid.T, before, after Trail) {
	isNew := !before.Logging && before.isNew()
	if isNew && len(before.Insights) == 0 {
		before.Insights = after.Insights
	}
	if isNew || !before.complete(Params{}) {
		before.Selectors, before.Advanced = after.Selectors, after.Advanced
	}
	if after.Bucket != before.Bucket {
		before.Bucket, before.Prefix = after.Bucket, after.Prefix // a prefix belongs to its bucket
	}
	before.Logging, before.Validation, before.MultiRegion = after.Logging, after.Validation, after.MultiRegion
	before.Global, before.Organization, before.Key = after.Global, after.Organization, after.Key
	if diff := cmp.Diff(before, after, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("what breaks nothing was touched (-want +got):\n%s", diff)
	}
}

func sorted[T any]() cmp.Option {
	return cmpopts.SortSlices(func(a, b T) bool {
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		return string(x) < string(y)
	})
}
