package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// printer writes what the rehearsal does.
type printer struct{ w io.Writer }

func (p printer) line(format string, args ...any) { _, _ = fmt.Fprintf(p.w, format+"\n", args...) }

func (p printer) step(what string) { p.line("%s ...", what) }

// left says what is not in the emulator's stack.
func (p printer) left(count map[string]int) {
	for _, kind := range slices.Sorted(maps.Keys(count)) {
		why := cannotCreate[kind]
		if why != "" {
			why = ": " + why
		}
		p.line("  not on the emulator: %2d %s%s", count[kind], kind, why)
	}
}

// log prints what a function wrote.
func (p printer) log(text string) {
	for l := range strings.Lines(text) {
		p.line("    | %s", strings.TrimRight(l, "\n"))
	}
}

func (p printer) outcome(r result) {
	if r.err != nil {
		p.line("  FAILED %s: %v", r.function, r.err)
		return
	}
	p.line("  %s: as it must be", r.function)
}

// report prints the table.
func (p printer) report(table []result) {
	p.line("")
	tw := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(tw, "WHERE\tFUNCTION\tINIT MS\tINVOKE MS\tACTIONS USED\tALLOWED, NOT USED\tOUTCOME")
	for _, r := range table {
		outcome := "reverted; denied outside its role"
		switch {
		case r.err != nil:
			outcome = "FAILED"
		case strings.HasSuffix(r.function, receiver):
			outcome = "handed on; denied outside its role"
		}
		_, _ = fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%d\t%d\t%s\n", r.where, r.function, ms(r.start), ms(r.invoke), len(r.used), len(r.unused), outcome)
	}
	_ = tw.Flush()
	p.line("")
	p.line("Allowed, and not used here:")
	for _, r := range table {
		if r.err == nil {
			p.line("  %s, %s: %s", r.where, r.function, strings.Join(r.unused, " "))
		}
	}
}

func ms(d time.Duration) string { return fmt.Sprintf("%.0f", float64(d)/float64(time.Millisecond)) }
