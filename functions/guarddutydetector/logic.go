package guarddutydetector

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is a region's detector, or that there is none.
type State struct {
	Detector *Detector         `json:"detector,omitempty"` // nil when there is none
	Tags     map[string]string `json:"tags,omitempty"`     // only read, but a detector that is made again gets them
}

// ResourceTags gives the detector's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

// Detector is what a detector does.
type Detector struct {
	ID        string    `json:"id,omitempty"` // assigned; a new one has another
	Enabled   bool      `json:"enabled"`
	Frequency string    `json:"frequency,omitempty"` // of publishing updated findings
	Features  []Feature `json:"features,omitempty"`  // those that can be set; sorted by name
}

// Feature is a feature and what is configured in addition to it.
type Feature struct {
	Name       string   `json:"name"`
	Enabled    bool     `json:"enabled"`
	Additional []Option `json:"additional,omitempty"` // sorted by name
}

// Option is one of a feature's additional configurations.
type Option struct {
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
}

// Two features of which a call may name one.
// https://docs.aws.amazon.com/guardduty/latest/APIReference/API_UpdateDetector.html
const (
	runtime    = "RUNTIME_MONITORING"
	eksRuntime = "EKS_RUNTIME_MONITORING"
)

// foundational gives the features that an enabled detector always has, and that
// no call may set.
func foundational() []string { return []string{"CLOUD_TRAIL", "DNS_LOGS", "FLOW_LOGS"} }

func check(t Target, s State, p Params) []remedy.Violation {
	var out []remedy.Violation
	bad := func(rule, part, format string, args ...any) {
		out = append(out, remedy.Violation{Rule: rule, Part: part, Message: "GuardDuty of account " + t.Account + " in " + t.Region + " " + fmt.Sprintf(format, args...)})
	}
	if s.Detector == nil {
		bad("no-detector", "", "has no detector: nothing looks for threats.")
		return out
	}
	d := *s.Detector
	if !d.Enabled {
		bad("suspended", "", "is suspended: nothing looks for threats.")
	}
	if d.slower(p) {
		bad("slow", d.Frequency, "publishes updated findings as %s, where %s is wanted.", d.Frequency, p.Frequency)
	}
	for _, name := range p.Features {
		if f, _ := d.feature(name); !f.Enabled {
			bad("feature-off", name, "has %s off.", name)
		}
	}
	return out
}

// slower reports whether findings are published less often than they must be.
func (d Detector) slower(p Params) bool {
	return p.Frequency != "" && slices.Index(frequencies(), d.Frequency) > slices.Index(frequencies(), p.Frequency)
}

// feature gives a detector's feature and its place. One that it does not have is off.
func (d Detector) feature(name string) (f Feature, at int) {
	at = slices.IndexFunc(d.Features, func(f Feature) bool { return f.Name == name })
	if at < 0 {
		return Feature{Name: name}, at
	}
	return d.Features[at], at
}

func repair(_ Target, live State, base remedy.Baseline[State], p Params) State {
	before := Detector{} // when it is not known
	if base.State.Detector != nil {
		before = *base.State.Detector
	}
	want := live
	if live.Detector == nil {
		want = State{Detector: &before, Tags: base.State.Tags}
	}
	d := *want.Detector
	d.Enabled = true
	if d.slower(p) || d.Frequency == "" {
		d.Frequency = p.Frequency
		if before.Frequency != "" && !before.slower(p) {
			d.Frequency = before.Frequency
		}
	}
	d.Features = slices.Clone(d.Features)
	for _, name := range p.Features {
		f, at := d.feature(name)
		if f.Enabled {
			continue
		}
		f.Enabled = true
		if was, _ := before.feature(name); was.Enabled {
			f.Additional = was.Additional
		}
		if at < 0 {
			d.Features = append(d.Features, f)
		} else {
			d.Features[at] = f
		}
		if other, at := d.feature(exclusive(name)); other.Enabled {
			d.Features[at] = Feature{Name: other.Name}
		}
	}
	slices.SortFunc(d.Features, byName)
	want.Detector = &d
	return want
}

// exclusive gives the feature that must be off where another one is on; empty
// where there is none.
func exclusive(name string) string {
	switch name {
	case runtime:
		return eksRuntime
	case eksRuntime:
		return runtime
	}
	return ""
}

func byName(a, b Feature) int { return strings.Compare(a.Name, b.Name) }

// operation is one of the API's calls.
type operation string

const (
	create operation = "CreateDetector"
	update operation = "UpdateDetector"
	remove operation = "DeleteDetector"
)

// Change is one call about a detector.
type Change struct {
	Operation operation         `json:"-"`
	ID        string            `json:"DetectorId,omitempty"` // none to create one
	Enable    *bool             `json:",omitempty"`           // nil and empty leave things as they are
	Frequency string            `json:"FindingPublishingFrequency,omitempty"`
	Features  []Feature         `json:",omitempty"`
	Tags      map[string]string `json:",omitempty"`
}

// Call gives the change as the API call that makes it.
func (c Change) Call() remedy.Call {
	return remedy.Call{API: "guardduty:" + string(c.Operation), Params: c}
}

// diff compares what can be set. The id does not count: AWS assigns it.
func diff(_ Target, from, to State) []Change {
	a, b := from.Detector, to.Detector
	switch {
	case a == nil && b == nil:
		return nil
	case b == nil:
		return []Change{{Operation: remove, ID: a.ID}}
	case a == nil:
		return []Change{{Operation: create, Enable: &b.Enabled, Frequency: b.Frequency, Features: named(b.Features), Tags: to.Tags}}
	}
	c := Change{Operation: update, ID: a.ID}
	if a.Enabled != b.Enabled {
		c.Enable = &b.Enabled
	}
	if a.Frequency != b.Frequency {
		c.Frequency = b.Frequency
	}
	for _, f := range b.Features {
		if was, _ := a.feature(f.Name); !reflect.DeepEqual(was, f) {
			c.Features = append(c.Features, f)
		}
	}
	for _, f := range a.Features { // what b knows nothing of was off
		if _, at := b.feature(f.Name); at < 0 && f.Enabled {
			c.Features = append(c.Features, Feature{Name: f.Name})
		}
	}
	var out []Change
	if i := apart(c.Features); i >= 0 {
		out = append(out, Change{Operation: update, ID: a.ID, Features: []Feature{c.Features[i]}})
		c.Features = slices.Delete(c.Features, i, i+1)
	}
	if c.Enable != nil || c.Frequency != "" || len(c.Features) > 0 {
		out = append(out, c)
	}
	return out
}

// apart gives the feature that needs a call of its own, before the others: of
// two that a call can't name together one that is to be off. It is -1 when there is none.
func apart(list []Feature) int {
	all := Detector{Features: list}
	return slices.IndexFunc(list, func(f Feature) bool {
		_, other := all.feature(exclusive(f.Name))
		return !f.Enabled && other >= 0
	})
}

// named gives the features that a call may name together. Without a word
// GuardDuty turns on every feature but runtime monitoring.
func named(list []Feature) []Feature {
	all := Detector{Features: list}
	drop := ""
	if f, at := all.feature(runtime); at >= 0 {
		if _, at := all.feature(eksRuntime); at >= 0 {
			drop = runtime
			if f.Enabled {
				drop = eksRuntime
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(list), func(f Feature) bool { return f.Name == drop })
}
