package main

import (
	"context"
	"encoding/json"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/ebb-ops/ebb/pkg/trace"
	"github.com/ebb-ops/ebb/pkg/waterfall"
)

// trace has the process trace until the test ends, and keep what the world's
// commands do.
func (w *world) trace() *trace.Keeper {
	w.t.Helper()
	tracing, err := startTracing(w.t.Context(), func(string) string { return "" })
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		otel.SetTracerProvider(noop.NewTracerProvider())
		if err := tracing.stop(context.WithoutCancel(w.t.Context())); err != nil {
			w.t.Error(err)
		}
	})
	w.deps.Keeper = tracing.keeper
	return tracing.keeper
}

// Not parallel: the tracer provider is the process's.
func TestTraceIsKeptWithTheRecord(t *testing.T) {
	w := newWorld(t)
	keeper := w.trace()
	rec := w.revert()
	if rec.TraceID == "" {
		t.Fatal("the record has no trace id")
	}
	contains(t, "show", w.must("show", rec.ID).stdout, "Trace "+rec.TraceID, "\n  receive shelf-labels ", "\n    handle shelf-labels ", "\n      remediate ", "\n        apply ", "█")

	var shown struct {
		Trace []waterfall.Span `json:"trace"`
	}
	if err := json.Unmarshal([]byte(w.must("show", rec.ID, "-o", "json").stdout), &shown); err != nil {
		t.Fatal(err)
	}
	steps := map[string]string{}
	for _, s := range shown.Trace {
		steps[s.ID] = s.Name
	}
	parents := map[string]string{}
	for _, s := range shown.Trace {
		parents[s.Name] = steps[s.Parent]
	}
	for step, parent := range map[string]string{
		"receive shelf-labels": "", "handle shelf-labels": "receive shelf-labels", "remediate": "handle shelf-labels", "intent": "remediate", "verify": "remediate",
	} {
		if got, ok := parents[step]; !ok || got != parent {
			t.Errorf("step %q is in %q (%t), want %q", step, got, ok, parent)
		}
	}

	undo := w.must("undo", rec.ID, "--reason", "x").stdout
	contains(t, "undo", undo, "\n  undo shelf-labels ", "\n      apply ")
	contains(t, "show of what was undone", w.must("show", rec.ID).stdout, "\nTrace "+rec.TraceID, "\n  receive shelf-labels ", "\nUndo ", "\n  undo shelf-labels ")

	if held := keeper.Take(rec.TraceID); len(held) > 0 {
		t.Errorf("%d spans that were kept are still held", len(held))
	}
}

func TestUnreachableOTLPExporterIsNoError(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Cleanup(func() { otel.SetTracerProvider(noop.NewTracerProvider()) })
	if _, err := startTracing(t.Context(), func(string) string { return "http://127.0.0.1:1" }); err != nil {
		t.Errorf("start tracing: %v", err)
	}
}
