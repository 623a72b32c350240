// Package trace sets OpenTelemetry up for Ebb's hosts and carries trace context
// over hops that have no headers of their own.
//
// It brings the SDK and no exporter of weight: an exporter is handed in by the
// host that can afford it.
package trace

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/contrib/propagators/aws/xray"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// Setup installs the global tracer provider and propagators: W3C trace context
// and X-Ray's header are both understood on the way in and both written on the
// way out. Trace ids are such that X-Ray takes them too. Each processor sees
// every span. stop flushes and ends the processors.
func Setup(service, version string, processors ...sdk.SpanProcessor) (stop func(context.Context) error, err error) {
	res, err := resource.Merge(resource.Default(), resource.NewSchemaless(
		attribute.String("service.name", service),
		attribute.String("service.version", version),
	))
	if err != nil {
		return nil, fmt.Errorf("set up tracing: %w", err)
	}
	opts := []sdk.TracerProviderOption{
		sdk.WithResource(res),
		sdk.WithIDGenerator(xray.NewIDGenerator()),
		sdk.WithSampler(sdk.ParentBased(sdk.AlwaysSample())),
	}
	for _, p := range processors {
		opts = append(opts, sdk.WithSpanProcessor(p))
	}
	provider := sdk.NewTracerProvider(opts...)
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(Propagator())
	return func(ctx context.Context) error {
		if err := errors.Join(provider.ForceFlush(ctx), provider.Shutdown(ctx)); err != nil {
			return fmt.Errorf("stop tracing: %w", err)
		}
		return nil
	}, nil
}

// Propagator reads and writes W3C's traceparent and X-Ray's X-Amzn-Trace-Id.
// Where both are there, W3C's counts.
func Propagator() propagation.TextMapPropagator {
	return propagation.NewCompositeTextMapPropagator(xray.Propagator{}, propagation.TraceContext{})
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
