package trace_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/contrib/propagators/aws/xray"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/trace"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// exports keeps what a Tail exports.
type exports struct {
	mu    sync.Mutex
	names []string
}

func (e *exports) export(_ context.Context, spans []sdk.ReadOnlySpan) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range spans {
		e.names = append(e.names, s.Name())
	}
}

func (e *exports) got() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.names)
}

func (e *exports) wait(t *testing.T, want ...string) {
	t.Helper()
	for deadline := time.Now().Add(patience); len(e.got()) < len(want) && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if diff := cmp.Diff(want, e.got()); diff != "" {
		t.Errorf("exported (-want +got):\n%s", diff)
	}
}

func tracer(t *testing.T, tail *trace.Tail) oteltrace.Tracer {
	t.Helper()
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(tail), sdk.WithIDGenerator(xray.NewIDGenerator()))
	t.Cleanup(func() {
		if err := provider.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return provider.Tracer("test")
}

// remediation makes the spans of one: a root and one for each outcome.
func remediation(tracer oteltrace.Tracer, name string, err error, outcomes ...remedy.Outcome) {
	ctx, root := tracer.Start(context.Background(), name)
	for _, o := range outcomes {
		_, span := tracer.Start(ctx, name+" "+string(o))
		span.SetAttributes(remedy.OutcomeKey.String(string(o)))
		span.End()
	}
	if err != nil {
		root.SetStatus(codes.Error, err.Error())
	}
	root.End()
}

func TestTail_exports_what_had_a_consequence(t *testing.T) {
	t.Parallel()
	var out exports
	tail := trace.NewTail(trace.TailOptions{Export: out.export, Noops: func() float64 { return 0 }})
	tr := tracer(t, tail)
	for _, o := range []remedy.Outcome{
		remedy.Compliant, remedy.Observed, remedy.Reverted, remedy.Held, remedy.Exempt, remedy.Ignored, remedy.Gone, remedy.Duplicate,
		remedy.Failed, remedy.Undone,
	} {
		remediation(tr, "a", nil, o)
	}
	remediation(tr, "b", nil, remedy.Compliant, remedy.Reverted, remedy.Compliant)
	remediation(tr, "c", nil, remedy.Compliant, remedy.Compliant)
	remediation(tr, "d", errors.New("unreadable"), remedy.Compliant)
	remediation(tr, "e", nil)
	if got := out.got(); len(got) > 0 || tail.Empty() {
		t.Errorf("before the flush %v were exported; empty: %t", got, tail.Empty())
	}
	if err := tail.ForceFlush(t.Context()); err != nil || !tail.Empty() {
		t.Fatalf("flush: %v; empty: %t", err, tail.Empty())
	}
	out.wait(t, "a observed", "a", "a reverted", "a", "a held", "a", "a exempt", "a", "a failed", "a", "a undone", "a",
		"b compliant", "b reverted", "b compliant", "b", "d compliant", "d", "e")
}

func TestTail_samples_noops_by_trace_id(t *testing.T) {
	t.Parallel()
	const traces, share = 4000, 0.25
	var outs [2]exports
	tails := make([]*trace.Tail, len(outs))
	provider := sdk.NewTracerProvider(sdk.WithIDGenerator(xray.NewIDGenerator()))
	for i := range outs {
		tails[i] = trace.NewTail(trace.TailOptions{Export: outs[i].export, Noops: func() float64 { return share }})
		provider.RegisterSpanProcessor(tails[i])
	}
	tr := provider.Tracer("test")
	for range traces {
		_, span := tr.Start(t.Context(), "x")
		span.SetName(span.SpanContext().TraceID().String())
		span.SetAttributes(remedy.OutcomeKey.String(string(remedy.Compliant)))
		span.End()
	}
	if err := provider.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	first, second := outs[0].got(), outs[1].got()
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("two processes chose differently:\n%s", diff)
	}
	// Six standard deviations are 164.
	if n := len(first); n < traces*share-164 || n > traces*share+164 {
		t.Errorf("%d of %d were exported, want about %v", n, traces, traces*share)
	}
}

func TestTail_waits_for_the_rest_of_a_trace(t *testing.T) {
	t.Parallel()
	var out exports
	tr := tracer(t, trace.NewTail(trace.TailOptions{Export: out.export, Noops: func() float64 { return 0 }, Linger: 10 * time.Millisecond}))
	ctx, webhook := tr.Start(t.Context(), "webhook")
	remediation(tr, "dropped", nil, remedy.Compliant)
	_, first := tr.Start(ctx, "first function")
	first.SetAttributes(remedy.OutcomeKey.String(string(remedy.Compliant)))
	first.End()
	remediation(tr, "later", nil, remedy.Reverted)
	out.wait(t, "later reverted", "later") // the webhook's trace is still open
	_, second := tr.Start(ctx, "second function")
	second.SetAttributes(remedy.OutcomeKey.String(string(remedy.Reverted)))
	second.End()
	webhook.End()
	out.wait(t, "later reverted", "later", "first function", "second function", "webhook")
}

