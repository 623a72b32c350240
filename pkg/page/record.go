package page

import (
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/linediff"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/waterfall"
)

// Detail is what [Record] shows.
type Detail struct {
	Record remedy.Record
	Traces []waterfall.Trace      // the record's own, and those that came of it later
	Level  int                    // of its heading, 1 to 4; 0 means 2
	Link   func(id string) string // where another record is shown; nil, or "" for an id, means nowhere
}

// Bounds of what one record takes on a page.
const (
	maxLines = 400 // of the difference, and of each call's parameters
	maxSpans = 200 // of each trace
)

// Record gives a record in full, as an article: how it ended and why, what was
// wrong, the calls with their parameters, the difference between the states, the
// times, the traces, and the command that undoes it. Its id is [Anchor]'s.
func Record(d Detail) (template.HTML, error) {
	if d.Level == 0 {
		d.Level = 2
	}
	if d.Link == nil {
		d.Link = func(string) string { return "" }
	}
	r := d.Record
	v := recordView{
		ID: r.ID, Title: title(r), Level: d.Level, Under: d.Level + 1, Outcome: r.Outcome, Reason: r.Reason,
		Violations: r.Violations, Moments: console.Moments(r.Times), BadFor: r.Times.BadFor(), Undo: Undo(r),
	}
	for _, f := range console.Facts(r) {
		switch f.Name {
		case "outcome", "reason":
		case "undoes", "undone by":
			v.Facts = append(v.Facts, factView{f, d.Link(f.Value)})
		default:
			v.Facts = append(v.Facts, factView{f, ""})
		}
	}
	for _, c := range r.Changes {
		v.Changes = append(v.Changes, changeOf(r, c))
	}
	v.State, v.StateLines = stateOf(r)
	for _, t := range d.Traces {
		v.Traces = append(v.Traces, traceOf(t))
	}
	return render("record.tmpl", v)
}

type recordView struct {
	ID, Title, Reason string
	Level, Under      int // of the record's heading, and of those in it
	Outcome           remedy.Outcome
	Facts             []factView
	Violations        []remedy.Violation
	Changes           []changeView
	State             string // what StateLines are; empty when no state is known
	StateLines        linesView
	Moments           []console.Moment
	BadFor            time.Duration
	Traces            []traceView
	Undo              string
}

type factView struct {
	console.Fact
	Link string
}

// title names what a record is about in a line.
func title(r remedy.Record) string {
	words := string(r.Outcome)
	if words == "" {
		words = "record"
	}
	words = strings.ToUpper(words[:1]) + words[1:]
	if r.Resource.ID != "" {
		words += ": " + r.Resource.ID
	}
	return words
}

// Undo gives the command that undoes a record, or "" when there is nothing to undo.
func Undo(r remedy.Record) string {
	if !r.Undoable() {
		return ""
	}
	return "ebb undo " + shellWord(r.ID) + " --reason TEXT"
}

// shellWord quotes what a shell would not take as one plain word.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "0123456789abcdefghijklmnopqrstuvwxyz") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(console.Clean(s), "'", `'\''`) + "'"
}

type changeView struct {
	API, Fate string
	Failed    bool
	Params    linesView
}

func changeOf(r remedy.Record, c remedy.AppliedCall) changeView {
	v := changeView{API: c.API}
	switch {
	case c.Error != "":
		v.Fate, v.Failed = "failed: "+c.Error, true
	case !c.At.IsZero():
		v.Fate = "made at " + console.Exactly(c.At)
	case r.Outcome == remedy.Observed || r.Outcome == remedy.Held:
		v.Fate = "not made"
	}
	if params, err := json.Marshal(c.Params); err == nil && string(params) != "null" {
		v.Params = linesOf(whole(linediff.Lines(params)))
	}
	return v
}

// linesView is text in lines, some of them removed or added.
type linesView struct {
	Lines []lineView
	More  int // lines that are not shown
}

type lineView struct {
	Kind string // "kept", "removed", "added" or "gap"
	Text string
}

func linesOf(parts []linediff.Part) (v linesView) {
	kinds := map[byte]string{' ': "kept", '-': "removed", '+': "added"}
	for i, part := range parts {
		if i == maxLines {
			v.More = len(parts) - i
			break
		}
		if part.Same > 0 {
			v.Lines = append(v.Lines, lineView{"gap", fmt.Sprintf("… %d lines that are the same", part.Same)})
			continue
		}
		v.Lines = append(v.Lines, lineView{kinds[part.Op], console.Clean(part.Line)})
	}
	return v
}

// stateOf gives the difference that a record made, or the one state it knows.
func stateOf(r remedy.Record) (what string, v linesView) {
	before, after := linediff.Lines(r.Before), linediff.Lines(r.After)
	switch {
	case len(r.Before) > 0 && len(r.After) > 0:
		return "State before and after", linesOf(linediff.Shown(linediff.Compare(before, after)))
	case len(r.Before) > 0:
		return "State before", linesOf(whole(before))
	case len(r.After) > 0:
		return "State after", linesOf(whole(after))
	}
	return "", linesView{}
}

func whole(lines []string) (out []linediff.Part) {
	for _, line := range lines {
		out = append(out, linediff.Part{Edit: linediff.Edit{Op: ' ', Line: line}})
	}
	return out
}

type traceView struct {
	Title, Note string
	Rows        []spanView
	More        int // spans that are not shown
}

type spanView struct {
	Name        string
	Depth       int     // at most maxDepth
	From, Width float64 // of its bar, in hundredths of the whole
	Start, Took time.Duration
	Error       string
}

// maxDepth is how far steps are indented, in steps.
const maxDepth = 8

func traceOf(t waterfall.Trace) traceView {
	v := traceView{Title: t.Title, Note: t.Note}
	if len(t.Spans) == 0 {
		return v
	}
	rows := waterfall.Tree(t.Spans)
	begin, end := waterfall.Bounds(rows)
	total := float64(max(end.Sub(begin), 1))
	for i, r := range rows {
		if i == maxSpans {
			v.More = len(rows) - i
			break
		}
		const least = 0.6 // a step that took no time is still seen
		from := min(float64(r.Start.Sub(begin))/total*100, 100-least)
		width := max(float64(r.End.Sub(r.Start))/total*100, least)
		v.Rows = append(v.Rows, spanView{
			Name: r.Name, Depth: min(r.Depth, maxDepth), From: from, Width: min(width, 100-from),
			Start: r.Start.Sub(begin), Took: max(r.End.Sub(r.Start), 0), Error: r.Error,
		})
	}
	return v
}
