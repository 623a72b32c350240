package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/host/local"
	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/trace"
)

// lateSpans is how long a trace may pause before it is decided whether it is
// exported: an event waits in the inbox between its webhook and its function.
const lateSpans = 5 * time.Second

// tracing is this process's tracing.
type tracing struct {
	keeper *trace.Keeper
	noops  atomic.Uint64 // the share of no-ops to export, as [math.Float64bits]
	stop   func(context.Context) error
}

// startTracing sets tracing up for this process: spans go to the keeper, and
// over OTLP where the environment names an endpoint.
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/
func startTracing(ctx context.Context, getenv func(string) string) (*tracing, error) {
	t := &tracing{keeper: trace.NewKeeper()}
	t.sampleNoops(policy.DefaultTracedNoops)
	processors := []sdk.SpanProcessor{t.keeper}
	var batch sdk.SpanProcessor
	if getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "" {
		exporter, err := otlptracehttp.New(ctx)
		if err != nil {
			return nil, fmt.Errorf("export traces over OTLP: %w", err)
		}
		batch = sdk.NewBatchSpanProcessor(exporter)
		processors = append(processors, trace.NewTail(trace.TailOptions{
			Export: func(_ context.Context, spans []sdk.ReadOnlySpan) {
				for _, s := range spans {
					batch.OnEnd(s)
				}
			},
			Noops:  func() float64 { return math.Float64frombits(t.noops.Load()) },
			Linger: lateSpans,
		}))
	}
	stop, err := trace.Setup(trace.Options{Service: "ebb", Version: host.Version(), RecordAll: true, Processors: processors})
	if err != nil {
		return nil, err
	}
	t.stop = func(ctx context.Context) error {
		err := stop(ctx)
		if batch != nil { // it is handed the last traces by what stop ends
			err = errors.Join(err, batch.Shutdown(ctx))
		}
		return err
	}
	return t, nil
}

// sampleNoops sets the share of events that led to nothing whose trace is exported.
func (t *tracing) sampleNoops(share float64) { t.noops.Store(math.Float64bits(share)) }

// keepTrace keeps the steps of what left a record beside it, and drops those of no-ops.
func (s *session) keepTrace(ctx context.Context, recs []remedy.Record) error {
	if s.Keeper == nil || len(recs) == 0 || recs[0].TraceID == "" {
		return nil
	}
	ended := s.Keeper.Take(recs[0].TraceID)
	kept := false
	for _, r := range recs {
		kept = kept || r.Kept()
	}
	if !kept || s.file == nil || len(ended) == 0 {
		return nil
	}
	spans := make([]sqlite.Span, len(ended))
	for i, e := range ended {
		spans[i] = local.KeptSpan(e)
	}
	return s.file.SaveTrace(ctx, recs[0].TraceID, spans)
}
