package console

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ebb-ops/ebb/pkg/linediff"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/waterfall"
)

// Detail is all that is known of one record.
type Detail struct {
	Record remedy.Record
	Traces []waterfall.Trace // the record's own, and those that came of it later
	Event  []byte            // the event that it came from, as received; nil to leave it out
	Hint   string            // what a person can do next; may be empty
}

// Record writes a record in full: what happened and why, what was wrong, the
// calls, the state before and after, the times, the trace, and the event if it
// is given.
func (p *Printer) Record(d Detail) error {
	var b strings.Builder
	r := d.Record
	b.WriteString(p.paint(bold, strings.TrimSpace("Record "+Clean(r.ID))))
	b.WriteByte('\n')
	p.summary(&b, r)
	p.violations(&b, r.Violations)
	p.changes(&b, r)
	p.state(&b, r)
	p.times(&b, r.Times)
	p.traces(&b, d.Traces)
	if d.Event != nil {
		p.payload(&b, "Event, as it was received", d.Event)
	}
	if d.Hint != "" {
		b.WriteByte('\n')
		b.WriteString(Clean(d.Hint))
		b.WriteByte('\n')
	}
	return p.emit(&b)
}

// Traces writes traces, each as a waterfall.
func (p *Printer) Traces(ts []waterfall.Trace) error {
	var b strings.Builder
	p.traces(&b, ts)
	return p.emit(&b)
}

func (p *Printer) traces(b *strings.Builder, ts []waterfall.Trace) {
	for _, t := range ts {
		p.heading(b, Clean(t.Title))
		if len(t.Spans) > 0 {
			p.waterfall(b, t.Spans)
		}
		if t.Note != "" {
			p.paragraph(b, t.Note)
		}
	}
}

// Fact is something that is known of a record, by its name.
type Fact struct{ Name, Value string }

// Facts gives what is known of a record in words: how it ended and why, whom and
// what it is about. Those that are not known are left out. Values are not cleaned.
func Facts(r remedy.Record) []Fact {
	fs := []Fact{
		{"outcome", string(r.Outcome)},
		{"reason", r.Reason},
		{"error", r.Error},
		{"function", join(", ", r.Function, prefixed("severity ", string(r.Severity)), prefixed("mode ", string(r.Mode)))},
		{"resource", r.Resource.ID},
		{"type", r.Resource.Type},
		{"account", r.Resource.Account},
		{"region", r.Resource.Region},
		{"event", join(" ", r.Event.Name, prefixed("from ", r.Event.Source))},
		{"event id", r.Event.ID},
		{"actor", actor(r.Event.Actor)},
	}
	if r.Attempt > 1 {
		fs = append(fs, Fact{"attempt", fmt.Sprint(r.Attempt)})
	}
	fs = append(fs, Fact{"undoes", r.Undoes}, Fact{"undone by", r.UndoneBy})
	if x := r.Exemption; x != nil {
		fs = append(fs, Fact{"exemption", exemption(*x)})
	}
	if c := r.Cap; c != nil {
		fs = append(fs, Fact{"cap", fmt.Sprintf("%s: %d reverts in the last %s, at most %d are allowed", c.Kind, c.Count, Period(c.Window), c.Limit)})
		for _, v := range c.Recent {
			fs = append(fs, Fact{"before it", fmt.Sprintf("%s record %s, %s on %s, changed by %s",
				When(v.At), v.Record, v.Function, v.Resource, actor(v.Actor))})
		}
	}
	return slices.DeleteFunc(fs, func(f Fact) bool { return f.Value == "" })
}

func (p *Printer) summary(b *strings.Builder, r remedy.Record) {
	var fs []field
	for _, f := range Facts(r) {
		styles := map[string]style{"outcome": outcomeStyle(r.Outcome), "error": red}
		fs = append(fs, field{f.Name, f.Value, styles[f.Name]})
	}
	p.fields(b, fs...)
}

// actor gives all that is known of an actor, the most telling first.
func actor(a remedy.Actor) string {
	s := a.String()
	if a.Name != "" && a.ID != "" && !strings.Contains(a.ID, a.Name) {
		s += " (" + a.Name + ")"
	}
	return join(", ", s, a.Type, prefixed("via ", a.Via), prefixed("from ", a.IP))
}

func exemption(x remedy.Exemption) string {
	covers := join(", ", prefixed("function ", x.Function), prefixed("resource ", x.Resource),
		prefixed("account ", x.Account), prefixed("tag ", x.Tag), prefixed("actor ", x.Actor))
	return fmt.Sprintf("%s until %s: %s (owner %s); covers %s", x.ID, When(x.Expires), strings.TrimSuffix(x.Reason, "."), x.Owner, covers)
}

