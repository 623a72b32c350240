package local

import (
	"context"
	"slices"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// lateSpans is how long after its remediation a trace's last spans may end:
// the webhook's own ends when its sender has the answer.
const lateSpans = time.Second

// keep keeps what belongs to a delivery's records and is not in them: its event,
// and the steps that it took. Those of no-ops are dropped. The delivery is still
// in the inbox: after a crash it comes again, and is kept then.
func (h *Host) keep(event []byte, recs []remedy.Record) {
	done := sqlite.Handled{Records: recs, Event: event, Now: time.Now()}
	done.TraceID, done.Spans = h.steps(recs)
	// The records stand without them, so losing them is only logged.
	if err := h.ledger.SaveHandled(context.Background(), done); err != nil {
		h.log.Error("keep the event and its steps", "trace_id", done.TraceID, "error", err.Error())
	}
	if done.TraceID == "" {
		return
	}
	h.late.Add(1)
	time.AfterFunc(lateSpans, func() {
		defer h.late.Done()
		spans := keptSpans(h.cfg.Keeper.Take(done.TraceID))
		if len(spans) == 0 {
			return
		}
		if err := h.ledger.SaveTrace(context.Background(), done.TraceID, spans); err != nil {
			h.log.Error("keep the trace", "trace_id", done.TraceID, "error", err.Error())
		}
	})
}

// steps takes the spans of what left a record, with the id of their trace. It
// gives none where none are kept.
func (h *Host) steps(recs []remedy.Record) (traceID string, spans []sqlite.Span) {
	if h.cfg.Keeper == nil || len(recs) == 0 || recs[0].TraceID == "" {
		return "", nil
	}
	taken := h.cfg.Keeper.Take(recs[0].TraceID)
	if !slices.ContainsFunc(recs, remedy.Record.Kept) {
		return "", nil
	}
	return recs[0].TraceID, keptSpans(taken)
}

func keptSpans(spans []sdk.ReadOnlySpan) []sqlite.Span {
	out := make([]sqlite.Span, len(spans))
	for i, s := range spans {
		out[i] = KeptSpan(s)
	}
	return out
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
