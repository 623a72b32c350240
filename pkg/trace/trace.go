// Package trace sets OpenTelemetry up for Ebb's hosts, carries trace context
// over hops that have no headers of their own, and decides which traces are
// exported.
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
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// Options describe what is traced. Service and Version are required.
type Options struct {
	Service    string               // "ec2-security-group", "ebb"
	Version    string               // of the build
	Attributes []attribute.KeyValue // more of the resource, in OpenTelemetry's names
	// RecordAll keeps the steps also of traces that whoever began them chose
	// not to sample: for a [Keeper], never for an exporter.
	RecordAll  bool
	Processors []sdk.SpanProcessor // each sees every span that is recorded
}

// Setup installs the global tracer provider and propagators: W3C trace context
// and X-Ray's header are both understood on the way in and both written on the
// way out. Trace ids are such that X-Ray takes them too. Whether a trace is
// sampled is for whoever began it to say; where Ebb began it, it is. stop
// flushes and ends the processors.
func Setup(o Options) (stop func(context.Context) error, err error) {
	attrs := append([]attribute.KeyValue{
		attribute.String("service.name", o.Service),
		attribute.String("service.version", o.Version),
		attribute.String("service.namespace", "ebb"),
	}, o.Attributes...)
	res, err := resource.Merge(resource.Default(), resource.NewSchemaless(attrs...))
	if err != nil {
		return nil, fmt.Errorf("set up tracing: %w", err)
	}
	opts := []sdk.TracerProviderOption{
		sdk.WithResource(res),
		sdk.WithIDGenerator(xray.NewIDGenerator()),
		sdk.WithSampler(sampler(o.RecordAll)),
	}
	for _, p := range o.Processors {
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

// sampler follows the parent's decision, and samples what has no parent.
func sampler(recordAll bool) sdk.Sampler {
	if !recordAll {
		return sdk.ParentBased(sdk.AlwaysSample())
	}
	return sdk.ParentBased(sdk.AlwaysSample(),
		sdk.WithRemoteParentNotSampled(recordOnly{}), sdk.WithLocalParentNotSampled(recordOnly{}))
}

// recordOnly records a span without sampling it.
type recordOnly struct{}

// ShouldSample implements [sdk.Sampler].
func (recordOnly) ShouldSample(p sdk.SamplingParameters) sdk.SamplingResult {
	return sdk.SamplingResult{Decision: sdk.RecordOnly, Tracestate: oteltrace.SpanContextFromContext(p.ParentContext).TraceState()}
}

// Description implements [sdk.Sampler].
func (recordOnly) Description() string { return "RecordOnly" }
