package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func (a *app) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show a record in full: why, before, changes, after, times and trace",
		Long: `Show a record in full: what happened and why, the calls that were made, the
state before and after, the times, and the trace of each step. The start of an
id will do where no other record's id starts so.`,
		Args: arguments(1, 1, "the record's ID"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			s, err := a.lookAt(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			rec, err := s.record(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.show(cmd.Context(), s, rec)
		},
	}
}

// show prints a record with its trace.
func (a *app) show(ctx context.Context, s store, rec remedy.Record) error {
	spans, missing, err := s.spans(ctx, rec)
	if err != nil {
		return err
	}
	if a.json("table") {
		return console.JSON(a.Stdout, struct {
			remedy.Record
			Trace []console.Span `json:"trace"`
		}{rec, spans})
	}
	d := console.Detail{Record: rec, Trace: spans, NoTrace: missing}
	if rec.Undoable() {
		d.Hint = "To bring the state before it back: ebb undo " + rec.ID + " --reason TEXT"
	}
	return a.printer().Record(d)
}

// spans gives a record's trace, or says why there is none.
func (s store) spans(ctx context.Context, rec remedy.Record) (out []console.Span, missing string, err error) {
	out = []console.Span{}
	switch {
	case rec.TraceID == "":
		return out, "The process that wrote this record did not trace.", nil
	case s.file == nil:
		return out, "A deployment's traces are not in its ledger: look for this id where they are exported to.", nil
	}
	kept, err := s.file.Trace(ctx, rec.TraceID)
	if err != nil {
		return nil, "", err
	}
	for _, k := range kept {
		out = append(out, console.Span{
			ID: k.SpanID, Parent: k.ParentID, Name: k.Name, Start: k.Start, End: k.End, Attributes: k.Attributes, Error: k.Error,
		})
	}
	return out, "Its steps were not kept: the process ended too early, or it held too many traces.", nil
}
