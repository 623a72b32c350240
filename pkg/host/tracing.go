package host

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/pkg/trace"
	"github.com/ebb-ops/ebb/pkg/trace/segment"
)

const (
	// FlushFor bounds what an invocation waits for its spans to be handed to
	// the X-Ray daemon before it answers.
	FlushFor = 50 * time.Millisecond
	// openAfter is how long work goes on before X-Ray is told of it unfinished:
	// what Lambda ends then has left a trace.
	openAfter = 2 * time.Second
)

// tracing is a function's tracing on Lambda: spans go to the X-Ray daemon that
// Lambda runs beside it.
type tracing struct{ tail *trace.Tail }

// startTracing sets tracing up. noops gives the share of the events without
// consequence whose trace is sent. What keeps traces from being sent is logged
// and keeps nothing else from working.
func startTracing(name string, getenv func(string) string, log *slog.Logger, noops func() float64) tracing {
	options := segment.Options{Origin: "AWS::Lambda::Function"} // the daemon's address is the environment's
	switch format := getenv(SettingTraceFormat); format {
	case "", "documents":
	case "otlp":
		options.Format = segment.OTLP
	default:
		log.Warn("traces are sent as documents", "error", fmt.Sprintf("%s is %q: it can be documents or otlp", SettingTraceFormat, format))
	}
	o := trace.Options{Service: name, Version: Version(), Attributes: lambdaAttributes(name, getenv)}
	var t tracing
	if exporter, err := segment.New(options); err != nil {
		log.Warn("no traces are sent", "error", err.Error())
	} else {
		t.tail = trace.NewTail(trace.TailOptions{
			// The exporter's only error is the context's: the time is up, and the
			// record stands without its trace.
			Export: func(ctx context.Context, spans []sdk.ReadOnlySpan) { _ = exporter.ExportSpans(ctx, spans) },
			Open:   func(ctx context.Context, spans []sdk.ReadOnlySpan) { _ = exporter.ExportOpen(ctx, spans) },
			Noops:  noops, OpenAfter: openAfter,
		})
		o.Processors = []sdk.SpanProcessor{t.tail}
	}
	// Lambda ends the process without a word: each invocation flushes for itself.
	if _, err := trace.Setup(o); err != nil {
		log.Warn("nothing is traced", "error", err.Error())
	}
	return t
}

// lambdaAttributes says where the spans are from, in OpenTelemetry's names.
// https://opentelemetry.io/docs/specs/semconv/resource/faas/
func lambdaAttributes(name string, getenv func(string) string) []attribute.KeyValue {
	out := []attribute.KeyValue{
		attribute.String("cloud.provider", "aws"), attribute.String("cloud.platform", "aws_lambda"), attribute.String("faas.name", name),
	}
	for key, variable := range map[string]string{
		"cloud.region": "AWS_REGION", "faas.version": "AWS_LAMBDA_FUNCTION_VERSION", "faas.instance": "AWS_LAMBDA_LOG_STREAM_NAME",
	} {
		if v := getenv(variable); v != "" {
			out = append(out, attribute.String(key, v))
		}
	}
	return out
}

// begin takes note of an invocation.
func (t tracing) begin(ctx context.Context) {
	if t.tail != nil {
		t.tail.Begin(oteltrace.SpanContextFromContext(trace.Extract(context.Background(), lambdaCarrier(ctx))))
	}
}

// end sends the invocation's spans.
func (t tracing) end() {
	if t.tail == nil || t.tail.Empty() { // as after each invocation that is not sampled
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), FlushFor)
	defer cancel()
	_ = t.tail.ForceFlush(ctx) // its only error is that the time is up
}

// lambdaCarrier gives the trace header of this invocation. The runtime client
// puts it into the context; the environment variable is not always set.
func lambdaCarrier(ctx context.Context) map[string]string {
	header, _ := ctx.Value("x-amzn-trace-id").(string)
	if header == "" {
		return nil
	}
	return map[string]string{trace.XRayHeader: header}
}
