package console

import (
	"fmt"
	"slices"
	"strings"
	"time"
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

// row is a span at its depth in the tree.
type row struct {
	Span
	depth int
}

// tree gives the spans depth first, each one's children by their start. A span
// whose parent is not there is a root; so is one that is its own ancestor.
func tree(spans []Span) []row {
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
	var out []row
	seen := make([]bool, len(spans))
	var visit func(i, depth int)
	visit = func(i, depth int) {
		if seen[i] {
			return
		}
		seen[i] = true
		out = append(out, row{spans[i], depth})
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

// The waterfall's measures, in columns.
const (
	maxName = 48
	minBar  = 10
	maxBar  = 48
	maxNote = 60 // of an error, which the steps around it repeat; the record has it whole
)

// waterfall writes a trace: each step's name, when it ran within the whole,
// how long after the start it began and how long it took.
func (p *Printer) waterfall(b *strings.Builder, spans []Span) {
	rows := tree(spans)
	begin, end := rows[0].Start, rows[0].End
	named := 0
	for i, r := range rows {
		if r.Start.Before(begin) {
			begin = r.Start
		}
		if r.End.After(end) {
			end = r.End
		}
		rows[i].Name = cutEnd(strings.Repeat("  ", min(r.depth, maxName/4))+Clean(r.Name), maxName)
		named = max(named, cells(rows[i].Name))
	}
	const figures = 2 + 12 + 2 + 12 // the gap and a duration, twice
	bar := maxBar
	if p.Width > 0 {
		bar = min(max(p.Width-2-named-2-figures, minBar), maxBar)
	}
	total := max(end.Sub(begin), 1)
	for _, r := range rows {
		from, to := position(r.Start.Sub(begin), total, bar), position(r.End.Sub(begin), total, bar)
		from = min(from, bar-1)
		to = min(max(to, from+1), bar)
		kind := green
		if r.Error != "" {
			kind = red
		}
		fmt.Fprintf(b, "  %s%s  %s%s%s  %12s  %12s", r.Name, strings.Repeat(" ", named-cells(r.Name)),
			strings.Repeat("·", from), p.paint(kind, strings.Repeat("█", to-from)), strings.Repeat("·", bar-to),
			"+"+millis(r.Start.Sub(begin)), millis(r.End.Sub(r.Start)))
		if r.Error != "" {
			b.WriteString("  " + p.paint(red, cutEnd(Clean(r.Error), maxNote)))
		}
		b.WriteByte('\n')
	}
}

// position gives the column at which a moment of the whole lies.
func position(at, total time.Duration, bar int) int {
	return int(float64(max(at, 0)) / float64(total) * float64(bar))
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}
