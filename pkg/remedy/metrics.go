package remedy

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// The attributes that the engine's metrics have beside function, outcome and
// account.
const (
	SourceKey = attribute.Key("ebb.event.source")
	CapKey    = attribute.Key("ebb.cap")
)

// maxAccounts is how many accounts the metrics of one process tell apart: each
// is a time series of its own, and events can name any.
const maxAccounts = 100

// other stands for the values of an attribute that are not told apart.
const other = "other"

// durations are the buckets of the engine's histograms, in seconds.
var durations = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600}

// meters are the engine's instruments. Package metrics lists them with those of
// the other packages.
type meters struct {
	received, outcomes, caps                    metric.Int64Counter
	whole, delivery, queue, decide, fix, verify metric.Float64Histogram

	mu       sync.Mutex
	accounts map[string]bool
}

func newMeters(m metric.Meter) *meters {
	var errs []error
	counter := func(name, unit, description string) metric.Int64Counter {
		c, err := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
		errs = append(errs, err)
		return c
	}
	histogram := func(name, description string) metric.Float64Histogram {
		h, err := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description),
			metric.WithExplicitBucketBoundaries(durations...))
		errs = append(errs, err)
		return h
	}
	out := &meters{
		received: counter("ebb.events.received", "{event}", "Events that reached a function; copies and further attempts count."),
		outcomes: counter("ebb.outcomes", "{outcome}", "How events ended, for each resource; no-ops count, and an attempt that ended in an error counts as failed."),
		caps:     counter("ebb.caps.reached", "{revert}", "Reverts that a cap held back."),
		whole:    histogram("ebb.remediation.time_to_compliance", "From the change, by its source's clock, to the read that found it put back."),
		delivery: histogram("ebb.remediation.delivery.duration", "From the change, by its source's clock, until Ebb received the event."),
		queue:    histogram("ebb.remediation.queue.duration", "From when Ebb received the event until a function began with it."),
		decide:   histogram("ebb.remediation.decide.duration", "From when a function began until the live state was read and judged."),
		fix:      histogram("ebb.remediation.fix.duration", "From the decision until the last call returned."),
		verify:   histogram("ebb.remediation.verify.duration", "From the last call until a read found the state as it should be."),
		accounts: map[string]bool{},
	}
	if err := errors.Join(errs...); err != nil {
		otel.Handle(err) // the instruments work all the same, or measure nothing
	}
	return out
}

// receive counts an event. A source that is none of the function's is not told
// apart: an event may name any.
func (m *meters) receive(ctx context.Context, h *Handler, ev Event) {
	source := other
	for _, t := range h.Triggers {
		if t.Source == ev.Source {
			source = ev.Source
		}
	}
	m.received.Add(ctx, 1, metric.WithAttributes(FunctionKey.String(h.Name), SourceKey.String(source)))
}

// tell measures how an attempt ended, from its record. With an error it is a
// failed one, whatever it came to: it is repeated.
func (m *meters) tell(ctx context.Context, rec Record, err error) {
	outcome := rec.Outcome
	if err != nil {
		outcome = Failed
	}
	account := m.account(cmp.Or(rec.Resource.Account, rec.Event.Account, "unknown"))
	m.outcomes.Add(ctx, 1, metric.WithAttributes(FunctionKey.String(rec.Function), OutcomeKey.String(string(outcome)), AccountKey.String(account)))
	if rec.Cap != nil && outcome == Held {
		m.caps.Add(ctx, 1, metric.WithAttributes(FunctionKey.String(rec.Function), CapKey.String(rec.Cap.Kind)))
	}
	of := []metric.RecordOption{metric.WithAttributes(FunctionKey.String(rec.Function))}
	t := rec.Times
	if outcome == Reverted {
		took(ctx, m.whole, t.Changed, t.Verified, of)
	}
	took(ctx, m.delivery, t.Changed, t.Received, of)
	took(ctx, m.queue, t.Received, t.Began, of)
	took(ctx, m.decide, t.Began, t.Decided, of)
	took(ctx, m.fix, t.Decided, t.Fixed, of)
	took(ctx, m.verify, t.Fixed, t.Verified, of)
}

// took measures a step that both began and ended. Two clocks may disagree; then
// it took no time.
func took(ctx context.Context, h metric.Float64Histogram, from, to time.Time, of []metric.RecordOption) {
	if !from.IsZero() && !to.IsZero() {
		h.Record(ctx, max(0, to.Sub(from)).Seconds(), of...)
	}
}

// account gives the account as the metrics have it.
func (m *meters) account(id string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.accounts[id] {
		if len(m.accounts) >= maxAccounts {
			return other
		}
		m.accounts[id] = true
	}
	return id
}
