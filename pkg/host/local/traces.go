package local

import (
	"context"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// lateSpans is how long after its remediation a trace's last spans may end:
// the webhook's own ends when its sender has the answer.
const lateSpans = time.Second

// keepTrace keeps the steps of what left a record, and drops those of no-ops.
func (h *Host) keepTrace(recs []remedy.Record) {
	if h.cfg.Keeper == nil || len(recs) == 0 || recs[0].TraceID == "" {
		return
	}
	id := recs[0].TraceID
	keep := false
	for _, r := range recs {
		keep = keep || r.Kept()
	}
	spans := h.cfg.Keeper.Take(id)
	if !keep {
		return
	}
	h.saveSpans(id, spans)
	h.late.Add(1)
	time.AfterFunc(lateSpans, func() {
		defer h.late.Done()
		h.saveSpans(id, h.cfg.Keeper.Take(id))
	})
}

func (h *Host) saveSpans(traceID string, spans []sdk.ReadOnlySpan) {
	if len(spans) == 0 {
		return
	}
	out := make([]sqlite.Span, len(spans))
	for i, s := range spans {
		out[i] = KeptSpan(s)
	}
	// The record stands without its waterfall, so losing one is only logged.
	if err := h.ledger.SaveTrace(context.Background(), traceID, out); err != nil {
		h.log.Error("keep the trace", "trace_id", traceID, "error", err.Error())
	}
}

// KeptSpan gives a span as the ledger keeps it.
func KeptSpan(s sdk.ReadOnlySpan) sqlite.Span {
	out := sqlite.Span{
		SpanID: s.SpanContext().SpanID().String(), Name: s.Name(), Kind: s.SpanKind().String(),
		Start: s.StartTime(), End: s.EndTime(), Status: s.Status().Code.String(), Error: s.Status().Description,
		Attributes: map[string]string{},
	}
	if s.Parent().SpanID().IsValid() {
		out.ParentID = s.Parent().SpanID().String()
	}
	for _, kv := range s.Attributes() {
		out.Attributes[string(kv.Key)] = kv.Value.String()
	}
	for _, l := range s.Links() {
		out.Links = append(out.Links, l.SpanContext.TraceID().String()+"-"+l.SpanContext.SpanID().String())
	}
	return out
}
