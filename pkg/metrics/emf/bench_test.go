package emf

import (
	"io"
	"testing"

	"go.opentelemetry.io/otel/metric"

	"go.opentelemetry.io/otel/attribute"

	"github.com/ebb-ops/ebb/pkg/metrics"
)

// BenchmarkEvent measures what one event's metrics cost: those of a revert,
// with six remote calls, recorded and written.
func BenchmarkEvent(b *testing.B) {
	p := New(io.Discard, "ebb", "ec2-security-group", clock)
	m := p.Meter("bench")
	counter := func(name string) metric.Int64Counter {
		c, err := m.Int64Counter(name)
		if err != nil {
			b.Fatal(err)
		}
		return c
	}
	var steps []metric.Float64Histogram
	for _, i := range metrics.All {
		if i.Kind == metrics.Histogram && len(i.Attributes) == 1 {
			h, err := m.Float64Histogram(i.Name)
			if err != nil {
				b.Fatal(err)
			}
			steps = append(steps, h)
		}
	}
	received, outcomes, calls := counter("ebb.events.received"), counter("ebb.outcomes"), metrics.NewCalls(p)
	f := function("ec2-security-group")
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		received.Add(ctx, 1, metric.WithAttributes(f, attribute.String("ebb.event.source", "aws.ec2")))
		for _, service := range []string{"EC2", "DynamoDB"} {
			for n := range 3 {
				calls.Record(ctx, metrics.Call{Service: service, Write: n == 2, Took: 1e7})
			}
		}
		outcomes.Add(ctx, 1, metric.WithAttributes(f, attribute.String("ebb.outcome", "reverted"), attribute.String("ebb.account", "111122223333")))
		of := []metric.RecordOption{metric.WithAttributes(f)}
		for _, h := range steps {
			h.Record(ctx, 0.25, of...)
		}
		if err := p.Flush(); err != nil {
			b.Fatal(err)
		}
	}
}
