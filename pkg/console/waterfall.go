package console

import (
	"fmt"
	"strings"
	"time"

	"github.com/ebb-ops/ebb/pkg/waterfall"
)

// The waterfall's measures, in columns.
const (
	maxName = 48
	minBar  = 10
	maxBar  = 48
	maxNote = 60 // of an error, which the steps around it repeat; the record has it whole
)

// waterfall writes a trace: each step's name, when it ran within the whole,
// how long after the start it began and how long it took.
func (p *Printer) waterfall(b *strings.Builder, spans []waterfall.Span) {
	rows := waterfall.Tree(spans)
	begin, end := waterfall.Bounds(rows)
	named := 0
	for i, r := range rows {
		rows[i].Name = cutEnd(strings.Repeat("  ", min(r.Depth, maxName/4))+Clean(r.Name), maxName)
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
