package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
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

// keep keeps beside the records of a delivery its event and the steps that it
// took, and drops those of no-ops. What has no event of its own gives nil.
func (s *session) keep(ctx context.Context, event []byte, recs []remedy.Record) error {
	done := sqlite.Handled{Records: recs, Event: event, Now: s.Now()}
	if s.Keeper != nil && len(recs) > 0 && recs[0].TraceID != "" {
		taken := s.Keeper.Take(recs[0].TraceID)
		if slices.ContainsFunc(recs, remedy.Record.Kept) {
			done.TraceID = recs[0].TraceID
			for _, span := range taken {
				done.Spans = append(done.Spans, local.KeptSpan(span))
			}
		}
	}
	if s.file == nil {
		return nil
	}
	return s.file.SaveHandled(ctx, done)
}
