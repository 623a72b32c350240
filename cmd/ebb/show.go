package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/waterfall"
)

func (a *app) showCommand() *cobra.Command {
	var event bool
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a record in full: why, before, changes, after, times and trace",
		Long: `Show a record in full: what happened and why, the calls that were made, the
state before and after, the times, and the trace of each step, with that of an
undo. Where the steps were not kept, as on Lambda, they are drawn from the
record's own times. The start of an id will do where no other record's id starts
so.

--event adds the event that the record came from, as it was received: ebb serve
and ebb handle keep it for 30 days. With --output json it is in "payload", as
JSON where it is that, else as a string.`,
		Args: arguments(1, 1, "the record's ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRecord(cmd.Context(), args[0], func(ctx context.Context, s store, rec remedy.Record) error {
				return a.show(ctx, s, rec, event)
			})
		},
	}
	cmd.Flags().BoolVar(&event, "event", false, "show also the event that the record came from")
	return cmd
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

// show prints a record with its trace, and with its event if that is wanted.
func (a *app) show(ctx context.Context, s store, rec remedy.Record, withEvent bool) error {
	traces, err := s.traces(ctx, rec)
	if err != nil {
		return err
	}
	d := console.Detail{Record: rec, Traces: traces}
	if withEvent {
		if d.Event, err = s.event(ctx, rec, a.Now()); err != nil {
			return err
		}
	}
	if a.json("table") {
		out := struct {
			remedy.Record
			Trace   []waterfall.Span `json:"trace"`
			Payload any              `json:"payload,omitempty"`
		}{Record: rec, Trace: allSpans(traces)}
		if withEvent {
			out.Payload = readablePayload(d.Event)
		}
		return console.JSON(a.Stdout, out)
	}
	if rec.Undoable() {
		d.Hint = "To bring the state before it back: ebb undo " + rec.ID + " --reason TEXT"
	}
	return a.printer().Record(d)
}

// event gives the event that a record came from, or says where to look for it.
func (s store) event(ctx context.Context, rec remedy.Record, now time.Time) ([]byte, error) {
	if rec.Undoes != "" {
		return nil, fmt.Errorf("record %s is an undo and has no event of its own: ebb show %s --event shows that of what it undid", rec.ID, rec.Undoes)
	}
	if s.file == nil {
		return nil, usagef("--event: a deployment's table keeps no events: docs/records.md says how to find the one with the id %s", rec.Event.ID)
	}
	payload, err := s.file.Event(ctx, rec.ID, now)
	if errors.Is(err, sqlite.ErrNoEvent) {
		return nil, fmt.Errorf("the event of record %s is not kept, or was for 30 days and is no longer: look for id %s at its source, %s", rec.ID, rec.Event.ID, rec.Event.Source)
	}
	return payload, err
}
