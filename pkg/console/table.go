package console

import "strings"

// column is one column of a table.
type column struct {
	title string
	cut   func(string, int) string // how to shorten it on a narrow terminal; nil means never
}

// cell is one value in a table.
type cell struct {
	text  string
	style style
}

// minCut is how narrow a column may become, in columns of the terminal.
const minCut = 6

const columnGap = 2

// table writes a header and rows, aligned.
func (p *Printer) table(b *strings.Builder, columns []column, rows [][]cell) {
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = cells(c.title)
	}
	for _, row := range rows {
		for i := range row {
			row[i].text = Clean(row[i].text)
			widths[i] = max(widths[i], cells(row[i].text))
		}
	}
	p.narrow(columns, widths)
	header := make([]cell, len(columns))
	for i, c := range columns {
		header[i] = cell{strings.ToUpper(c.title), bold}
	}
	for _, row := range append([][]cell{header}, rows...) {
		for i, c := range row {
			text := c.text
			if columns[i].cut != nil {
				text = columns[i].cut(text, widths[i])
			}
			b.WriteString(p.paint(c.style, text))
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-cells(text)+columnGap))
			}
		}
		b.WriteByte('\n')
	}
}

// narrow takes width from the widest columns that may be cut, until the table
// fits the terminal or nothing more can be taken.
func (p *Printer) narrow(columns []column, widths []int) {
	total := columnGap * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	for ; p.Width > 0 && total > p.Width; total-- {
		widest := -1
		for i, c := range columns {
			if c.cut != nil && widths[i] > minCut && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}
