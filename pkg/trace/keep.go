package trace

import (
	"context"
	"sync"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// MaxKeptTraces bounds how many unfinished traces a [Keeper] holds; past it the
// oldest is dropped.
const MaxKeptTraces = 10_000

// MaxKeptSpans bounds how many spans of one trace a [Keeper] holds.
const MaxKeptSpans = 1_000

// Keeper is a span processor that holds ended spans by trace until they are
// taken: so that the steps of a remediation can be kept beside its record, and
// those of a no-op dropped.
type Keeper struct {
	mu     sync.Mutex
	traces map[string][]sdk.ReadOnlySpan
	order  []string // of arrival; may name traces that were taken since
}

// NewKeeper gives an empty Keeper.
func NewKeeper() *Keeper {
	return &Keeper{traces: map[string][]sdk.ReadOnlySpan{}}
}

// Take gives the spans of a trace that ended so far, and forgets them.
func (k *Keeper) Take(traceID string) []sdk.ReadOnlySpan {
	k.mu.Lock()
	defer k.mu.Unlock()
	spans := k.traces[traceID]
	delete(k.traces, traceID)
	return spans
}

// OnStart implements [sdk.SpanProcessor].
func (k *Keeper) OnStart(context.Context, sdk.ReadWriteSpan) {}

// OnEnd implements [sdk.SpanProcessor].
func (k *Keeper) OnEnd(s sdk.ReadOnlySpan) {
	id := s.SpanContext().TraceID().String()
	k.mu.Lock()
	defer k.mu.Unlock()
	spans, ok := k.traces[id]
	if len(spans) < MaxKeptSpans {
		k.traces[id] = append(spans, s)
	}
	if !ok {
		k.order = append(k.order, id)
		k.forget()
	}
}

// forget drops the oldest traces past the bound, and the names of taken ones.
func (k *Keeper) forget() {
	if len(k.order) <= MaxKeptTraces {
		return
	}
	kept := k.order[:0]
	surplus := len(k.traces) - MaxKeptTraces/2
	for _, id := range k.order {
		if _, ok := k.traces[id]; !ok {
			continue
		}
		if surplus > 0 {
			delete(k.traces, id)
			surplus--
			continue
		}
		kept = append(kept, id)
	}
	k.order = kept
}

// Shutdown implements [sdk.SpanProcessor].
func (k *Keeper) Shutdown(context.Context) error { return nil }

// ForceFlush implements [sdk.SpanProcessor].
func (k *Keeper) ForceFlush(context.Context) error { return nil }
