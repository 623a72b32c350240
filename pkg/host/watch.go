package host

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"go.opentelemetry.io/otel"

	"github.com/ebb-ops/ebb/pkg/logs"
	"github.com/ebb-ops/ebb/pkg/metrics/emf"
)

// watch is what tells of a function's work on Lambda: its log and its metrics,
// both on the standard output, and its traces.
type watch struct {
	log     *slog.Logger
	metrics *emf.Provider
	tracing tracing
	noops   float64     // the share of events without consequence whose trace is sent; set before the first invocation
	warm    atomic.Bool // the first invocation is over
	cold    bool        // the first invocation waits for the start
}

func newWatch(name string, getenv func(string) string, out io.Writer) *watch {
	w := &watch{noops: 1, cold: getenv("AWS_LAMBDA_INITIALIZATION_TYPE") != "provisioned-concurrency"}
	w.log = logs.New(out, logs.Options{Getenv: getenv, ColdStart: func() bool { return w.cold && !w.warm.Load() }})
	w.metrics = emf.New(out, cmp.Or(getenv(logs.SettingService), logs.Service), name, time.Now)
	otel.SetMeterProvider(w.metrics)
	w.tracing = startTracing(name, getenv, w.log, func() float64 { return w.noops })
	return w
}

// handler gives next as Lambda is to invoke it: when it answers, everything
// about the invocation is out, because the process may be frozen next.
func (w *watch) handler(next lambda.Handler) lambda.Handler {
	return w.metrics.Wrap(watched{w, next}, w.cold)
}

type watched struct {
	*watch
	next lambda.Handler
}

// Invoke implements [lambda.Handler].
func (w watched) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	w.tracing.begin(ctx)
	defer func() {
		w.tracing.end()
		w.warm.Store(true)
	}()
	return w.next.Invoke(ctx, payload)
}
