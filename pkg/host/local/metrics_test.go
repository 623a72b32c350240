package local_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// reading gives counters and gauges as they are now.
func reading(t *testing.T, r *sdkmetric.ManualReader) map[string]int64 {
	t.Helper()
	var rm metricdata.ResourceMetrics
	if err := r.Collect(t.Context(), &rm); err != nil {
		t.Fatal(err)
	}
	out := map[string]int64{}
	key := func(name string, set attribute.Set) string {
		return fmt.Sprintf("%s{%s}", name, set.Encoded(attribute.DefaultEncoder()))
	}
	for _, scope := range rm.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					out[key(m.Name, p.Attributes)] = p.Value
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					out[key(m.Name, p.Attributes)] = p.Value
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					out[key(m.Name, p.Attributes)+" > 0"] = min(1, int64(p.Value*1e9))
				}
			}
		}
	}
	return out
}

func TestServe_is_measured(t *testing.T) {
	t.Parallel()
	hs := newHouse("a", "b")
	hs.hold = make(chan struct{})
	cfg := config(t, hs.function())
	reader := sdkmetric.NewManualReader()
	cfg.Meters = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	r := serve(t, cfg)
	r.do(http.MethodPost, "/events", event("e1", "a")+event("e2", "poison"))
	const received, dead, outcomes = "ebb.events.received{ebb.event.source=test,ebb.function=lamps}", "ebb.dead_letters{ebb.function=lamps}", "ebb.outcomes{ebb.account="
	want := map[string]int64{
		received: 2, dead: 1, outcomes + "1,ebb.function=lamps,ebb.outcome=failed}": 1,
		"ebb.inbox.pending{}": 1, "ebb.inbox.oldest.age{} > 0": 1,
	}
	waitFor(t, func() string { return cmp.Diff(want, reading(t, reader)) })
	close(hs.hold)
	r.await(map[string]remedy.Outcome{"e1": remedy.Reverted, "e2": remedy.Failed})
	want[outcomes+"1,ebb.function=lamps,ebb.outcome=reverted}"] = 1
	want["ebb.inbox.pending{}"], want["ebb.inbox.oldest.age{} > 0"] = 0, 0
	waitFor(t, func() string { return cmp.Diff(want, reading(t, reader)) })

	r.do(http.MethodPost, "/", `{"Entries":[{"Source":"aws.ec2","DetailType":"AWS API Call via CloudTrail","Detail":"{\"eventName\":7}"}]}`,
		"X-Amz-Target", "AWSEvents.PutEvents", "Content-Type", "application/x-amz-json-1.1")
	want["ebb.dead_letters{ebb.function=unknown}"] = 1
	waitFor(t, func() string { return cmp.Diff(want, reading(t, reader)) })

	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	// The inbox is closed, so nothing asks it any more.
	delete(want, "ebb.inbox.pending{}")
	delete(want, "ebb.inbox.oldest.age{} > 0")
	if diff := cmp.Diff(want, reading(t, reader)); diff != "" {
		t.Errorf("metrics after the end (-want +got):\n%s", diff)
	}
}

func TestServe_shows_metrics_to_whom_it_shows_records(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		token   string
		headers []string
		want    int
	}{
		"loopback":        {"", nil, http.StatusTeapot},
		"through a proxy": {"", []string{"X-Forwarded-For", "203.0.113.7"}, http.StatusForbidden},
		"no token":        {"t0", nil, http.StatusUnauthorized},
		"the token":       {"t0", []string{"Authorization", "Bearer t0"}, http.StatusTeapot},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(t, newHouse().function())
			cfg.Token = tt.token
			cfg.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
			if got, body := serve(t, cfg).do(http.MethodGet, "/metrics", "", tt.headers...); got != tt.want {
				t.Errorf("%d %s, want %d", got, body, tt.want)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		if got, _ := serve(t, config(t, newHouse().function())).do(http.MethodGet, "/metrics", ""); got != http.StatusNotFound {
			t.Errorf("%d, want 404", got)
		}
	})
}
