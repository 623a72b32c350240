package host

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/trace"
	"github.com/ebb-ops/ebb/pkg/trace/segment/daemontest"
)

// BenchmarkInvocation measures what tracing adds to an invocation: from the
// header to eight spans created, held, encoded and handed to the daemon's socket.
func BenchmarkInvocation(b *testing.B) {
	b.Cleanup(func() {
		otel.SetTracerProvider(noop.NewTracerProvider())
		otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator())
	})
	for name, header := range map[string]string{
		"sampled": sampledHeader, "unsampled": strings.Replace(sampledHeader, "Sampled=1", "Sampled=0", 1),
	} {
		b.Run(name, func(b *testing.B) {
			daemon := daemontest.Start(b)
			b.Setenv("AWS_XRAY_DAEMON_ADDRESS", daemon.Address())
			tr := startTracing("lamp", func(string) string { return "" }, slog.New(slog.DiscardHandler), all)
			tracer := otel.Tracer("test")
			invocation := context.WithValue(b.Context(), "x-amzn-trace-id", header) //nolint:revive,staticcheck // the client's own key
			b.ReportAllocs()
			for b.Loop() {
				tr.begin(invocation)
				ctx, root := tracer.Start(trace.Extract(invocation, lambdaCarrier(invocation)), "receive lamp")
				for range 7 {
					_, span := tracer.Start(ctx, "remediate")
					span.SetAttributes(remedy.FunctionKey.String("lamp"), remedy.OutcomeKey.String("reverted"))
					span.End()
				}
				root.End()
				tr.end()
			}
		})
	}
}
