// Package linediff compares two texts line by line, JSON first of all: the
// states before and after a remediation.
package linediff

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Edit is one line of a difference.
type Edit struct {
	Op   byte // ' ' kept, '-' removed, '+' added
	Line string
}

// maxCompare bounds the table that the comparison of two states fills, in
// cells. Past it the differing middle is shown as wholly replaced.
const maxCompare = 4_000_000

// same reports whether two lines of JSON say the same: the comma that comes
// with a next member is not theirs.
func same(a, b string) bool { return strings.TrimSuffix(a, ",") == strings.TrimSuffix(b, ",") }

// Compare gives the fewest lines to remove and add to get from a to b.
func Compare(a, b []string) []Edit {
	var head, tail []Edit
	for len(a) > 0 && len(b) > 0 && same(a[0], b[0]) {
		head = append(head, Edit{' ', b[0]})
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && same(a[len(a)-1], b[len(b)-1]) {
		tail = append(tail, Edit{' ', b[len(b)-1]})
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	slices.Reverse(tail)
	return append(append(head, middle(a, b)...), tail...)
}

// middle compares by the longest common subsequence.
func middle(a, b []string) (out []Edit) {
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
			out = append(out, Edit{' ', b[j]})
			i, j = i+1, j+1
		case common(i+1, j) >= common(i, j+1):
			out = append(out, Edit{'-', a[i]})
			i++
		default:
			out = append(out, Edit{'+', b[j]})
			j++
		}
	}
	for ; i < len(a); i++ {
		out = append(out, Edit{'-', a[i]})
	}
	for ; j < len(b); j++ {
		out = append(out, Edit{'+', b[j]})
	}
	return out
}

// around is how many unchanged lines are shown on each side of a changed one.
const around = 3

// Part is one line of a difference as it is shown, or a number of unchanged
// lines that are not.
type Part struct {
	Edit
	Same int // lines left out in its place; 0 for a line
}

// Shown leaves out unchanged lines far from any changed one, where that are two
// or more in a row.
func Shown(edits []Edit) (out []Part) {
	near := make([]bool, len(edits))
	for i, e := range edits {
		if e.Op != ' ' {
			for k := max(0, i-around); k <= min(len(edits)-1, i+around); k++ {
				near[k] = true
			}
		}
	}
	for i := 0; i < len(edits); i++ {
		first := i
		for !near[i] && i+1 < len(edits) && !near[i+1] {
			i++
		}
		if n := i - first + 1; n > 1 {
			out = append(out, Part{Same: n})
			continue
		}
		out = append(out, Part{Edit: edits[i]})
	}
	return out
}

// maxIndent is how deep JSON may nest to be indented. Deeper, the indentation
// would outgrow the text: 20 KB of brackets alone would fill 200 MB.
const maxIndent = 100

// Lines gives JSON one member a line; what is not JSON, or nests too deep to be
// read by anyone, as it is.
func Lines(raw []byte) []string {
	var indented bytes.Buffer
	if depth(raw) > maxIndent || json.Indent(&indented, raw, "", "  ") != nil {
		indented.Reset()
		indented.Write(raw)
	}
	return strings.Split(indented.String(), "\n")
}

// depth gives how many brackets of JSON are open at once, at the most.
func depth(raw []byte) (most int) {
	open, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			open++
			most = max(most, open)
		case c == '}' || c == ']':
			open--
		}
	}
	return most
}