// join joins the parts that are not empty.
func join(sep string, parts ...string) string {
	var out []string
	for _, s := range parts {
		if s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, sep)
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

func (p *Printer) violations(b *strings.Builder, vs []remedy.Violation) {
	if len(vs) == 0 {
		return
	}
	p.heading(b, "Violations")
	for _, v := range vs {
		p.bullet(b, join(" ", v.Rule, prefixed("at ", v.Part))+": "+v.Message)
	}
}

// bullet writes a paragraph behind a dash.
func (p *Printer) bullet(b *strings.Builder, text string) {
	left := "  - "
	for _, line := range wrap(Clean(text), p.pageWidth()-cells(left)) {
		b.WriteString(left + line + "\n")
		left = strings.Repeat(" ", cells(left))
	}
}

func (p *Printer) paragraph(b *strings.Builder, text string) {
	for _, line := range wrap(Clean(text), p.pageWidth()-2) {
		b.WriteString("  " + line + "\n")
	}
}

func (p *Printer) changes(b *strings.Builder, r remedy.Record) {
	if len(r.Changes) == 0 {
		return
	}
	p.heading(b, "Changes")
	for i, c := range r.Changes {
		fate := ""
		switch {
		case c.Error != "":
			fate = p.paint(red, "failed: "+Clean(c.Error))
		case !c.At.IsZero():
			fate = p.paint(dim, "at "+Exactly(c.At))
		case r.Outcome == remedy.Observed || r.Outcome == remedy.Held:
			fate = p.paint(yellow, "not made")
		}
		b.WriteString(strings.TrimRight(fmt.Sprintf("  %d. %s  %s", i+1, Clean(c.API), fate), " ") + "\n")
		params, err := json.Marshal(c.Params)
		if err != nil || string(params) == "null" {
			continue
		}
		for _, line := range lines(params) {
			b.WriteString("     " + line + "\n")
		}
	}
}

func (p *Printer) state(b *strings.Builder, r remedy.Record) {
	switch {
	case len(r.Before) > 0 && len(r.After) > 0:
		p.heading(b, "State (- before, + after)")
		p.diff(b, linediff.Compare(lines(r.Before), lines(r.After)))
	case len(r.Before) > 0:
		p.heading(b, "State before")
		p.text(b, lines(r.Before))
	case len(r.After) > 0:
		p.heading(b, "State after")
		p.text(b, lines(r.After))
	}
}

func (p *Printer) text(b *strings.Builder, lines []string) {
	for _, line := range lines {
		b.WriteString("    " + line + "\n")
	}
}

// Moment is a moment of a remediation.
type Moment struct {
	Name  string
	At    time.Time
	Since string // what passed since the moment before it: "+1.2s"; empty for the first
	What  string // what happened then
}

// Moments gives a remediation's moments in order; those it did not come to are left out.
func Moments(t remedy.Times) (out []Moment) {
	for _, m := range []Moment{
		{Name: "changed", At: t.Changed, What: "by the source's clock"},
		{Name: "received", At: t.Received, What: "the event was taken in"},
		{Name: "began", At: t.Began, What: "a function began with it"},
		{Name: "decided", At: t.Decided, What: "the live state was read and judged"},
		{Name: "intent", At: t.Intent, What: "the before-image was durable"},
		{Name: "fixed", At: t.Fixed, What: "the last call returned"},
		{Name: "verified", At: t.Verified, What: "a read found it in order"},
		{Name: "recorded", At: t.Recorded, What: "this record was written"},
	} {
		if m.At.IsZero() {
			continue
		}
		if n := len(out); n > 0 {
			last := out[n-1].At
			m.Since = "+" + Lasting(m.At.Sub(last))
			if m.At.Before(last) {
				m.Since = "-" + Lasting(last.Sub(m.At))
			}
		}
		out = append(out, m)
	}
	return out
}

// times writes the moments in order, each with what passed since the one before.
func (p *Printer) times(b *strings.Builder, t remedy.Times) {
	p.heading(b, "Times")
	for _, m := range Moments(t) {
		fmt.Fprintf(b, "  %-8s  %s  %12s  %s\n", m.Name, Exactly(m.At), m.Since, p.paint(dim, m.What))
	}
	if d := t.BadFor(); d > 0 {
		fmt.Fprintf(b, "  The bad state lived for %s.\n", Lasting(d))
	}
}
