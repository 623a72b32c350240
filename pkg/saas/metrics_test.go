package saas_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/ebb-ops/ebb/pkg/saas"
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	const (
		duration = "ebb.remote.call.duration "
		read     = "ebb.remote.access=read,ebb.remote.service=github"
		write    = "ebb.remote.access=write,ebb.remote.service=github"
	)
	for _, tt := range []struct {
		name    string
		method  string
		answers []answer
		want    map[string]float64 // durations are sums of seconds, by the test's own clock
	}{
		{"read", "GET", []answer{{status: 200, delay: 2 * time.Second}}, map[string]float64{duration + read: 2}},
		{"write", "PATCH", []answer{{status: 200, delay: time.Second}}, map[string]float64{duration + write: 1}},
		{"refused", "DELETE", []answer{{status: 404, delay: time.Second}}, map[string]float64{duration + write + ",error.type=404": 1}},
		{
			"throttled_twice", "PATCH",
			[]answer{{status: 429, header: h("Retry-After", "3")}, {status: 403, header: h("Retry-After", "4")}, {status: 200}},
			map[string]float64{duration + write: 7, "ebb.remote.retries " + write: 2, "ebb.remote.throttles " + write: 2},
		},
		{
			"throttled_for_long", "GET", []answer{{status: 429, header: h("Retry-After", "9999")}},
			map[string]float64{duration + read + ",error.type=rate_limit": 0, "ebb.remote.throttles " + read: 1},
		},
		{
			"unavailable", "GET", []answer{{status: 503, header: h("Retry-After", "5")}, {status: 200}},
			map[string]float64{duration + read: 5, "ebb.remote.retries " + read: 1},
		},
		{"no_connection", "POST", []answer{{err: errors.New("refused")}}, map[string]float64{duration + write + ",error.type=transport": 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			reader := sdkmetric.NewManualReader()
			c := saas.NewClient(saas.Options{
				Product: "github", Transport: &script{answers: tt.answers}, Meters: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
			})
			synctest.Test(t, func(t *testing.T) {
				_, _, _ = do(t.Context(), c, tt.method, "https://api.example.com/secret/7") // its result is in the metrics
			})
			var rm metricdata.ResourceMetrics
			if err := reader.Collect(t.Context(), &rm); err != nil {
				t.Fatal(err)
			}
			got := map[string]float64{}
			for _, scope := range rm.ScopeMetrics {
				for _, m := range scope.Metrics {
					switch data := m.Data.(type) {
					case metricdata.Sum[int64]:
						for _, p := range data.DataPoints {
							got[m.Name+" "+p.Attributes.Encoded(attribute.DefaultEncoder())] = float64(p.Value)
						}
					case metricdata.Histogram[float64]:
						for _, p := range data.DataPoints {
							got[m.Name+" "+p.Attributes.Encoded(attribute.DefaultEncoder())] = p.Sum
						}
					}
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("measured (-want +got):\n%s", diff)
			}
		})
	}
}
