package trace_test

import (
	"fmt"
	"testing"

	"go.opentelemetry.io/otel"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/pkg/trace"
)

// The tests share the global provider, so they are one.
func TestSetup(t *testing.T) {
	keeper := trace.NewKeeper()
	stop, err := trace.Setup("ebb-test", "v0", keeper)
	if err != nil {
		t.Fatal(err)
	}
	tracer := otel.Tracer("test")

	t.Run("context survives a hop that carries a map", func(t *testing.T) {
		ctx, span := tracer.Start(t.Context(), "here")
		carrier := trace.Inject(ctx)
		there := oteltrace.SpanContextFromContext(trace.Extract(t.Context(), carrier))
		if there.TraceID() != span.SpanContext().TraceID() || there.SpanID() != span.SpanContext().SpanID() || !there.IsSampled() {
			t.Errorf("extracted %v, want %v", there, span.SpanContext())
		}
		span.End()
	})
	t.Run("X-Ray's header alone is understood", func(t *testing.T) {
		ctx := trace.Extract(t.Context(), map[string]string{"X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"})
		if got := oteltrace.SpanContextFromContext(ctx).TraceID().String(); got != "5759e988bd862e3fe1be46a994272793" {
			t.Errorf("trace id = %s", got)
		}
	})
	t.Run("nothing is carried where there is no trace", func(t *testing.T) {
		if got := trace.Inject(t.Context()); got != nil {
			t.Errorf("carrier = %v, want none", got)
		}
		if oteltrace.SpanContextFromContext(trace.Extract(t.Context(), nil)).IsValid() {
			t.Error("a trace came out of nothing")
		}
	})
	t.Run("the keeper gives a trace's spans once", func(t *testing.T) {
		ctx, root := tracer.Start(t.Context(), "root")
		_, child := tracer.Start(ctx, "child")
		child.End()
		root.End()
		id := root.SpanContext().TraceID().String()
		var names []string
		for _, s := range keeper.Take(id) {
			names = append(names, s.Name())
		}
		if fmt.Sprint(names) != "[child root]" {
			t.Errorf("spans = %v, want child and root", names)
		}
		if again := keeper.Take(id); len(again) != 0 {
			t.Errorf("%d spans the second time, want none", len(again))
		}
	})
	t.Run("the keeper is bounded", func(t *testing.T) {
		first, last := "", ""
		for range trace.MaxKeptTraces + 1 {
			_, span := tracer.Start(t.Context(), "one of many", oteltrace.WithNewRoot())
			span.End()
			if last = span.SpanContext().TraceID().String(); first == "" {
				first = last
			}
		}
		if len(keeper.Take(first)) != 0 || len(keeper.Take(last)) != 1 {
			t.Error("past its bound the keeper must drop the oldest trace and have the newest")
		}
	})
	if err := stop(t.Context()); err != nil {
		t.Error(err)
	}
}
