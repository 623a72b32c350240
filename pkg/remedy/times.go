package remedy

import "time"

// Times are the moments of a remediation. A zero time means it did not come to that.
type Times struct {
	Changed  time.Time `json:"changed,omitzero"`  // the change, by the source's clock
	Received time.Time `json:"received,omitzero"` // Ebb took the event in
	Began    time.Time `json:"began,omitzero"`    // a function began with it
	Decided  time.Time `json:"decided,omitzero"`  // the live state was read and judged
	Intent   time.Time `json:"intent,omitzero"`   // the before-image was durable
	Fixed    time.Time `json:"fixed,omitzero"`    // the last call returned
	Verified time.Time `json:"verified,omitzero"` // a read found it compliant
	Recorded time.Time `json:"recorded,omitzero"` // this record was last written
}

// BadFor is how long the bad state lived, from the change to the call that
// ended it; 0 when either moment is not known.
func (t Times) BadFor() time.Duration {
	if t.Changed.IsZero() || t.Fixed.IsZero() || t.Fixed.Before(t.Changed) {
		return 0
	}
	return t.Fixed.Sub(t.Changed)
}

// Step is what happened between two moments of a remediation.
type Step struct {
	Name     string // "delivery", "queue", "decide", "intent", "fix", "verify" or "record"
	From, To time.Time
}

// Steps gives the remediation step by step, in order: each from the latest
// moment before it to its own. What a record knows without any trace. A moment
// that lies before the one ahead of it, because two clocks or two attempts are
// in the record, ends no step.
func (t Times) Steps() []Step {
	last := t.Changed
	var out []Step
	for _, m := range []struct {
		name string
		at   time.Time
	}{
		{"delivery", t.Received}, {"queue", t.Began}, {"decide", t.Decided}, {"intent", t.Intent}, {"fix", t.Fixed},
		{"verify", t.Verified}, {"record", t.Recorded},
	} {
		if m.at.IsZero() || m.at.Before(last) {
			continue
		}
		if !last.IsZero() {
			out = append(out, Step{m.name, last, m.at})
		}
		last = m.at
	}
	return out
}
