package main

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/host/local"
	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/trace"
)

// startTracing sets tracing up for this process: spans go to the keeper, and
// over OTLP where the environment names an endpoint.
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/
func startTracing(ctx context.Context, getenv func(string) string) (*trace.Keeper, func(context.Context) error, error) {
	keeper := trace.NewKeeper()
	processors := []sdk.SpanProcessor{keeper}
	if getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "" {
		exporter, err := otlptracehttp.New(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("export traces over OTLP: %w", err)
		}
		processors = append(processors, sdk.NewBatchSpanProcessor(exporter))
	}
	stop, err := trace.Setup("ebb", host.Version(), processors...)
	return keeper, stop, err
}

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
