// Package waterfall orders the spans of a trace for people: as a tree, each step
// below the one it is part of.
package waterfall

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Span is one step of a trace.
type Span struct {
	ID         string            `json:"span_id"`
	Trace      string            `json:"trace_id,omitempty"`
	Parent     string            `json:"parent_id,omitempty"`
	Name       string            `json:"name"`
	Kind       string            `json:"kind,omitempty"` // "internal", "server", "client", "producer" or "consumer"
	Start      time.Time         `json:"start"`
	End        time.Time         `json:"end"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Error      string            `json:"error,omitempty"`
	Links      []string          `json:"links,omitempty"` // trace and span id of each, with a dash between
}

// Trace is the way of one piece of work.
type Trace struct {
	Title string // "Trace 5759…"
	Spans []Span // may be empty
	Note  string // a sentence about them, or why there are none; may be empty
}

// Row is a span at its depth in the tree.
type Row struct {
	Span
	Depth int
}

// Tree gives the spans depth first, each one's children by their start. A span
// whose parent is not there is a root; so is one that is its own ancestor.
func Tree(spans []Span) []Row {
	spans = slices.Clone(spans)
	slices.SortStableFunc(spans, func(a, b Span) int { return a.Start.Compare(b.Start) })
	ids := map[string]bool{}
	children := map[string][]int{}
	for _, s := range spans {
		ids[s.ID] = true
	}
	for i, s := range spans {
		if s.Parent != "" && ids[s.Parent] {
			children[s.Parent] = append(children[s.Parent], i)
		}
	}
	var out []Row
	seen := make([]bool, len(spans))
	var visit func(i, depth int)
	visit = func(i, depth int) {
		if seen[i] {
			return
		}
		seen[i] = true
		out = append(out, Row{spans[i], depth})
		for _, c := range children[spans[i].ID] {
			visit(c, depth+1)
		}
	}
	for i, s := range spans {
		if s.Parent == "" || !ids[s.Parent] {
			visit(i, 0)
		}
	}
	for i := range spans {
		visit(i, 0)
	}
	return out
}

// Bounds gives when the first of the spans begins and the last one ends.
func Bounds(rows []Row) (begin, end time.Time) {
	begin, end = rows[0].Start, rows[0].End
	for _, r := range rows {
		if r.Start.Before(begin) {
			begin = r.Start
		}
		if r.End.After(end) {
			end = r.End
		}
	}
	return begin, end
}

// OfRecord gives the steps that a record's times tell of as spans: what can be
// drawn where no span was kept. None when the record has no times.
func OfRecord(rec remedy.Record) []Span {
	steps := rec.Times.Steps()
	if len(steps) == 0 {
		return nil
	}
	span := func(name, parent string, s remedy.Step) Span {
		sum := sha256.Sum256([]byte(rec.ID + " " + rec.SpanID + " " + name)) // the same at each look
		return Span{
			Trace: rec.TraceID, ID: hex.EncodeToString(sum[:8]), Parent: parent, Name: name, Kind: "internal", Start: s.From, End: s.To,
			Attributes: map[string]string{string(remedy.FunctionKey): rec.Function, string(remedy.RecordKey): rec.ID},
		}
	}
	root := span("remediate", "", remedy.Step{From: steps[0].From, To: steps[len(steps)-1].To})
	root.Attributes[string(remedy.OutcomeKey)] = string(rec.Outcome)
	root.Attributes[string(remedy.ResourceKey)] = rec.Resource.ID
	root.Error = rec.Error
	out := []Span{root}
	for _, s := range steps {
		out = append(out, span(s.Name, root.ID, s))
	}
	return out
}
