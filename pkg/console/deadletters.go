package console

import (
	"fmt"
	"strings"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// DeadLetters writes a table of dead letters, one a line, in the order given.
func (p *Printer) DeadLetters(ds []remedy.DeadLetter) error {
	columns := []column{
		{title: "time"}, {"function", cutEnd}, {"source", cutEnd}, {"event", cutEnd},
		{title: "attempts"}, {"reason", cutEnd}, {title: "id"},
	}
	var rows [][]cell
	for _, d := range ds {
		rows = append(rows, []cell{
			{text: orDash(When(d.At))}, {text: orDash(d.Function)}, {text: orDash(d.Source)}, {text: orDash(d.Event)},
			{text: fmt.Sprint(d.Attempts)}, {d.Reason, red}, {d.ID[:min(len(d.ID), ShortID)], dim},
		})
	}
	var b strings.Builder
	p.table(&b, columns, rows)
	return p.emit(&b)
}

// DeadLetter writes a dead letter in full, its payload included.
func (p *Printer) DeadLetter(d remedy.DeadLetter, hint string) error {
	var b strings.Builder
	b.WriteString(p.paint(bold, "Dead letter "+Clean(d.ID)) + "\n")
	p.fields(&b,
		field{"reason", d.Reason, red},
		field{name: "time", value: When(d.At)},
		field{name: "function", value: d.Function},
		field{name: "source", value: d.Source},
		field{name: "event id", value: d.Event},
		field{name: "attempts", value: fmt.Sprint(d.Attempts)},
	)
	p.payload(&b, "Payload", d.Payload)
	b.WriteString("\n" + Clean(hint) + "\n")
	return p.emit(&b)
}

func (p *Printer) payload(b *strings.Builder, title string, payload []byte) {
	p.heading(b, fmt.Sprintf("%s (%d bytes)", title, len(payload)))
	p.text(b, lines(payload))
}
