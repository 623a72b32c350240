package trace

import (
	"context"
	"encoding/binary"
	"math"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/trace/segment"
)

// MaxHeldSpans bounds how many ended spans a [Tail] holds back; past it the
// oldest traces are exported, whatever became of them.
const MaxHeldSpans = 20_000

// InvocationKey is the attribute of a span whose parent is the invocation that
// Lambda itself traces.
const InvocationKey = attribute.Key(segment.LambdaInvocation)

// TailOptions are a Tail's settings.
type TailOptions struct {
	// Export takes the sampled spans of a trace that is kept, in the order in
	// which they ended. Required.
	Export func(context.Context, []sdk.ReadOnlySpan)
	// Noops gives the share, from 0 to 1, of the traces without consequence
	// that are kept. Nil means all.
	Noops func() float64
	// Linger is how long after its last span a trace is waited with, because
	// more of it may come: a delivery that is still in the inbox, say. 0 means
	// that only ForceFlush exports.
	Linger time.Duration
	// Open, if set, takes the spans that a trace has open, each time that one
	// of its local roots has been open for OpenAfter. Such a trace is kept.
	Open      func(context.Context, []sdk.ReadOnlySpan)
	OpenAfter time.Duration
}

// Tail is a span processor that holds the sampled spans of a trace back until
// it is known what became of it. What left a record, what failed, and what has
// no outcome at all is exported; of the traces in which every outcome is a
// no-op ([remedy.Record.Kept]) only a share. The choice goes by the trace id,
// so that every process that a trace goes through makes the same.
type Tail struct {
	o TailOptions

	mu         sync.Mutex
	traces     map[oteltrace.TraceID]*held
	order      []oteltrace.TraceID // of arrival; may name traces that are gone
	spans      int                 // held in all
	invocation oteltrace.SpanContext
	stop       chan struct{}
}

// held is what is known of one trace.
type held struct {
	spans []sdk.ReadOnlySpan
	open  map[oteltrace.SpanID]openSpan
	last  time.Time // when a span of it last began or ended
	noop  bool      // an outcome was a no-op
	keep  bool      // another was not, something failed, or it takes long
}

// openSpan is a span that has not ended.
type openSpan struct {
	sdk.ReadWriteSpan
	timer *time.Timer // of a local root, when long work is told of
}

// NewTail gives a Tail. One with a Linger has a goroutine, which Shutdown ends.
func NewTail(o TailOptions) *Tail {
	t := &Tail{o: o, traces: map[oteltrace.TraceID]*held{}, stop: make(chan struct{})}
	if o.Linger > 0 {
		go t.run()
	}
	return t
}

// Begin names the span that Lambda itself writes of an invocation, until the
// next Begin. Spans that continue it are marked with [InvocationKey]; local
// roots of another trace are linked to it.
func (t *Tail) Begin(invocation oteltrace.SpanContext) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.invocation = invocation
}

// Empty reports whether nothing is held: no span that has ended, and none that
// is open.
func (t *Tail) Empty() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.traces) == 0
}

// OnStart implements [sdk.SpanProcessor].
func (t *Tail) OnStart(_ context.Context, s sdk.ReadWriteSpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	id, root := s.SpanContext().TraceID(), !s.Parent().IsValid() || s.Parent().IsRemote()
	t.mu.Lock()
	defer t.mu.Unlock()
	if root && t.invocation.IsValid() {
		switch {
		case s.Parent().SpanID() == t.invocation.SpanID():
			s.SetAttributes(InvocationKey.Bool(true))
		case id != t.invocation.TraceID():
			s.AddLink(oteltrace.Link{SpanContext: t.invocation})
		}
	}
	h := t.hold(id)
	o := openSpan{ReadWriteSpan: s}
	if root && t.o.Open != nil {
		o.timer = time.AfterFunc(t.o.OpenAfter, func() { t.tellOpen(id) })
	}
	h.open[s.SpanContext().SpanID()] = o
	h.last = time.Now()
}

