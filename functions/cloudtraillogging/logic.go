package cloudtraillogging

import (
	"fmt"
	"slices"

	"github.com/ebb-ops/ebb/pkg/pattern"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is a trail, or that there is none.
type State struct {
	Trail *Trail            `json:"trail,omitempty"` // nil when there is none
	Tags  map[string]string `json:"tags,omitempty"`  // only read, but a trail that is made again gets them
}

// ResourceTags gives the trail's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

// Trail is what a trail logs, and where to.
type Trail struct {
	Settings
	Logging   bool               `json:"logging"`
	Selectors []Selector         `json:"selectors,omitempty"` // basic ones; a trail has these or advanced ones
	Advanced  []AdvancedSelector `json:"advanced,omitempty"`
	Insights  []Insight          `json:"insights,omitempty"`
}

// Settings are what UpdateTrail sets.
type Settings struct {
	Bucket       string `json:"bucket"`
	Prefix       string `json:"prefix,omitempty"`
	Topic        string `json:"topic,omitempty"`     // its ARN
	LogGroup     string `json:"log_group,omitempty"` // its ARN
	LogRole      string `json:"log_role,omitempty"`  // its ARN
	Key          string `json:"key,omitempty"`       // its ARN
	Global       bool   `json:"global_service_events"`
	MultiRegion  bool   `json:"multi_region"`
	Validation   bool   `json:"log_file_validation"`
	Organization bool   `json:"organization"`
}

func check(t Target, s State, p Params) []remedy.Violation {
	if s.Trail == nil {
		return []remedy.Violation{{Rule: "deleted", Message: fmt.Sprintf("Trail %s is gone, and Ebb makes anew only one that it saw compliant before: create it again.", t.Name)}}
	}
	var out []remedy.Violation
	bad := func(is bool, rule, part, format string, args ...any) {
		if is {
			out = append(out, remedy.Violation{Rule: rule, Part: part, Message: "Trail " + t.Name + " " + fmt.Sprintf(format, args...)})
		}
	}
	trail := *s.Trail
	bad(!trail.Logging, "not-logging", "", "does not log.")
	bad(!p.SingleRegion && !trail.MultiRegion, "single-region", "", "covers %s only.", t.Region)
	bad(!p.SingleRegion && !trail.Global, "no-global-events", "", "leaves out the events of global services, such as IAM.")
	bad(!trail.Validation, "no-validation", "", "does not validate its log files: nobody can tell whether they were changed.")
	bad(p.Organization && !trail.Organization, "not-organization", "", "does not log for the organization's other accounts.")
	bad(!pattern.Fits(p.Buckets, trail.Bucket), "foreign-bucket", trail.Bucket, "delivers to bucket %s, which is not one of those that the policy names.", trail.Bucket)
	bad(trail.Key == "" && len(p.KMSKeys) > 0, "not-encrypted", "", "does not encrypt its log files with a KMS key.")
	bad(trail.Key != "" && !pattern.Fits(p.KMSKeys, trail.Key), "foreign-key", trail.Key, "encrypts its log files with %s, which is not one of the keys that the policy names.", trail.Key)
	if p.Partial {
		return out
	}
	c := trail.coverage()
	for _, kind := range []struct {
		name string
		side side
	}{{"read", c.read}, {"write", c.write}} {
		bad(!kind.side.logged, "management-events-off", kind.name, "does not log all %s management events.", kind.name)
	}
	for _, source := range c.excluded() {
		bad(!slices.Contains(p.AllowedExclusions, source), "source-excluded", source, "leaves out the management events of %s.", source)
	}
	return out
}

// repair turns on what is off. What a policy wants and can't be turned on,
// because nobody knows the value, stays as it is: the engine then says that
// there is no repair.
func repair(t Target, live State, base remedy.Baseline[State], p Params) State {
	before := base.State.Trail // nil when it is not known
	if live.Trail == nil {
		if before == nil {
			return live
		}
		live = State{Trail: before, Tags: base.State.Tags}
	}
	want := *live.Trail
	if before == nil {
		before = &Trail{}
	}
	if !want.Logging && want.isNew() && before.Bucket != "" {
		// It may have been made anew, by an attempt that was interrupted or by
		// somebody else: then it has no Insights selectors either.
		want.Selectors, want.Advanced = before.Selectors, before.Advanced
		if len(want.Insights) == 0 {
			want.Insights = before.Insights
		}
	}
	want.Logging, want.Validation = true, true
	if !p.SingleRegion {
		want.MultiRegion, want.Global = true, true
	}
	want.Organization = want.Organization || p.Organization
	if !pattern.Fits(p.Buckets, want.Bucket) {
		if before.Bucket != "" && pattern.Fits(p.Buckets, before.Bucket) {
			want.Bucket, want.Prefix = before.Bucket, before.Prefix
		} else {
			want.Bucket = pattern.FirstName(p.Buckets, want.Bucket)
		}
	}
	if !pattern.Fits(p.KMSKeys, want.Key) {
		if before.Key != "" && pattern.Fits(p.KMSKeys, before.Key) {
			want.Key = before.Key
		} else {
			want.Key = pattern.FirstName(p.KMSKeys, want.Key)
		}
	}
	if !p.Partial && !want.complete(p) {
		if before.complete(p) {
			want.Selectors, want.Advanced = before.Selectors, before.Advanced
		} else {
			want = want.completed(p)
		}
	}
	return State{Trail: &want, Tags: live.Tags}
}
