package console

import "strings"

// Finding is what a check of a deployment found.
type Finding struct {
	Check, Subject string
	Result         string // "ok", "warning" or "failed"
	Found          string // a sentence
	Fix            string // what to do; "" when all is well
}

// Findings writes a table of findings, one a line, and below it what to do about
// those that are not well, in full.
func (p *Printer) Findings(fs []Finding) error {
	columns := []column{{title: "result"}, {title: "check"}, {"subject", cutStart}, {"found", cutEnd}}
	var (
		rows [][]cell
		ill  []Finding
	)
	for _, f := range fs {
		rows = append(rows, []cell{{f.Result, resultStyle(f.Result)}, {text: f.Check}, {text: orDash(f.Subject)}, {text: f.Found}})
		if f.Fix != "" {
			ill = append(ill, f)
		}
	}
	var b strings.Builder
	p.table(&b, columns, rows)
	if len(ill) > 0 {
		p.heading(&b, "What to do")
	}
	for _, f := range ill {
		b.WriteString("  " + p.paint(resultStyle(f.Result), Clean(f.Check+" "+f.Subject)) + "\n")
		for _, line := range append(wrap(Clean(f.Found), p.pageWidth()-4), wrap(Clean(f.Fix), p.pageWidth()-4)...) {
			b.WriteString("    " + line + "\n")
		}
	}
	return p.emit(&b)
}

func resultStyle(result string) style {
	switch result {
	case "ok":
		return green
	case "warning":
		return yellow
	}
	return red
}
