package console

import (
	"strings"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// ShortID is how many characters of a record's id a table shows: enough to
// tell it from the others.
const ShortID = 8

// Records writes a table of records, one a line, in the order given.
func (p *Printer) Records(recs []remedy.Record) error {
	columns := []column{
		{title: "time"}, {title: "outcome"}, {"function", cutEnd}, {"resource", cutStart},
		{"actor", cutStart}, {title: "bad for"}, {title: "id"},
	}
	var rows [][]cell
	for _, r := range recs {
		badFor := "-"
		if d := r.Times.BadFor(); d > 0 {
			badFor = Lasting(d)
		}
		rows = append(rows, []cell{
			{text: orDash(When(r.Times.Received))},
			{string(r.Outcome), outcomeStyle(r.Outcome)},
			{text: orDash(r.Function)},
			{text: orDash(r.Resource.ID)},
			{text: r.Event.Actor.String()},
			{text: badFor},
			{orDash(r.ID[:min(len(r.ID), ShortID)]), dim},
		})
	}
	var b strings.Builder
	p.table(&b, columns, rows)
	return p.emit(&b)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func outcomeStyle(o remedy.Outcome) style {
	switch o {
	case remedy.Failed, remedy.Held:
		return red
	case remedy.Reverted, remedy.Undone:
		return green
	case remedy.Observed, remedy.Pending:
		return yellow
	}
	return plain
}
