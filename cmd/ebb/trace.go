package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/trace/otlp"
	"github.com/ebb-ops/ebb/pkg/waterfall"
)

func (a *app) traceCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "trace ID",
		Short: "Show or export the trace of a record, with that of its undo",
		Long: `Show the trace of a record as a waterfall, or write it to a file with --otlp: one
line of OpenTelemetry's JSON, as Jaeger's upload, Grafana Tempo and the
collector's otlpjsonfile receiver take it. --otlp - writes to the standard
output. Where the steps were not kept, as on Lambda, they are drawn from the
record's own times.`,
		Example: "  ebb trace 3f9a --otlp trace.json",
		Args:    arguments(1, 1, "the record's ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRecord(cmd.Context(), args[0], func(ctx context.Context, s store, rec remedy.Record) error {
				traces, err := s.traces(ctx, rec)
				switch {
				case err != nil:
					return err
				case file != "":
					return a.exportTrace(file, rec, allSpans(traces))
				case a.json("table"):
					return console.JSON(a.Stdout, struct {
						Trace []waterfall.Span `json:"trace"`
					}{allSpans(traces)})
				}
				return a.printer().Traces(traces)
			})
		},
	}
	cmd.Flags().StringVar(&file, "otlp", "", "file to write the trace to, as OpenTelemetry's JSON; - is the standard output")
	return cmd
}

// exportTrace writes spans to a file, whole or not at all.
func (a *app) exportTrace(file string, rec remedy.Record, spans []waterfall.Span) error {
	if len(spans) == 0 {
		return fmt.Errorf("record %s has no trace: the process that wrote it did not trace", rec.ID)
	}
	out := make([]otlp.Span, len(spans))
	for i, s := range spans {
		out[i] = otlp.Span{
			TraceID: s.Trace, SpanID: s.ID, ParentID: s.Parent, Name: s.Name, Kind: s.Kind,
			Start: s.Start, End: s.End, Attributes: s.Attributes, Error: s.Error, Links: s.Links,
		}
	}
	var b bytes.Buffer
	if err := otlp.Write(&b, "ebb", host.Version(), out); err != nil {
		return err
	}
	if file == "-" {
		_, err := a.Stdout.Write(b.Bytes())
		return err
	}
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	a.note("%d spans are in %s.", len(spans), file)
	return nil
}

// traces gives a record's trace, and after it that of the record that undid it.
func (s store) traces(ctx context.Context, rec remedy.Record) ([]waterfall.Trace, error) {
	own, err := s.trace(ctx, rec, "Trace")
	if err != nil || rec.UndoneBy == "" {
		return []waterfall.Trace{own}, err
	}
	undo, err := s.Record(ctx, rec.UndoneBy)
	if errors.Is(err, remedy.ErrNoRecord) {
		return []waterfall.Trace{own}, nil
	}
	if err != nil {
		return nil, err
	}
	its, err := s.trace(ctx, undo, "Undo "+undo.ID+", trace")
	return []waterfall.Trace{own, its}, err
}

// trace gives one record's trace: the steps that were kept, else those that the
// record's own times tell of.
func (s store) trace(ctx context.Context, rec remedy.Record, title string) (waterfall.Trace, error) {
	if rec.TraceID == "" {
		return waterfall.Trace{Title: title, Note: "The process that wrote this record did not trace."}, nil
	}
	t := waterfall.Trace{Title: title + " " + rec.TraceID}
	if s.file != nil {
		kept, err := s.file.Trace(ctx, rec.TraceID)
		if err != nil {
			return waterfall.Trace{}, err
		}
		for _, k := range kept {
			t.Spans = append(t.Spans, waterfall.Span{
				Trace: rec.TraceID, ID: k.SpanID, Parent: k.ParentID, Name: k.Name, Kind: k.Kind, Start: k.Start, End: k.End,
				Attributes: k.Attributes, Error: k.Error, Links: k.Links,
			})
		}
		if len(kept) > 0 {
			return t, nil
		}
	}
	t.Spans = waterfall.OfRecord(rec)
	t.Note = "Drawn from the record's own times. Its calls are in the trace with this id, where traces are exported to."
	return t, nil
}

// allSpans gives the spans of several traces as one list, never nil.
func allSpans(ts []waterfall.Trace) []waterfall.Span {
	out := []waterfall.Span{}
	for _, t := range ts {
		out = append(out, t.Spans...)
	}
	return out
}
