package configrecorder

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ebb-ops/ebb/pkg/pattern"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is a region's recorder and where it delivers to. Each may be missing.
type State struct {
	Recorder *Recorder `json:"recorder,omitempty"`
	Channel  *Channel  `json:"channel,omitempty"`
}

// Recorder is what is recorded.
type Recorder struct {
	Settings
	Recording bool `json:"recording"`
}

// Settings are what PutConfigurationRecorder sets.
type Settings struct {
	Name  string `json:"name"`
	Role  string `json:"role"` // its ARN
	Group Group  `json:"group"`
	Mode  Mode   `json:"mode"`
}

// Group is which resource types are recorded: all, all but some, or some.
type Group struct {
	All     bool     `json:"all"`
	Global  bool     `json:"global,omitempty"`  // with All: IAM's types too
	Without []string `json:"without,omitempty"` // all but these; sorted
	Only    []string `json:"only,omitempty"`    // these; sorted
}

// Mode is how often is recorded.
type Mode struct {
	Frequency string     `json:"frequency"`
	Overrides []Override `json:"overrides,omitempty"`
}

// Override is another frequency for some types.
type Override struct {
	Frequency   string   `json:"frequency"`
	Types       []string `json:"types"` // sorted
	Description string   `json:"description,omitempty"`
}

// Channel is where a recorder delivers to.
type Channel struct {
	Name      string `json:"name"`
	Bucket    string `json:"bucket"`
	Prefix    string `json:"prefix,omitempty"`
	Key       string `json:"key,omitempty"`       // its ARN
	Topic     string `json:"topic,omitempty"`     // its ARN
	Frequency string `json:"frequency,omitempty"` // of snapshots
}

// Frequencies of recording.
const (
	continuous = "CONTINUOUS"
	daily      = "DAILY"
)

func check(t Target, s State, p Params) []remedy.Violation {
	var out []remedy.Violation
	bad := func(is bool, rule, part, format string, args ...any) {
		if is {
			out = append(out, remedy.Violation{Rule: rule, Part: part, Message: "AWS Config of account " + t.Account + " in " + t.Region + " " + fmt.Sprintf(format, args...)})
		}
	}
	bad(s.Recorder == nil, "no-recorder", "", "has no recorder, and Ebb makes anew only one that it saw compliant before: set one up.")
	bad(s.Channel == nil, "no-delivery-channel", "", "has no delivery channel, without which nothing is recorded.")
	if s.Channel != nil {
		bad(!pattern.Fits(p.Buckets, s.Channel.Bucket), "foreign-bucket", s.Channel.Bucket, "delivers to bucket %s, which is not one of those that the policy names.", s.Channel.Bucket)
	}
	if s.Recorder == nil {
		return out
	}
	bad(!s.Recorder.Recording, "not-recording", "", "does not record.")
	g := s.Recorder.Group
	if !p.Partial {
		bad(g.some(), "types-narrowed", "", "records only %s.", strings.Join(g.Only, ", "))
		for _, name := range g.excluded(p) {
			bad(true, "type-excluded", name, "does not record %s.", name)
		}
	}
	bad(p.GlobalTypes && g.All && !g.Global, "no-global-types", "", "does not record IAM's users, groups, roles and policies.")
	for _, name := range s.Recorder.Mode.daily() {
		bad(!p.Daily, "daily", name, "records %s once a day: what changes and changes back is not seen.", name)
	}
	return out
}

// some reports whether only named types are recorded.
func (g Group) some() bool { return !g.All && len(g.Without) == 0 }

// excluded gives the types that are left out and must not be.
func (g Group) excluded(p Params) []string {
	if g.All {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(g.Without), func(name string) bool { return slices.Contains(p.AllowedExclusions, name) })
}

// fits reports whether a group breaks nothing.
func (g Group) fits(p Params) bool {
	return (p.Partial || !g.some() && len(g.excluded(p)) == 0) && (!p.GlobalTypes || !g.All || g.Global)
}

// daily gives what is recorded once a day: all types, or those of the overrides.
func (m Mode) daily() []string {
	if m.Frequency == daily {
		return []string{"all types"}
	}
	var out []string
	for _, o := range m.Overrides {
		if o.Frequency == daily {
			out = append(out, o.Types...)
		}
	}
	return out
}

// repair brings back what is missing and widens what is narrow. What is missing
// and not in the baseline stays so: the engine then says that there is no repair.
func repair(_ Target, live State, base remedy.Baseline[State], p Params) State {
	before := base.State // empty when it is not known
	want := live
	if want.Recorder == nil {
		want.Recorder = before.Recorder
	}
	if want.Channel == nil {
		want.Channel = before.Channel
	}
	if want.Channel != nil && !pattern.Fits(p.Buckets, want.Channel.Bucket) {
		c := *want.Channel
		if before.Channel != nil && pattern.Fits(p.Buckets, before.Channel.Bucket) {
			name := c.Name // another one is another channel
			c = *before.Channel
			c.Name = name
		} else {
			c.Bucket = pattern.FirstName(p.Buckets, c.Bucket)
		}
		want.Channel = &c
	}
	if want.Recorder == nil {
		return want
	}
	r := *want.Recorder
	r.Recording = r.Recording || want.Channel != nil // nothing starts without a channel
	if !r.Group.fits(p) {
		if before.Recorder != nil && before.Recorder.Group.fits(p) {
			r.Group = before.Recorder.Group
		} else {
			r.Group = r.Group.widened(p)
		}
	}
	if !p.Daily && len(r.Mode.daily()) > 0 {
		if before.Recorder != nil && len(before.Recorder.Mode.daily()) == 0 {
			r.Mode = before.Recorder.Mode
		} else {
			r.Mode = Mode{Frequency: continuous} // an override can only say the same
		}
	}
	want.Recorder = &r
	return want
}

// widened gives the group nearest to g that breaks nothing. IAM's types stay
// recorded where they were.
func (g Group) widened(p Params) Group {
	if !p.Partial {
		without := slices.DeleteFunc(slices.Clone(g.Without), func(name string) bool { return !slices.Contains(p.AllowedExclusions, name) })
		switch {
		case len(without) > 0:
			g = Group{Without: without}
		case !g.All:
			recorded := slices.ContainsFunc(g.Only, iamType) || len(g.Without) > 0 && !slices.ContainsFunc(g.Without, iamType)
			g = Group{All: true, Global: recorded}
		}
	}
	g.Global = g.Global || g.All && p.GlobalTypes
	return g
}

// iamType reports whether a type is one of IAM's global ones.
func iamType(name string) bool { return strings.HasPrefix(name, "AWS::IAM::") }
