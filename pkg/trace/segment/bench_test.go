package segment_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"go.opentelemetry.io/contrib/propagators/aws/xray"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/pkg/trace/segment"
)

// BenchmarkEightSpans makes a remediation's eight spans, encodes them and sends
// them to a socket that is read: at most 80 µs, and 10 µs where the trace is not
// sampled.
func BenchmarkEightSpans(b *testing.B) {
	for _, c := range []struct {
		name    string
		format  segment.Format
		sampler sdk.Sampler
	}{
		{"documents", segment.Documents, sdk.AlwaysSample()},
		{"otlp", segment.OTLP, sdk.AlwaysSample()},
		{"unsampled", segment.Documents, sdk.NeverSample()},
	} {
		b.Run(c.name, func(b *testing.B) {
			exporter, err := segment.New(segment.Options{Address: sink(b), Format: c.format, Origin: "AWS::Lambda::Function"})
			if err != nil {
				b.Fatal(err)
			}
			ended := &collector{}
			tracer := sdk.NewTracerProvider(
				sdk.WithSampler(c.sampler),
				sdk.WithIDGenerator(xray.NewIDGenerator()),
				sdk.WithSpanProcessor(ended),
				sdk.WithResource(resource.NewSchemaless(
					attribute.String("service.name", "s3-public-access-block"),
					attribute.String("service.version", "v1.2.3"))),
			).Tracer("github.com/ebb-ops/ebb/pkg/remedy")
			b.ReportAllocs()
			for b.Loop() {
				ended.spans = ended.spans[:0]
				remediation(b.Context(), tracer)
				if err := exporter.ExportSpans(b.Context(), ended.spans); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(exporter.Dropped())/float64(b.N), "dropped/op")
			if err := exporter.Shutdown(b.Context()); err != nil {
				b.Error(err)
			}
		})
	}
}

// collector is a span processor that holds what ended.
type collector struct{ spans []sdk.ReadOnlySpan }

func (c *collector) OnStart(context.Context, sdk.ReadWriteSpan) {}
func (c *collector) OnEnd(s sdk.ReadOnlySpan)                   { c.spans = append(c.spans, s) }
func (c *collector) Shutdown(context.Context) error             { return nil }
func (c *collector) ForceFlush(context.Context) error           { return nil }

// remediation makes the spans of one remediation, as the engine does.
func remediation(ctx context.Context, tracer trace.Tracer) {
	ctx, receive := tracer.Start(ctx, "receive s3-public-access-block", trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attribute.Bool(segment.LambdaInvocation, true),
		attribute.String("ebb.function", "s3-public-access-block"),
		attribute.String("ebb.event.id", "5f0d2c1e-3b64-4a55-9d0e-0c6f1f6a7b10"),
		attribute.String("ebb.event.source", "aws.s3")))
	ctx, handle := tracer.Start(ctx, "handle s3-public-access-block", trace.WithAttributes(
		attribute.String("ebb.function", "s3-public-access-block"),
		attribute.String("ebb.event.id", "5f0d2c1e-3b64-4a55-9d0e-0c6f1f6a7b10"),
		attribute.String("ebb.event.name", "DeletePublicAccessBlock")))
	_, decode := tracer.Start(ctx, "decode")
	decode.End()
	for _, op := range [][2]string{{"S3", "GetPublicAccessBlock"}, {"DynamoDB", "TransactWriteItems"}, {"S3", "PutPublicAccessBlock"}, {"DynamoDB", "UpdateItem"}} {
		_, call := tracer.Start(ctx, op[0]+"."+op[1], trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
			attribute.String("rpc.system.name", "aws-api"),
			attribute.String("rpc.service", op[0]),
			attribute.String("rpc.method", op[1]),
			attribute.String("cloud.region", "us-east-1")))
		call.SetAttributes(attribute.String("aws.request_id", "UBQNSO5AEM8T4FDA4RQDEB94OVTDRVV4K4HIRGVJF66Q9ASUAAJG"), attribute.Int("aws.attempts", 1))
		call.End()
	}
	_, verify := tracer.Start(ctx, "verify", trace.WithAttributes(attribute.Int("ebb.violations", 0)))
	verify.End()
	handle.SetAttributes(attribute.String("ebb.outcome", "reverted"))
	handle.End()
	receive.End()
}

// sink gives the address of a socket that is read and forgotten.
func sink(tb testing.TB) string {
	tb.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		tb.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, segment.MaxDatagram)
		for {
			if _, err := conn.Read(buf); errors.Is(err, net.ErrClosed) {
				return
			}
		}
	}()
	tb.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return conn.LocalAddr().String()
}
