package cloudtraillogging

import (
	"encoding/json"
	"slices"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// operation is one of the API's calls.
type operation string

const (
	create       operation = "CreateTrail"
	remove       operation = "DeleteTrail"
	update       operation = "UpdateTrail"
	putSelectors operation = "PutEventSelectors"
	putInsights  operation = "PutInsightSelectors"
	start        operation = "StartLogging"
	stop         operation = "StopLogging"
)

// Change is one call about a trail. Fields that its operation does not need are empty.
type Change struct {
	Operation operation
	Trail     string  // its name, which is enough in its account and home region
	Update    *Update // of CreateTrail and UpdateTrail
	Tags      map[string]string
	Selectors []Selector
	Advanced  []AdvancedSelector
	Insights  []Insight
}

// Update is a trail's settings by the API's names. nil leaves one as it is, and
// an empty text removes it.
type Update struct {
	S3BucketName               *string `json:",omitempty"`
	S3KeyPrefix                *string `json:",omitempty"`
	SnsTopicName               *string `json:",omitempty"` // its ARN will do
	CloudWatchLogsLogGroupArn  *string `json:",omitempty"`
	CloudWatchLogsRoleArn      *string `json:",omitempty"`
	KmsKeyID                   *string `json:"KmsKeyId,omitempty"`
	IncludeGlobalServiceEvents *bool   `json:",omitempty"`
	IsMultiRegionTrail         *bool   `json:",omitempty"`
	EnableLogFileValidation    *bool   `json:",omitempty"`
	IsOrganizationTrail        *bool   `json:",omitempty"`
}

// changed gives b where it is not a.
func changed[T comparable](a, b T) *T {
	if a == b {
		return nil
	}
	return &b
}

// between gives what leads from one trail's settings to those of another.
func between(from, to Settings) Update {
	u := Update{
		S3BucketName:               changed(from.Bucket, to.Bucket),
		S3KeyPrefix:                changed(from.Prefix, to.Prefix),
		SnsTopicName:               changed(from.Topic, to.Topic),
		KmsKeyID:                   changed(from.Key, to.Key),
		IncludeGlobalServiceEvents: changed(from.Global, to.Global),
		IsMultiRegionTrail:         changed(from.MultiRegion, to.MultiRegion),
		EnableLogFileValidation:    changed(from.Validation, to.Validation),
		IsOrganizationTrail:        changed(from.Organization, to.Organization),
	}
	if from.LogGroup != to.LogGroup || from.LogRole != to.LogRole { // the API wants the two together
		u.CloudWatchLogsLogGroupArn, u.CloudWatchLogsRoleArn = &to.LogGroup, &to.LogRole
	}
	return u
}

// Call gives the change as the API call that makes it.
func (c Change) Call() remedy.Call {
	type list = map[string]any
	var params any = list{"Name": c.Trail}
	switch c.Operation {
	case create, update:
		params = struct {
			Name string
			*Update
			Tags map[string]string `json:"TagsList,omitempty"`
		}{c.Trail, c.Update, c.Tags}
	case putSelectors:
		if len(c.Advanced) > 0 {
			params = list{"TrailName": c.Trail, "AdvancedEventSelectors": c.Advanced}
		} else {
			params = list{"TrailName": c.Trail, "EventSelectors": c.Selectors}
		}
	case putInsights:
		params = list{"TrailName": c.Trail, "InsightSelectors": c.Insights}
	case remove, start, stop:
	}
	return remedy.Call{API: "cloudtrail:" + string(c.Operation), Params: params}
}

// diff starts a trail before it updates it, since an update may be refused. A
// trail that is made anew gets its event selectors after all else and is
// started last: until then it is off and selects what a new one does, so that a
// retry knows that there is something left to do.
func diff(t Target, from, to State) []Change {
	var out []Change
	before := Trail{Selectors: []Selector{everything()}} // a new one's
	switch {
	case to.Trail == nil && from.Trail == nil:
		return nil
	case to.Trail == nil:
		return []Change{{Operation: remove, Trail: t.Name}}
	case from.Trail == nil:
		u := between(Settings{}, to.Trail.Settings)
		u.IncludeGlobalServiceEvents = &to.Trail.Global // the API's default is true
		out = append(out, Change{Operation: create, Trail: t.Name, Update: &u, Tags: to.Tags})
		before.Settings = to.Trail.Settings
	default:
		before = *from.Trail
	}
	after := *to.Trail
	if !same(before.Insights, after.Insights) {
		out = append(out, Change{Operation: putInsights, Trail: t.Name, Insights: after.Insights})
	}
	if !same(before.Selectors, after.Selectors) || !same(before.Advanced, after.Advanced) {
		out = append(out, Change{Operation: putSelectors, Trail: t.Name, Selectors: after.Selectors, Advanced: after.Advanced})
	}
	if !before.Logging && after.Logging {
		out = append(out, Change{Operation: start, Trail: t.Name})
	}
	if u := between(before.Settings, after.Settings); u != (Update{}) {
		out = append(out, Change{Operation: update, Trail: t.Name, Update: &u})
	}
	if before.Logging && !after.Logging {
		out = append(out, Change{Operation: stop, Trail: t.Name})
	}
	return out
}

// same reports whether two lists hold the same, in any order.
func same[T any](a, b []T) bool {
	return slices.Equal(texts(a), texts(b))
}

func texts[T any](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		b, _ := json.Marshal(v) // nothing but texts, flags and lists of them
		out[i] = string(b)
	}
	slices.Sort(out)
	return out
}
