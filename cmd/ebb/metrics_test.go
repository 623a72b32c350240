package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric/noop"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Not parallel: the meter provider is the process's.
func TestMetricsPage(t *testing.T) {
	t.Cleanup(func() { otel.SetMeterProvider(noop.NewMeterProvider()) })
	w := newWorld(t)
	w.env["EBB_DATA"], w.deps.StartMetrics = w.dir+"/data", startMetrics
	s := w.serve("--policy", w.enforcing())
	res, err := http.Post(s.url+"/events", "application/json", strings.NewReader(w.event("e1", "shelf.put", "a")))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	w.await("e1", remedy.Reverted)

	var body []byte
	deadline := time.Now().Add(20 * time.Second)
	for ; !bytes.Contains(body, []byte("ebb_inbox_pending 0\n")) || !bytes.Contains(body, []byte("ebb_outcomes_total{")); body = page(t, s.url+"/metrics") {
		if time.Now().After(deadline) {
			t.Fatalf("the event is not measured, or not gone from the inbox: %s", body)
		}
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.New(bytes.NewReader(body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "ebb_") || strings.HasPrefix(p.Metric, "faas_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	var got []string
	for name, f := range families {
		if !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			got = append(got, name+" "+f.GetType().String()+" "+strings.Join(labels(f), ","))
		}
	}
	slices.Sort(got)
	want := []string{
		"ebb_events_received_total COUNTER ebb_event_source,ebb_function",
		"ebb_inbox_oldest_age_seconds GAUGE ",
		"ebb_inbox_pending GAUGE ",
		"ebb_outcomes_total COUNTER ebb_account,ebb_function,ebb_outcome",
		"ebb_remediation_decide_duration_seconds HISTOGRAM ebb_function",
		"ebb_remediation_delivery_duration_seconds HISTOGRAM ebb_function",
		"ebb_remediation_fix_duration_seconds HISTOGRAM ebb_function",
		"ebb_remediation_queue_duration_seconds HISTOGRAM ebb_function",
		"ebb_remediation_time_to_compliance_seconds HISTOGRAM ebb_function",
		"ebb_remediation_verify_duration_seconds HISTOGRAM ebb_function",
		"target_info GAUGE service_name,service_version,telemetry_sdk_language,telemetry_sdk_name,telemetry_sdk_version",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metric families (-want +got):\n%s", diff)
	}
	if _, ok := families["go_goroutines"]; !ok {
		t.Error("the Go runtime's metrics are missing")
	}
	if code := s.stop(); code != exitDone {
		t.Errorf("exit code %d, want %d", code, exitDone)
	}
}

// labels gives the names of a family's labels.
func labels(f *dto.MetricFamily) []string {
	var out []string
	for _, m := range f.GetMetric() {
		for _, l := range m.GetLabel() {
			out = append(out, l.GetName())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func page(t *testing.T, url string) []byte {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v: %s", url, res.Status, err, body)
	}
	return body
}

func TestMetricsGoOutOverOTLP(t *testing.T) {
	var got []string
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var sent metricspb.MetricsData // of the same form as a request
		if err == nil {
			err = proto.Unmarshal(body, &sent)
		}
		if err != nil || r.URL.Path != "/v1/metrics" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		for _, resource := range sent.GetResourceMetrics() {
			for _, scope := range resource.GetScopeMetrics() {
				for _, m := range scope.GetMetrics() {
					got = append(got, m.GetName()+" "+m.GetUnit())
				}
			}
		}
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	_, stop, err := startMetrics(t.Context(), func(string) string { return collector.URL })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { otel.SetMeterProvider(noop.NewMeterProvider()) })
	newWorld(t).revert()
	if err := stop(t.Context()); err != nil { // which sends what is left
		t.Fatal(err)
	}
	for _, want := range []string{"ebb.events.received {event}", "ebb.outcomes {outcome}", "ebb.remediation.time_to_compliance s"} {
		if !slices.Contains(got, want) {
			t.Errorf("the collector got %v, want also %s", got, want)
		}
	}
}
