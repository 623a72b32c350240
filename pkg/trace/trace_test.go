package trace_test

import (
	"fmt"
	"testing"

	"go.opentelemetry.io/otel"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/pkg/trace"
)

// The tests share the global provider, so they are one.
func TestSetup(t *testing.T) {
	keeper := trace.NewKeeper()
	stop, err := trace.Setup(trace.Options{Service: "ebb-test", Version: "v0", RecordAll: true, Processors: []sdk.SpanProcessor{keeper}})
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
	t.Run("a header that leaves the sampling open is sampled", func(t *testing.T) {
		for header, want := range map[string]bool{
			"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8":                           true,
			"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=?":                 true,
			"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:1|b:2": true,
			"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0":                 false,
		} {
			ctx := trace.Extract(t.Context(), map[string]string{trace.XRayHeader: header})
			_, span := tracer.Start(ctx, "x")
			if got := span.SpanContext(); got.IsSampled() != want || got.TraceID().String() != "5759e988bd862e3fe1be46a994272793" || !span.IsRecording() {
				t.Errorf("%s: the span is %+v, recording %t; want it sampled %t, and recorded", header, got, span.IsRecording(), want)
			}
			span.End()
		}
	})
	t.Run("W3C's header counts more than X-Ray's", func(t *testing.T) {
		ctx := trace.Extract(t.Context(), map[string]string{
			trace.XRayHeader: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
			"traceparent":    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		})
		if got := oteltrace.SpanContextFromContext(ctx).TraceID().String(); got != "0af7651916cd43dd8448eb211c80319c" {
			t.Errorf("trace id = %s", got)
		}
	})
	t.Run("a linked carrier gives a link and no parent", func(t *testing.T) {
		ctx, span := tracer.Start(t.Context(), "there")
		span.End()
		once := trace.Linked(trace.Inject(ctx))
		for _, carrier := range []map[string]string{once, trace.Linked(once)} {
			ctx, links := trace.Continue(t.Context(), carrier)
			if oteltrace.SpanContextFromContext(ctx).IsValid() {
				t.Error("the linked trace is continued")
			}
			if len(links) != 1 || !links[0].SpanContext.Equal(span.SpanContext().WithRemote(true)) {
				t.Errorf("links = %v, want one to %v", links, span.SpanContext())
			}
		}
		if _, links := trace.Continue(t.Context(), trace.Inject(ctx)); len(links) != 0 {
			t.Errorf("a carrier to continue gives links %v", links)
		}
		if got := trace.Linked(nil); got != nil {
			t.Errorf("Linked(nil) = %v", got)
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
