package console

import (
	"fmt"
	"strings"

	"github.com/ebb-ops/ebb/pkg/linediff"
)

// diff writes the lines that differ, with their surroundings.
func (p *Printer) diff(b *strings.Builder, edits []linediff.Edit) {
	styles := map[byte]style{'-': red, '+': green}
	for _, part := range linediff.Shown(edits) {
		switch {
		case part.Same > 0:
			fmt.Fprintf(b, "    %s\n", p.paint(dim, fmt.Sprintf("… %d lines that are the same", part.Same)))
		default:
			fmt.Fprintf(b, "  %s\n", p.paint(styles[part.Op], string(part.Op)+" "+part.Line))
		}
	}
}

// lines gives JSON one member a line, cleaned; what is not JSON as it is.
func lines(raw []byte) []string {
	out := linediff.Lines(raw)
	for i, line := range out {
		out[i] = Clean(line)
	}
	return out
}
