// Package host runs functions: it takes what a runtime delivers to the engine.
//
// [Main] is the Lambda host of a function, [MainHTTP] that of a receiver. The
// local host, with its inbox and its HTTP side, is package local. Every function
// is reached through [Invoker.Invoke].
package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/trace"
)

// Invoker handles deliveries of one function.
type Invoker struct {
	Engine  *remedy.Engine
	Handler *remedy.Handler
}

// LinkAfter is how long after Ebb took an event in the work on it still belongs
// to the event's trace. A later attempt has a trace of its own, with a link.
const LinkAfter = time.Hour

// Delivery is one event on its way to one function.
type Delivery struct {
	Payload  []byte            // the event, in a form that [bus.Decode] takes
	Carrier  map[string]string // trace headers that came beside it; those inside it count where there are none
	Received time.Time         // when Ebb took it in; zero means now
}

// Invoke takes a delivery through the engine, as part of the trace that it
// carries. It gives the engine's records and error; what can't be decoded is a
// [remedy.Permanent] error and no record.
func (i Invoker) Invoke(ctx context.Context, d Delivery) ([]remedy.Record, error) {
	m, err := bus.Decode(d.Payload)
	ctx, links := d.origin(ctx, m, time.Now())
	ctx, span := otel.Tracer("github.com/ebb-ops/ebb/pkg/host").Start(
		ctx, "receive "+i.Handler.Name,
		oteltrace.WithSpanKind(oteltrace.SpanKindConsumer),
		oteltrace.WithLinks(links...),
		oteltrace.WithAttributes(
			remedy.FunctionKey.String(i.Handler.Name),
			remedy.EventIDKey.String(m.Event.ID),
			attribute.String("ebb.event.source", m.Event.Source)))
	defer span.End()
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
		return nil, err
	}
	if m.Event.Received.IsZero() {
		m.Event.Received = d.Received
	}
	recs, err := i.Engine.Handle(ctx, i.Handler, m.Event)
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	return recs, err
}

// origin gives ctx with the trace that the delivery continues, and links to
// those that it only came from. What came beside the event is the nearer hop, so
// it is the parent; the event's own trace is linked where that is another one.
// A replay, a schedule's start and an attempt long after the event came in begin
// a trace, with links to both.
func (d Delivery) origin(ctx context.Context, m bus.Message, now time.Time) (context.Context, []oteltrace.Link) {
	beside, inside := d.Carrier, m.Carrier
	if len(beside) == 0 {
		beside, inside = inside, nil
	}
	if m.Again || d.late(m.Event, now) {
		beside, inside = trace.Linked(beside), trace.Linked(inside)
	}
	ctx, links := trace.Continue(ctx, beside)
	own, more := trace.Continue(context.Background(), inside)
	links = append(links, more...)
	if sc := oteltrace.SpanContextFromContext(own); sc.IsValid() && sc.TraceID() != oteltrace.SpanContextFromContext(ctx).TraceID() {
		links = append(links, oteltrace.Link{SpanContext: sc})
	}
	return ctx, links
}

// late reports whether Ebb first took the event in so long ago that the work on
// it is a retry of another time.
func (d Delivery) late(ev remedy.Event, now time.Time) bool {
	for _, t := range []time.Time{d.Received, ev.Received} {
		if !t.IsZero() && now.Sub(t) > LinkAfter {
			return true
		}
	}
	return false
}

// DeadLetter gives the dead letter for a delivery that failed for good. Its ID
// is the same for every copy of the delivery.
func DeadLetter(function string, d Delivery, attempts int, cause error, now time.Time) remedy.DeadLetter {
	sum := sha256.Sum256(append([]byte(function+"\x00"), d.Payload...))
	letter := remedy.DeadLetter{
		ID: hex.EncodeToString(sum[:10]), Function: function, Reason: cause.Error(),
		Attempts: attempts, At: now, Carrier: d.Carrier, Payload: d.Payload,
	}
	if m, err := bus.Decode(d.Payload); err == nil {
		letter.Source, letter.Event = m.Event.Source, m.Event.ID
	}
	return letter
}
