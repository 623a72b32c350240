package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// edit is one line of a diff: ' ' kept, '-' removed, '+' added.
type edit struct {
	op   byte
	line string
}

// maxCompare bounds the table that the comparison of two states fills, in
// cells. Past it the differing middle is shown as wholly replaced.
const maxCompare = 4_000_000

// same reports whether two lines of JSON say the same: the comma that comes
// with a next member is not theirs.
func same(a, b string) bool { return strings.TrimSuffix(a, ",") == strings.TrimSuffix(b, ",") }

// compare gives the fewest lines to remove and add to get from a to b.
func compare(a, b []string) []edit {
	var head, tail []edit
	for len(a) > 0 && len(b) > 0 && same(a[0], b[0]) {
		head = append(head, edit{' ', b[0]})
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && same(a[len(a)-1], b[len(b)-1]) {
		tail = append(tail, edit{' ', b[len(b)-1]})
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	slices.Reverse(tail)
	return append(append(head, middle(a, b)...), tail...)
}

// middle compares by the longest common subsequence.
func middle(a, b []string) (out []edit) {
	common := func(int, int) int32 { return 0 }
	if (len(a)+1)*(len(b)+1) <= maxCompare {
		wide := len(b) + 1
		table := make([]int32, (len(a)+1)*wide)
		for i := len(a) - 1; i >= 0; i-- {
			for j := len(b) - 1; j >= 0; j-- {
				if same(a[i], b[j]) {
					table[i*wide+j] = table[(i+1)*wide+j+1] + 1
				} else {
					table[i*wide+j] = max(table[(i+1)*wide+j], table[i*wide+j+1])
				}
			}
		}
		common = func(i, j int) int32 { return table[i*wide+j] }
	}
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case same(a[i], b[j]) && common(i, j) > 0:
			out = append(out, edit{' ', b[j]})
			i, j = i+1, j+1
		case common(i+1, j) >= common(i, j+1):
			out = append(out, edit{'-', a[i]})
			i++
		default:
			out = append(out, edit{'+', b[j]})
			j++
		}
	}
	for ; i < len(a); i++ {
		out = append(out, edit{'-', a[i]})
	}
	for ; j < len(b); j++ {
		out = append(out, edit{'+', b[j]})
	}
	return out
}

// around is how many unchanged lines are shown on each side of a changed one.
const around = 3

// diff writes the lines that differ, with their surroundings.
func (p *Printer) diff(b *strings.Builder, edits []edit) {
	near := make([]bool, len(edits))
	for i, e := range edits {
		if e.op != ' ' {
			for k := max(0, i-around); k <= min(len(edits)-1, i+around); k++ {
				near[k] = true
			}
		}
	}
	styles := map[byte]style{'-': red, '+': green}
	for i := 0; i < len(edits); i++ {
		if near[i] {
			e := edits[i]
			fmt.Fprintf(b, "  %s\n", p.paint(styles[e.op], string(e.op)+" "+e.line))
			continue
		}
		first := i
		for i+1 < len(edits) && !near[i+1] {
			i++
		}
		note := fmt.Sprintf("… %d lines that are the same", i-first+1)
		if i == first {
			note = edits[i].line
		}
		fmt.Fprintf(b, "    %s\n", p.paint(dim, note))
	}
}

// lines gives JSON one member a line, cleaned; what is not JSON as it is.
func lines(raw []byte) []string {
	var indented bytes.Buffer
	if json.Indent(&indented, raw, "", "  ") != nil {
		indented.Reset()
		indented.Write(raw)
	}
	var out []string
	for line := range strings.SplitSeq(indented.String(), "\n") {
		out = append(out, Clean(line))
	}
	return out
}
