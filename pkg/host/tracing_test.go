package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/ebb-ops/ebb/pkg/logs"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/trace"
	"github.com/ebb-ops/ebb/pkg/trace/segment/daemontest"
)

// process gives back the process's tracing when the test ends.
func process(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		otel.SetTracerProvider(noop.NewTracerProvider())
		otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator())
	})
}

func settings(m map[string]string) func(string) string {
	return func(name string) string { return m[name] }
}

// invoked gives the context of an invocation as the runtime client makes it.
func invoked(t *testing.T, header string) context.Context {
	return context.WithValue(t.Context(), "x-amzn-trace-id", header) //nolint:revive,staticcheck // the client's own key
}

const sampledHeader = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"

func all() float64 { return 1 }

func TestTracing_formats(t *testing.T) {
	process(t)
	for format, want := range map[string]string{"": `{"`, "documents": `{"`, "otlp": "T1S", "nonsense": `{"`} {
		t.Run(format, func(t *testing.T) {
			daemon := daemontest.Start(t)
			var log bytes.Buffer
			t.Setenv("AWS_XRAY_DAEMON_ADDRESS", "tcp:127.0.0.1:1 udp:"+daemon.Address())
			tr := startTracing("lamp", settings(map[string]string{SettingTraceFormat: format}), slog.New(slog.NewTextHandler(&log, nil)), all)
			tr.begin(invoked(t, sampledHeader))
			_, span := otel.Tracer("test").Start(t.Context(), "x")
			span.End()
			tr.end()
			if got := daemon.Receive(t, 1)[0]; !strings.HasPrefix(string(got), want) {
				t.Errorf("datagram %s, want one that starts with %s", got, want)
			}
			if warned := strings.Contains(log.String(), SettingTraceFormat); warned != (format == "nonsense") {
				t.Errorf("log = %s", &log)
			}
		})
	}
}

func TestTracing_that_cannot_be_sent_fails_nothing(t *testing.T) {
	process(t)
	for name, tt := range map[string]struct{ address, log string }{
		"nobody listens": {"127.0.0.1:1", ""},
		"no address":     {"nonsense", "no traces are sent"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			t.Setenv("AWS_XRAY_DAEMON_ADDRESS", tt.address)
			tr := startTracing("lamp", settings(nil), slog.New(slog.NewTextHandler(&log, nil)), all)
			for range 3 { // what comes back of the first is told with the second
				tr.begin(invoked(t, sampledHeader))
				_, span := otel.Tracer("test").Start(t.Context(), "x")
				if !span.SpanContext().IsValid() {
					t.Error("the span has no id for the record")
				}
				span.End()
				tr.end()
			}
			if !strings.Contains(log.String(), tt.log) || (tt.log == "") != (log.Len() == 0) {
				t.Errorf("log = %q, want %q", &log, tt.log)
			}
		})
	}
}

// echo is a handler that logs.
type echo struct{ log *slog.Logger }

func (e echo) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, span := otel.Tracer("test").Start(ctx, "work")
	defer span.End()
	e.log.InfoContext(ctx, "worked")
	if string(payload) == "fail" {
		return nil, errors.New("boom")
	}
	return payload, nil
}

func TestWatch_tells_of_each_invocation(t *testing.T) {
	process(t)
	for initialization, cold := range map[string]bool{"on-demand": true, "provisioned-concurrency": false} {
		t.Run(initialization, func(t *testing.T) {
			daemon := daemontest.Start(t)
			t.Setenv("AWS_XRAY_DAEMON_ADDRESS", daemon.Address())
			var out bytes.Buffer
			w := newWatch("lamp", settings(map[string]string{
				"AWS_LAMBDA_FUNCTION_NAME": "stack-lamp", "AWS_LAMBDA_INITIALIZATION_TYPE": initialization,
				logs.SettingService: "ebb-dev",
			}), &out)
			h := w.handler(echo{w.log})
			for i, payload := range []string{"hello", "fail"} {
				out.Reset()
				answer, err := h.Invoke(invoked(t, sampledHeader), []byte(payload))
				if failed := err != nil; failed != (payload == "fail") || !failed && string(answer) != payload {
					t.Errorf("%s: answer %s, %v", payload, answer, err)
				}
				daemon.Receive(t, 1)
				lines := strings.Split(strings.TrimSpace(out.String()), "\n")
				var line struct {
					Message  string
					Function string `json:"function_name"`
					Cold     bool   `json:"cold_start"`
				}
				if err := json.Unmarshal([]byte(lines[0]), &line); err != nil {
					t.Fatal(err)
				}
				first := i == 0 && cold
				if line.Message != "worked" || line.Function != "stack-lamp" || line.Cold != first {
					t.Errorf("%s: log line %s, want cold_start %t", payload, lines[0], first)
				}
				if strings.Count(out.String(), `"service":"ebb-dev"`) != len(lines) {
					t.Errorf("a line is not of the service ebb-dev: %s", &out)
				}
				if measured := strings.Contains(out.String(), `"ColdStart":1`); measured != first {
					t.Errorf("%s: the cold start is measured: %t, want %t; output %s", payload, measured, first, &out)
				}
			}
		})
	}
}

// EventBridge hands its header on to targets, but drops it from archives and
// from the event: so the trace is inside as well.
func TestPublisher_hands_the_trace_on(t *testing.T) {
	process(t)
	otel.SetTextMapPropagator(trace.Propagator())
	fake := &eventBridge{status: 200, answer: `{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}`}
	ctx := trace.Extract(t.Context(), map[string]string{trace.XRayHeader: sampledHeader})
	if err := fake.publisher()(ctx, remedy.Event{ID: "d1", Source: "github", Name: "push"}); err != nil {
		t.Fatal(err)
	}
	if got := fake.sent[0]["TraceHeader"]; got != sampledHeader {
		t.Errorf("TraceHeader = %v, want %s", got, sampledHeader)
	}
	if got := fake.sent[0]["Detail"].(string); !strings.Contains(got, `"traceparent":"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"`) {
		t.Errorf("detail = %s, want the traceparent in it", got)
	}
}
