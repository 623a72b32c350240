package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/trace/otlp"
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
						Trace []console.Span `json:"trace"`
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
func (a *app) exportTrace(file string, rec remedy.Record, spans []console.Span) error {
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
func (s store) traces(ctx context.Context, rec remedy.Record) ([]console.Trace, error) {
	own, err := s.trace(ctx, rec, "Trace")
	if err != nil || rec.UndoneBy == "" {
		return []console.Trace{own}, err
	}
	undo, err := s.Record(ctx, rec.UndoneBy)
	if errors.Is(err, remedy.ErrNoRecord) {
		return []console.Trace{own}, nil
	}
	if err != nil {
		return nil, err
	}
	its, err := s.trace(ctx, undo, "Undo "+undo.ID+", trace")
	return []console.Trace{own, its}, err
}

// trace gives one record's trace: the steps that were kept, else those that the
// record's own times tell of.
func (s store) trace(ctx context.Context, rec remedy.Record, title string) (console.Trace, error) {
	if rec.TraceID == "" {
		return console.Trace{Title: title, Note: "The process that wrote this record did not trace."}, nil
	}
	t := console.Trace{Title: title + " " + rec.TraceID}
	if s.file != nil {
		kept, err := s.file.Trace(ctx, rec.TraceID)
		if err != nil {
			return console.Trace{}, err
		}
		for _, k := range kept {
			t.Spans = append(t.Spans, console.Span{
				Trace: rec.TraceID, ID: k.SpanID, Parent: k.ParentID, Name: k.Name, Kind: k.Kind, Start: k.Start, End: k.End,
				Attributes: k.Attributes, Error: k.Error, Links: k.Links,
			})
		}
		if len(kept) > 0 {
			return t, nil
		}
	}
	t.Spans = stepSpans(rec)
	t.Note = "Drawn from the record's own times. Its calls are in the trace with this id, where traces are exported to."
	return t, nil
}

// stepSpans gives the steps that a record's times tell of as spans.
func stepSpans(rec remedy.Record) []console.Span {
	steps := rec.Times.Steps()
	if len(steps) == 0 {
		return nil
	}
	span := func(name, parent string, s remedy.Step) console.Span {
		sum := sha256.Sum256([]byte(rec.ID + " " + rec.SpanID + " " + name)) // the same at each look
		return console.Span{
			Trace: rec.TraceID, ID: hex.EncodeToString(sum[:8]), Parent: parent, Name: name, Kind: "internal", Start: s.From, End: s.To,
			Attributes: map[string]string{string(remedy.FunctionKey): rec.Function, string(remedy.RecordKey): rec.ID},
		}
	}
	root := span("remediate", "", remedy.Step{From: steps[0].From, To: steps[len(steps)-1].To})
	root.Attributes[string(remedy.OutcomeKey)] = string(rec.Outcome)
	root.Attributes[string(remedy.ResourceKey)] = rec.Resource.ID
	root.Error = rec.Error
	out := []console.Span{root}
	for _, s := range steps {
		out = append(out, span(s.Name, root.ID, s))
	}
	return out
}

// allSpans gives the spans of several traces as one list, never nil.
func allSpans(ts []console.Trace) []console.Span {
	out := []console.Span{}
	for _, t := range ts {
		out = append(out, t.Spans...)
	}
	return out
}
