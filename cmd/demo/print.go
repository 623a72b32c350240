package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// printer writes the demo's lines, coloured on a terminal.
type printer struct {
	w      io.Writer
	colour bool
}

func newPrinter(f *os.File) *printer {
	info, err := f.Stat()
	return &printer{f, err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == ""}
}

func (p *printer) line(format string, args ...any) { _, _ = fmt.Fprintf(p.w, format+"\n", args...) }

func (p *printer) paint(code, s string) string {
	if !p.colour {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p *printer) step(what string) { p.line("%s", p.paint("2", what+" ...")) }

func (p *printer) failed(err error) {
	p.line("  %s %v", p.paint("31", "NOT TAKEN BACK:"), err)
}

// field prints a label and its lines under each other.
func (p *printer) field(label, colour, text string) {
	for i, l := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if i > 0 {
			label = ""
		}
		p.line("  %-9s %s", label, p.paint(colour, l))
	}
}

// scene is one bad change.
type scene struct {
	title string
	// arrange makes the good state that is there before.
	arrange func(context.Context) error
	// change makes the bad change and gives what was called.
	change func(context.Context) (string, error)
	// deliver hands the event of the change to ebb.
	deliver func(context.Context) (eventID string, err error)
	// state reads the resource back from where it lives.
	state func(context.Context) (string, error)
	// good says whether a state is what must be there in the end.
	good func(state string) bool
}

// play makes the change, waits for ebb, and says what happened.
func (s *stage) play(ctx context.Context, out *printer, number string, sc scene) error {
	out.line("\n%s  %s", number, out.paint("1", sc.title))
	if err := sc.arrange(ctx); err != nil {
		return fmt.Errorf("arrange: %w", err)
	}
	s.changed = time.Now()
	call, err := sc.change(ctx)
	if err != nil {
		return fmt.Errorf("change: %w", err)
	}
	out.field("changed", "", call)
	before, err := sc.state(ctx)
	if err != nil {
		return fmt.Errorf("read before: %w", err)
	}
	out.field("before", "31", before)
	id, err := sc.deliver(ctx)
	if err != nil {
		return fmt.Errorf("deliver the event: %w", err)
	}
	rec, err := s.record(ctx, id)
	if err != nil {
		return err
	}
	for _, c := range rec.Changes {
		params, err := json.Marshal(c.Params)
		if err != nil {
			return err
		}
		out.field("ebb", "36", c.API+" "+string(params))
	}
	out.field("why", "", rec.Reason)
	after, err := sc.state(ctx)
	if err != nil {
		return fmt.Errorf("read after: %w", err)
	}
	out.field("after", "32", after)
	out.field("bad for", "", rec.Times.BadFor().Round(time.Millisecond).String())
	switch {
	case rec.Outcome != remedy.Reverted:
		return fmt.Errorf("the record's outcome is %s: %s", rec.Outcome, rec.Reason)
	case !sc.good(after):
		return fmt.Errorf("the state afterwards is not the good one: %s", after)
	}
	return nil
}

// table prints the records, oldest first.
func (s *stage) table(ctx context.Context, out *printer) error {
	recs, err := s.records(ctx)
	if err != nil {
		return err
	}
	slices.Reverse(recs)
	out.line("")
	tw := tabwriter.NewWriter(out.w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(tw, "OUTCOME\tFUNCTION\tRESOURCE\tACTOR\tBAD FOR\tRECORD")
	for _, r := range recs {
		_, _ = fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Outcome, r.Function, r.Resource, r.Event.Actor,
			r.Times.BadFor().Round(time.Millisecond), r.ID)
	}
	return tw.Flush()
}
