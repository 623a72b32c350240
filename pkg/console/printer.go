// Package console renders records, functions and traces as text for a
// terminal. What it prints may come from an attacker's event, so every string
// goes through [Clean].
package console

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Printer writes text for people. The zero Width and Color suit files and pipes.
type Printer struct {
	Out   io.Writer
	Width int  // columns of the terminal; 0 means that nothing is cut short
	Color bool // whether to use ANSI colours
}

// New gives a printer that suits out: cut to the width of a terminal, and with
// colours there unless NO_COLOR is set (https://no-color.org) or TERM is dumb.
func New(out io.Writer, getenv func(string) string) *Printer {
	p := &Printer{Out: out}
	f, ok := out.(*os.File)
	if !ok {
		return p
	}
	fd := int(f.Fd()) // #nosec G115 -- file descriptors are small
	if !term.IsTerminal(fd) {
		return p
	}
	p.Color = getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
	if width, _, err := term.GetSize(fd); err == nil {
		p.Width = width
	}
	return p
}

// style is an ANSI colour; the zero style is none.
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
)

// paint gives clean text in a colour, where there are colours.
func (p *Printer) paint(s style, text string) string {
	if !p.Color || s == plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// emit writes what was built.
func (p *Printer) emit(b *strings.Builder) error {
	if _, err := io.WriteString(p.Out, b.String()); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// Say writes one line, cleaned.
func (p *Printer) Say(format string, args ...any) error {
	var b strings.Builder
	b.WriteString(Clean(fmt.Sprintf(format, args...)))
	b.WriteByte('\n')
	return p.emit(&b)
}

// pageWidth is how wide running text is set.
func (p *Printer) pageWidth() int {
	const most = 100
	if p.Width == 0 {
		return most
	}
	return min(max(p.Width, 40), most)
}

// heading starts a part of a longer text.
func (p *Printer) heading(b *strings.Builder, text string) {
	b.WriteByte('\n')
	b.WriteString(p.paint(bold, text))
	b.WriteByte('\n')
}

// field is a named line of a longer text.
type field struct {
	name, value string
	style       style
}

// fields writes those that have a value, their values aligned and wrapped.
func (p *Printer) fields(b *strings.Builder, fs ...field) {
	const indent, gap = 2, 2
	widest := 0
	for _, f := range fs {
		if f.value != "" {
			widest = max(widest, cells(f.name))
		}
	}
	left := indent + widest + gap
	for _, f := range fs {
		if f.value == "" {
			continue
		}
		b.WriteString(strings.Repeat(" ", indent))
		b.WriteString(p.paint(dim, f.name))
		b.WriteString(strings.Repeat(" ", widest-cells(f.name)+gap))
		for i, line := range wrap(Clean(f.value), p.pageWidth()-left) {
			if i > 0 {
				b.WriteString(strings.Repeat(" ", left))
			}
			b.WriteString(p.paint(f.style, line))
			b.WriteByte('\n')
		}
	}
}
