package remedy

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// The attributes that the engine's spans carry, by which traces are found and
// chosen. The span of one resource has all but the event's; its ids are those
// that the [Record] keeps.
const (
	FunctionKey  = attribute.Key("ebb.function")
	EventIDKey   = attribute.Key("ebb.event.id")
	EventNameKey = attribute.Key("ebb.event.name")
	ResourceKey  = attribute.Key("ebb.resource") // [Ref.ID]
	AccountKey   = attribute.Key("ebb.account")
	RecordKey    = attribute.Key("ebb.record")
	OutcomeKey   = attribute.Key("ebb.outcome")
)

// SpanContext gives the span in which the record was made, for links to it. It
// is invalid when the process that made it did not trace.
func (r Record) SpanContext() trace.SpanContext {
	t, _ := trace.TraceIDFromHex(r.TraceID) // of an error comes the zero id, which is invalid
	s, _ := trace.SpanIDFromHex(r.SpanID)
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: t, SpanID: s, TraceFlags: trace.FlagsSampled, Remote: true})
}

// traced takes one resource to its record in a span of its own.
func (r *run) traced(ctx context.Context, name string, work func(context.Context) (Record, error)) (Record, error) {
	ctx, span := r.span(ctx, name,
		FunctionKey.String(r.h.Name), ResourceKey.String(r.ref.ID), AccountKey.String(r.ref.Account))
	rec, err := work(ctx)
	span.SetAttributes(OutcomeKey.String(string(rec.Outcome)), RecordKey.String(rec.ID))
	endSpan(span, err)
	return rec, err
}

// link links the span of ctx to that of an earlier record, of another trace.
func link(ctx context.Context, rec Record) {
	span, sc := trace.SpanFromContext(ctx), rec.SpanContext()
	if sc.IsValid() && sc.TraceID() != span.SpanContext().TraceID() {
		span.AddLink(trace.Link{SpanContext: sc})
	}
}

func (e *Engine) span(ctx context.Context, name string, attrs ...attribute.KeyValue) (context.Context, trace.Span) {
	return e.opts.Tracer.Start(ctx, name, trace.WithAttributes(attrs...))
}

func endSpan(span trace.Span, err error) {
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}