func TestTail_leaves_out_what_is_not_sampled(t *testing.T) {
	t.Parallel()
	var out exports
	tail := trace.NewTail(trace.TailOptions{Export: out.export})
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(tail), sdk.WithSampler(recordOnly{}))
	_, span := provider.Tracer("test").Start(t.Context(), "x")
	if !span.IsRecording() {
		t.Fatal("the test's span is not recorded")
	}
	span.End()
	if err := provider.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := out.got(); len(got) > 0 {
		t.Errorf("exported %v", got)
	}
}

type recordOnly struct{ sdk.Sampler }

func (recordOnly) ShouldSample(sdk.SamplingParameters) sdk.SamplingResult {
	return sdk.SamplingResult{Decision: sdk.RecordOnly}
}
func (recordOnly) Description() string { return "" }

func TestTail_is_bounded(t *testing.T) {
	t.Parallel()
	var out exports
	tail := trace.NewTail(trace.TailOptions{Export: out.export, Noops: func() float64 { return 0 }})
	tr := tracer(t, tail)
	ctx, open := tr.Start(t.Context(), "open")
	for range trace.MaxHeldSpans + 1 {
		_, span := tr.Start(ctx, "child")
		span.End()
	}
	remediation(tr, "next", nil, remedy.Reverted)
	if n := len(out.got()); n != trace.MaxHeldSpans+1 {
		t.Errorf("%d spans were exported, want the oldest trace's %d", n, trace.MaxHeldSpans+1)
	}
	open.End()
	if err := tail.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := out.got()
	if diff := cmp.Diff([]string{"open", "next reverted", "next"}, got[trace.MaxHeldSpans+1:]); diff != "" {
		t.Errorf("after the flush (-want +got):\n%s", diff)
	}
}

func TestTail_tells_of_long_work(t *testing.T) {
	t.Parallel()
	var out exports
	opened := make(chan []string, 1)
	tail := trace.NewTail(trace.TailOptions{
		Export: out.export, Noops: func() float64 { return 0 },
		Open: func(_ context.Context, spans []sdk.ReadOnlySpan) {
			var names []string
			for _, s := range spans {
				names = append(names, s.Name())
			}
			slices.Sort(names)
			opened <- names
		},
		OpenAfter: 20 * time.Millisecond,
	})
	tr := tracer(t, tail)
	remediation(tr, "short", nil, remedy.Compliant)
	ctx, root := tr.Start(t.Context(), "root")
	_, done := tr.Start(ctx, "done")
	done.End()
	_, child := tr.Start(ctx, "child")
	child.SetAttributes(remedy.OutcomeKey.String(string(remedy.Compliant)))
	select {
	case got := <-opened:
		if diff := cmp.Diff([]string{"child", "root"}, got); diff != "" {
			t.Errorf("open spans (-want +got):\n%s", diff)
		}
	case <-time.After(patience):
		t.Fatal("long work was not told of")
	}
	child.End()
	root.End()
	if err := tail.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	out.wait(t, "done", "child", "root") // what took long is kept, whatever came of it
}

func TestTail_marks_what_continues_the_invocation(t *testing.T) {
	t.Parallel()
	spans := map[string]sdk.ReadOnlySpan{}
	tail := trace.NewTail(trace.TailOptions{Export: func(_ context.Context, ss []sdk.ReadOnlySpan) {
		for _, s := range ss {
			spans[s.Name()] = s
		}
	}})
	tr := tracer(t, tail)
	propagator := trace.Propagator()
	extract := func(header string) context.Context {
		return propagator.Extract(t.Context(), carrier{trace.XRayHeader: header})
	}
	const invocation = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
	tail.Begin(oteltrace.SpanContextFromContext(extract(invocation)))
	for name, ctx := range map[string]context.Context{
		"of the invocation": extract(invocation),
		"of a message":      extract("Root=1-5759e988-000000000000000000000001;Parent=0000000000000001;Sampled=1"),
		"of its own":        t.Context(),
	} {
		ctx, span := tr.Start(ctx, name)
		_, child := tr.Start(ctx, name+", child")
		child.End()
		span.End()
	}
	if err := tail.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	type mark struct {
		Marked bool
		Linked []string
	}
	want := map[string]mark{
		"of the invocation": {Marked: true}, "of the invocation, child": {},
		"of a message": {Linked: []string{"5759e988bd862e3fe1be46a994272793"}}, "of a message, child": {},
		"of its own": {Linked: []string{"5759e988bd862e3fe1be46a994272793"}}, "of its own, child": {},
	}
	got := map[string]mark{}
	for name, s := range spans {
		var m mark
		for _, kv := range s.Attributes() {
			m.Marked = m.Marked || kv == trace.InvocationKey.Bool(true)
		}
		for _, l := range s.Links() {
			m.Linked = append(m.Linked, l.SpanContext.TraceID().String())
		}
		got[name] = m
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
}

type carrier map[string]string

func (c carrier) Get(k string) string { return c[k] }
func (c carrier) Set(k, v string)     { c[k] = v }
func (c carrier) Keys() []string      { return nil }
