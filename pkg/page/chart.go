package page

import (
	"fmt"
	"html/template"
	"math"
)

// Columns is a chart of stacked columns: a series over time, or a histogram.
type Columns struct {
	ID      string // of its element: a word that no other chart on the page has
	Title   string // what it shows
	Summary string // what is to be seen in it, in a sentence: its text alternative, beside the table of its figures
	Axis    string // what a column stands for: "day", "bad for"
	Kinds   []Kind // the parts of a column, from its foot up
	Columns []Column
}

// Kind is one part of each column.
type Kind struct {
	Name  string
	Color int // 0 to 5: done, noted, held, failed, exempt, other
}

// Column is one column of a chart, with a value for each kind.
type Column struct {
	Label  string
	Values []int64
}

// The chart's measures, in its own units. The left margin takes the scale's
// figures also where a phone shows them larger.
const (
	chartWidth, chartHeight     = 640.0, 220.0
	plotLeft, plotRight         = 80.0, 632.0
	plotTop, plotBottom         = 18.0, 180.0
	columnGapShare, columnWidth = 0.15, 60.0 // of a column's place; the widest column
)

// HTML gives the chart as a figure: an inline SVG with its title and description,
// a legend where there is more than one kind, and its figures as a table.
func (c Columns) HTML() (template.HTML, error) {
	v := columnsView{Columns: c, Totals: make([]int64, len(c.Kinds))}
	var most int64
	for _, col := range c.Columns {
		var sum int64
		for i, n := range col.Values {
			sum += n
			v.Totals[i] += n
		}
		most = max(most, sum)
	}
	top := niceTop(most)
	y := func(n int64) float64 { return plotBottom - float64(n)/float64(top)*(plotBottom-plotTop) }
	for _, n := range []int64{0, top / 2, top} {
		if n > 0 || len(v.Grid) == 0 {
			v.Grid = append(v.Grid, gridView{y(n), Count(n)})
		}
	}
	place := (plotRight - plotLeft) / float64(max(len(c.Columns), 1))
	width := min(place*(1-columnGapShare), columnWidth)
	for i, col := range c.Columns {
		x := plotLeft + place*(float64(i)+0.5) - width/2
		var below int64
		for k, n := range col.Values {
			if n == 0 {
				continue
			}
			v.Rects = append(v.Rects, rectView{
				X: x, Y: y(below + n), Width: width, Height: y(below) - y(below+n), Color: c.Kinds[k].Color,
				Title: fmt.Sprintf("%s: %s %s", col.Label, Count(n), c.Kinds[k].Name),
			})
			below += n
		}
	}
	v.Labels = labels(c.Columns, place)
	return render("columns", v)
}

type columnsView struct {
	Columns
	Totals []int64
	Grid   []gridView
	Rects  []rectView
	Labels []labelView
}

type gridView struct {
	Y    float64
	Text string
}

type rectView struct {
	X, Y, Width, Height float64
	Color               int
	Title               string
}

type labelView struct {
	X            float64
	Anchor, Text string
}

// labels names the first, the middle and the last column: what fits on a phone.
func labels(cols []Column, place float64) (out []labelView) {
	at := func(i int, anchor string) {
		x := plotLeft + place*(float64(i)+0.5)
		switch anchor {
		case "start":
			x -= place / 2
		case "end":
			x += place / 2
		}
		out = append(out, labelView{x, anchor, cols[i].Label})
	}
	switch n := len(cols); n {
	case 0:
	case 1:
		at(0, "middle")
	default:
		at(0, "start")
		if n > 2 && n%2 == 1 {
			at(n/2, "middle")
		}
		at(n-1, "end")
	}
	return out
}

// niceTop gives the end of a scale that holds n: an even number, easy to halve.
func niceTop(n int64) int64 {
	if n <= 2 {
		return 2
	}
	scale := int64(math.Pow10(int(math.Log10(float64(n)))))
	for _, m := range []int64{1, 2, 3, 4, 5, 6, 8, 10} {
		if top := m * scale; top >= n && top%2 == 0 {
			return top
		}
	}
	return 10 * scale
}

// Bars is a list of the most frequent things with a bar for each: a table, and so
// its own text alternative.
type Bars struct {
	Title string // of the table
	Name  string // of what is listed: "function"
	Value string // of what is counted: "put back"
	Rows  []Bar
	Note  string // a sentence below it; may be empty
}

// Bar is one line of [Bars].
type Bar struct {
	Label string
	Value int64
	Text  string // the value in words; empty means [Count] of it
	Note  string // more about it; may be empty
}

// HTML gives the list as a table.
func (b Bars) HTML() (template.HTML, error) {
	var most int64 = 1
	notes := false
	for i, r := range b.Rows {
		most = max(most, r.Value)
		notes = notes || r.Note != ""
		if r.Text == "" {
			b.Rows[i].Text = Count(r.Value)
		}
	}
	return render("bars", struct {
		Bars
		Most  float64
		Notes bool
	}{b, float64(most), notes})
}

// Share gives a row's bar in hundredths of the longest.
func (b Bar) Share(most float64) string {
	return fmt.Sprintf("%.2f", math.Max(float64(b.Value), 0)/most*100)
}
