package console

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Detail is all that is known of one record.
type Detail struct {
	Record remedy.Record
	Traces []Trace // the record's own, and those that came of it later
	Hint   string  // what a person can do next; may be empty
}

// Trace is the way of one piece of work.
type Trace struct {
	Title string // "Trace 5759…"
	Spans []Span // may be empty
	Note  string // a sentence about them, or why there are none; may be empty
}

// Record writes a record in full: what happened and why, what was wrong, the
// calls, the state before and after, the times and the trace.
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
	if d.Hint != "" {
		b.WriteByte('\n')
		b.WriteString(Clean(d.Hint))
		b.WriteByte('\n')
	}
	return p.emit(&b)
}

// Traces writes traces, each as a waterfall.
func (p *Printer) Traces(ts []Trace) error {
	var b strings.Builder
	p.traces(&b, ts)
	return p.emit(&b)
}

func (p *Printer) traces(b *strings.Builder, ts []Trace) {
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

func (p *Printer) summary(b *strings.Builder, r remedy.Record) {
	fs := []field{
		{"outcome", string(r.Outcome), outcomeStyle(r.Outcome)},
		{name: "reason", value: r.Reason},
		{"error", r.Error, red},
		{name: "function", value: join(", ", r.Function, prefixed("severity ", string(r.Severity)), prefixed("mode ", string(r.Mode)))},
		{name: "resource", value: r.Resource.ID},
		{name: "type", value: r.Resource.Type},
		{name: "account", value: r.Resource.Account},
		{name: "region", value: r.Resource.Region},
		{name: "event", value: join(" ", r.Event.Name, prefixed("from ", r.Event.Source))},
		{name: "event id", value: r.Event.ID},
		{name: "actor", value: actor(r.Event.Actor)},
	}
	if r.Attempt > 1 {
		fs = append(fs, field{name: "attempt", value: fmt.Sprint(r.Attempt)})
	}
	fs = append(fs, field{name: "undoes", value: r.Undoes}, field{name: "undone by", value: r.UndoneBy})
	if x := r.Exemption; x != nil {
		fs = append(fs, field{name: "exemption", value: exemption(*x)})
	}
	if c := r.Cap; c != nil {
		fs = append(fs, field{name: "cap", value: fmt.Sprintf("%s: %d reverts in the last %s, at most %d are allowed", c.Kind, c.Count, period(c.Window), c.Limit)})
		for _, v := range c.Recent {
			fs = append(fs, field{name: "before it", value: fmt.Sprintf("%s record %s, %s on %s, changed by %s",
				when(v.At), v.Record, v.Function, v.Resource, actor(v.Actor))})
		}
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
	return fmt.Sprintf("%s until %s: %s (owner %s); covers %s", x.ID, when(x.Expires), strings.TrimSuffix(x.Reason, "."), x.Owner, covers)
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
			fate = p.paint(dim, "at "+exactly(c.At))
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
		p.diff(b, compare(lines(r.Before), lines(r.After)))
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

// times writes the moments in order, each with what passed since the one before.
func (p *Printer) times(b *strings.Builder, t remedy.Times) {
	moments := []struct {
		name string
		at   time.Time
		what string
	}{
		{"changed", t.Changed, "by the source's clock"},
		{"received", t.Received, "the event was taken in"},
		{"began", t.Began, "a function began with it"},
		{"decided", t.Decided, "the live state was read and judged"},
		{"intent", t.Intent, "the before-image was durable"},
		{"fixed", t.Fixed, "the last call returned"},
		{"verified", t.Verified, "a read found it in order"},
		{"recorded", t.Recorded, "this record was written"},
	}
	p.heading(b, "Times")
	var last time.Time
	for _, m := range moments {
		if m.at.IsZero() {
			continue
		}
		since := ""
		if !last.IsZero() {
			since = "+" + span(m.at.Sub(last))
			if m.at.Before(last) {
				since = "-" + span(last.Sub(m.at))
			}
		}
		fmt.Fprintf(b, "  %-8s  %s  %12s  %s\n", m.name, exactly(m.at), since, p.paint(dim, m.what))
		last = m.at
	}
	if d := t.BadFor(); d > 0 {
		fmt.Fprintf(b, "  The bad state lived for %s.\n", span(d))
	}
}
