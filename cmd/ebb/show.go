package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/waterfall"
)

func (a *app) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show a record in full: why, before, changes, after, times and trace",
		Long: `Show a record in full: what happened and why, the calls that were made, the
state before and after, the times, and the trace of each step, with that of an
undo. Where the steps were not kept, as on Lambda, they are drawn from the
record's own times. The start of an id will do where no other record's id starts
so.`,
		Args: arguments(1, 1, "the record's ID"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.withRecord(cmd.Context(), args[0], a.show) },
	}
}

// withRecord finds a record by its id, or the start of it, for do.
func (a *app) withRecord(ctx context.Context, id string, do func(context.Context, store, remedy.Record) error) (err error) {
	s, err := a.lookAt(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	rec, err := s.record(ctx, id)
	if err != nil {
		return err
	}
	return do(ctx, s, rec)
}

// show prints a record with its trace.
func (a *app) show(ctx context.Context, s store, rec remedy.Record) error {
	traces, err := s.traces(ctx, rec)
	if err != nil {
		return err
	}
	if a.json("table") {
		return console.JSON(a.Stdout, struct {
			remedy.Record
			Trace []waterfall.Span `json:"trace"`
		}{rec, allSpans(traces)})
	}
	d := console.Detail{Record: rec, Traces: traces}
	if rec.Undoable() {
		d.Hint = "To bring the state before it back: ebb undo " + rec.ID + " --reason TEXT"
	}
	return a.printer().Record(d)
}
