package trace

import (
	"context"
	"strings"

	"go.opentelemetry.io/contrib/propagators/aws/xray"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// XRayHeader is the name of X-Ray's trace header, which Lambda, SQS and
// EventBridge each hand on in a way of their own.
const XRayHeader = "X-Amzn-Trace-Id"

// Propagator reads and writes W3C's traceparent and X-Ray's X-Amzn-Trace-Id.
// Where both are there, W3C's counts.
func Propagator() propagation.TextMapPropagator {
	return propagation.NewCompositeTextMapPropagator(xrayHeader{}, propagation.TraceContext{})
}

// xrayHeader is X-Ray's propagator, but for a header that leaves the sampling
// open, without Sampled or with "Sampled=?": then it is for us to decide, and
// what Ebb decides itself is sampled.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
type xrayHeader struct{ xray.Propagator }

// Extract implements [propagation.TextMapPropagator].
func (p xrayHeader) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	out := p.Propagator.Extract(ctx, carrier)
	sc := oteltrace.SpanContextFromContext(out)
	if out == ctx || sc.IsSampled() || strings.Contains(carrier.Get(XRayHeader), "Sampled=0") {
		return out
	}
	return oteltrace.ContextWithRemoteSpanContext(out, sc.WithTraceFlags(sc.TraceFlags().WithSampled(true)))
}

// Inject gives the trace headers of ctx, for a hop that carries a map; nil
// when ctx has no trace.
func Inject(ctx context.Context) map[string]string {
	c := propagation.MapCarrier{}
	otel.GetTextMapPropagator().Inject(ctx, c)
	if len(c) == 0 {
		return nil
	}
	return c
}

// Extract gives ctx with the trace that the headers name, if they name one.
func Extract(ctx context.Context, carrier map[string]string) context.Context {
	if len(carrier) == 0 {
		return ctx
	}
	return otel.GetTextMapPropagator().Extract(ctx, propagation.MapCarrier(carrier))
}

// linkPrefix marks the headers of a carrier that [Linked] made.
const linkPrefix = "ebb-link-"

// Linked gives a carrier that names the same trace as one to be linked, not
// continued: for work that happens again, or long after, because of it. Linked
// of nothing is nothing, and of a carrier that Linked made the same.
func Linked(carrier map[string]string) map[string]string {
	if len(carrier) == 0 {
		return nil
	}
	out := make(map[string]string, len(carrier))
	for k, v := range carrier {
		if !strings.HasPrefix(k, linkPrefix) {
			k = linkPrefix + k
		}
		out[k] = v
	}
	return out
}

// Continue gives ctx with the trace that a carrier says to continue, and a link
// to the one that it says to link. Either may be missing.
func Continue(ctx context.Context, carrier map[string]string) (context.Context, []oteltrace.Link) {
	linked := map[string]string{}
	for k, v := range carrier {
		if name, ok := strings.CutPrefix(k, linkPrefix); ok {
			linked[name] = v
		}
	}
	var links []oteltrace.Link
	if sc := oteltrace.SpanContextFromContext(Extract(context.Background(), linked)); sc.IsValid() {
		links = append(links, oteltrace.Link{SpanContext: sc})
	}
	return Extract(ctx, carrier), links
}
