package host

import (
	"context"
	"encoding/json"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"go.opentelemetry.io/otel"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/metrics"
	"github.com/ebb-ops/ebb/pkg/trace"
)

// Collector is a function that takes events from a queue, and goes on with what it
// took after each batch and whenever a schedule starts it.
type Collector struct {
	// Take takes one event. Its error lets the event come again; one that is
	// [remedy.Permanent] makes a dead letter of it.
	Take func(context.Context, Delivery) error
	// Step goes on. Its error is logged after a batch, which it does not fail; a
	// schedule's start fails with it.
	Step func(context.Context) error
}

// MainCollector runs a function that takes events from a queue, on Lambda's runtime
// interface. It does not return. What is not a batch from a queue is a
// schedule's start.
func MainCollector(name string, open func(Job) (Collector, error)) {
	start(name, func(ctx context.Context, w *watch) (lambda.Handler, error) {
		job, err := openJob(ctx, os.Getenv, w.log)
		if err != nil {
			return nil, err
		}
		in, err := open(job)
		if err != nil {
			return nil, err
		}
		return collector{in, letters{name, job.Ledger, w.log, metrics.NewHost(nil)}}, nil
	})
}

// collector is a function as Lambda invokes it.
type collector struct {
	Collector
	letters
}

// Invoke implements [lambda.Handler].
func (in collector) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, cancel := beforeClosing(ctx)
	defer cancel()
	msgs, fromQueue := sqsBatch(payload)
	// The invocation has a trace of its own, with links to those of the events.
	ctx, links := trace.Continue(ctx, lambdaCarrier(ctx))
	for _, m := range msgs {
		carrier := m.delivery().Carrier
		if ev, err := bus.Decode([]byte(m.Body)); err == nil && len(carrier) == 0 {
			carrier = ev.Carrier // EventBridge puts none beside what it hands on
		}
		if sc := oteltrace.SpanContextFromContext(trace.Extract(context.Background(), carrier)); sc.IsValid() {
			links = append(links, oteltrace.Link{SpanContext: sc})
		}
	}
	ctx, span := otel.Tracer("github.com/ebb-ops/ebb/pkg/host").Start(
		ctx, "receive "+in.function, oteltrace.WithSpanKind(oteltrace.SpanKindConsumer), oteltrace.WithLinks(links...))
	defer span.End()
	if !fromQueue {
		if err := in.Step(ctx); err != nil {
			return nil, err
		}
		return []byte("null"), nil
	}
	out := in.batch(ctx, msgs, func(ctx context.Context, d Delivery) error { return in.keep(ctx, d, in.Take(ctx, d)) })
	if err := in.Step(ctx); err != nil {
		in.log.ErrorContext(ctx, "what was taken waits for the schedule", "function", in.function, "error", err.Error())
	}
	return json.Marshal(out)
}