// OnEnd implements [sdk.SpanProcessor].
func (t *Tail) OnEnd(s sdk.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	id, span := s.SpanContext().TraceID(), s.SpanContext().SpanID()
	t.mu.Lock()
	h := t.hold(id)
	if timer := h.open[span].timer; timer != nil {
		timer.Stop()
	}
	delete(h.open, span)
	h.spans = append(h.spans, s)
	h.last = time.Now()
	h.judge(s)
	t.spans++
	var surplus []*held
	for t.spans > MaxHeldSpans {
		surplus = append(surplus, t.oldest())
	}
	t.mu.Unlock()
	for _, h := range surplus {
		t.o.Export(context.Background(), h.spans)
	}
}

// hold gives what is held of a trace. mu is held.
func (t *Tail) hold(id oteltrace.TraceID) *held {
	h := t.traces[id]
	if h == nil {
		h = &held{open: map[oteltrace.SpanID]openSpan{}}
		t.traces[id] = h
		t.order = append(t.order, id)
	}
	return h
}

// judge learns from an ended span what became of its trace.
func (h *held) judge(s sdk.ReadOnlySpan) {
	if s.Status().Code == codes.Error {
		h.keep = true
	}
	for _, kv := range s.Attributes() {
		if kv.Key == remedy.OutcomeKey {
			if (remedy.Record{Outcome: remedy.Outcome(kv.Value.AsString())}).Kept() {
				h.keep = true
			} else {
				h.noop = true
			}
		}
	}
}

// exported reports whether a trace is one to export.
func (t *Tail) exported(id oteltrace.TraceID, h *held) bool {
	if h.keep || !h.noop || t.o.Noops == nil {
		return true
	}
	// The lower eight bytes are random in both kinds of ids.
	return float64(binary.BigEndian.Uint64(id[8:])>>1) < t.o.Noops()*math.MaxInt64
}

// oldest takes out the trace that came first. mu is held.
func (t *Tail) oldest() *held {
	for {
		id := t.order[0]
		t.order = t.order[1:]
		if h := t.traces[id]; h != nil && len(h.spans) > 0 {
			out := *h
			t.remove(id, h)
			return &out
		}
	}
}

// remove forgets a trace's ended spans, and the trace where none is open. mu is held.
func (t *Tail) remove(id oteltrace.TraceID, h *held) {
	t.spans -= len(h.spans)
	if len(h.open) == 0 {
		delete(t.traces, id)
		return
	}
	*t.traces[id] = held{open: h.open, last: h.last, noop: h.noop, keep: h.keep}
	t.order = append(t.order, id)
}

// release exports what was last touched before the given time; the zero time
// stands for everything that has ended.
func (t *Tail) release(ctx context.Context, before time.Time) {
	t.mu.Lock()
	var out [][]sdk.ReadOnlySpan
	order := t.order
	t.order = nil
	for _, id := range order {
		h := t.traces[id]
		switch {
		case h == nil: // it came twice
		case len(h.spans) == 0, !before.IsZero() && (len(h.open) > 0 || h.last.After(before)):
			t.order = append(t.order, id)
		default:
			if t.exported(id, h) {
				out = append(out, h.spans)
			}
			t.remove(id, h)
		}
	}
	t.mu.Unlock()
	for _, spans := range out {
		t.o.Export(ctx, spans)
	}
}

// tellOpen hands on the open spans of a trace that takes long.
func (t *Tail) tellOpen(id oteltrace.TraceID) {
	t.mu.Lock()
	var open []sdk.ReadOnlySpan
	if h := t.traces[id]; h != nil && len(h.open) > 0 {
		h.keep = true
		for _, s := range h.open {
			open = append(open, s.ReadWriteSpan)
		}
	}
	t.mu.Unlock()
	if len(open) > 0 {
		t.o.Open(context.Background(), open)
	}
}

func (t *Tail) run() {
	tick := time.NewTicker(max(t.o.Linger/2, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-t.stop:
			return
		case now := <-tick.C:
			t.release(context.Background(), now.Add(-t.o.Linger))
		}
	}
}

// ForceFlush implements [sdk.SpanProcessor]: it decides about every trace by
// what is known now.
func (t *Tail) ForceFlush(ctx context.Context) error {
	t.release(ctx, time.Time{})
	return ctx.Err()
}

// Shutdown implements [sdk.SpanProcessor].
func (t *Tail) Shutdown(ctx context.Context) error {
	close(t.stop)
	return t.ForceFlush(ctx)
}
