package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// printer writes the demo's lines, coloured on a terminal.
type printer struct {
	w      io.Writer
	colour bool
	width  int // of the terminal; 0 where there is none
}

func newPrinter(f *os.File) *printer {
	p := &printer{w: f}
	if !isTerminal(f) {
		return p
	}
	p.colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	if width, _, err := term.GetSize(int(f.Fd())); err == nil { // #nosec G115 -- file descriptors are small
		p.width = width
	}
	return p
}

// clip cuts text to what is left of a line of the terminal.
func (p *printer) clip(text string, taken int) string {
	r := []rune(text)
	if room := p.width - taken; p.width > 0 && room > 1 && len(r) > room {
		return string(r[:room-1]) + "…"
	}
	return text
}

func isTerminal(f *os.File) bool {
	return term.IsTerminal(int(f.Fd())) // #nosec G115 -- file descriptors are small
}

func (p *printer) line(format string, args ...any) { _, _ = fmt.Fprintf(p.w, format+"\n", args...) }

func (p *printer) paint(code, s string) string {
	if !p.colour || code == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// step does what takes a while, and says what and how long.
func (p *printer) step(what string, do func() error) error {
	_, _ = fmt.Fprint(p.w, p.paint("2", fmt.Sprintf("%-52s", what+" ...")))
	began := time.Now()
	err := do()
	if err != nil {
		p.line("%s", p.paint("31", "failed"))
		return err
	}
	p.line("%s", p.paint("2", fmt.Sprintf("%5.1fs", time.Since(began).Seconds())))
	return nil
}

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
	title    string
	function string // that takes the change back
	// arrange makes the good state that is there before.
	arrange func(context.Context) error
	// change makes the bad change and gives what was called.
	change func(context.Context) (string, error)
	// event gives the id of the change's event, that ebb has or will have.
	event func(context.Context) (id string, err error)
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
	if err := s.settle(ctx); err != nil {
		return err
	}
	s.changed = time.Now()
	call, before, err := s.spoil(ctx, sc)
	if err != nil {
		return err
	}
	out.field("changed", "", call)
	out.field("before", "31", before)
	id, err := sc.event(ctx)
	if err != nil {
		return err
	}
	rec, err := s.record(ctx, id, sc.function)
	if errors.Is(err, errLost) {
		out.field("lost", "33", "its event never came, so ebb knows nothing of it")
		return nil
	}
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
	out.field("bad for", "", period(rec.Times.BadFor())+"  "+steps(rec.Times))
	switch {
	case rec.Outcome != remedy.Reverted:
		return fmt.Errorf("the record's outcome is %s: %s", rec.Outcome, rec.Reason)
	case !sc.good(after):
		return fmt.Errorf("the state afterwards is not the good one: %s", after)
	}
	return nil
}

func period(d time.Duration) string { return d.Round(time.Millisecond).String() }

// steps says where the time went.
func steps(t remedy.Times) string {
	var parts []string
	for _, s := range t.Steps() {
		parts = append(parts, s.Name+" "+period(s.To.Sub(s.From)))
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// spoil makes a scene's change, and reads what it made before ebb hears of it: it
// would be too late a moment after.
func (s *stage) spoil(ctx context.Context, sc scene) (call, state string, err error) {
	s.curtain.Lock()
	defer s.curtain.Unlock()
	if call, err = sc.change(ctx); err != nil {
		return "", "", fmt.Errorf("change: %w", err)
	}
	if state, err = sc.state(ctx); err != nil {
		return "", "", fmt.Errorf("read before: %w", err)
	}
	return call, state, nil
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
	_, _ = fmt.Fprintln(tw, "OUTCOME\tBAD FOR\tFUNCTION\tACTOR\tRECORD\tRESOURCE")
	for _, r := range recs {
		_, _ = fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Outcome, period(r.Times.BadFor()), r.Function,
			s.who(r.Event.Actor.ID), r.ID, r.Resource)
	}
	return tw.Flush()
}
