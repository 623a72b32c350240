package host

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/trace"
)

// Not parallel: the propagator is the process's.
func TestDelivery_origin(t *testing.T) {
	before := otel.GetTextMapPropagator()
	otel.SetTextMapPropagator(trace.Propagator())
	t.Cleanup(func() { otel.SetTextMapPropagator(before) })

	const (
		first  = "00000000000000000000000000000001"
		second = "00000000000000000000000000000002"
	)
	carrier := func(id string) map[string]string {
		return map[string]string{"traceparent": "00-" + id + "-00000000000000aa-01"}
	}
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	long := now.Add(-LinkAfter - time.Second)
	type origin struct {
		Parent string
		Links  []string
	}
	tests := map[string]struct {
		d    Delivery
		m    bus.Message
		want origin
	}{
		"no trace":                       {},
		"beside":                         {Delivery{Carrier: carrier(first)}, bus.Message{}, origin{Parent: first}},
		"inside":                         {Delivery{}, bus.Message{Carrier: carrier(first)}, origin{Parent: first}},
		"the same beside and inside":     {Delivery{Carrier: carrier(first)}, bus.Message{Carrier: carrier(first)}, origin{Parent: first}},
		"two that differ":                {Delivery{Carrier: carrier(first)}, bus.Message{Carrier: carrier(second)}, origin{first, []string{second}}},
		"a replay of an archive":         {Delivery{Carrier: carrier(first)}, bus.Message{Carrier: carrier(second), Again: true}, origin{Links: []string{first, second}}},
		"a schedule's input":             {Delivery{}, bus.Message{Carrier: carrier(first), Again: true}, origin{Links: []string{first}}},
		"a replay of a dead letter":      {Delivery{Carrier: trace.Linked(carrier(first))}, bus.Message{}, origin{Links: []string{first}}},
		"received long ago":              {Delivery{Carrier: carrier(first), Received: long}, bus.Message{}, origin{Links: []string{first}}},
		"its webhook was long ago":       {Delivery{Carrier: carrier(first)}, bus.Message{Event: remedy.Event{Received: long}}, origin{Links: []string{first}}},
		"received a while ago":           {Delivery{Carrier: carrier(first), Received: now.Add(-LinkAfter)}, bus.Message{}, origin{Parent: first}},
		"the change, not the event, old": {Delivery{Carrier: carrier(first)}, bus.Message{Event: remedy.Event{Time: long}}, origin{Parent: first}},
		"garbage":                        {Delivery{Carrier: map[string]string{"traceparent": "x"}}, bus.Message{Carrier: map[string]string{"ebb-link-traceparent": "y"}}, origin{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, links := tt.d.origin(context.Background(), tt.m, now)
			var got origin
			if sc := oteltrace.SpanContextFromContext(ctx); sc.IsValid() {
				got.Parent = sc.TraceID().String()
			}
			for _, l := range links {
				got.Links = append(got.Links, l.SpanContext.TraceID().String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("origin (-want +got):\n%s", diff)
			}
		})
	}
}
