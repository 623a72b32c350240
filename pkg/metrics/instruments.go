package metrics

import (
	"cmp"
	"context"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// meter gives the meter of the instruments that packages share; nil means the
// global provider's.
func meter(p metric.MeterProvider) metric.Meter {
	if p == nil {
		p = otel.GetMeterProvider()
	}
	return p.Meter("github.com/ebb-ops/ebb/pkg/metrics")
}

// counter makes one of the listed counters. What the API gives beside an error
// works all the same, so an error is only told.
func counter(m metric.Meter, name string) metric.Int64Counter {
	i := find(name)
	c, err := m.Int64Counter(i.Name, metric.WithUnit(i.Unit), metric.WithDescription(i.Description))
	tell(err)
	return c
}

func tell(err error) {
	if err != nil {
		otel.Handle(err)
	}
}

// Host counts what happens around the engine.
type Host struct {
	meter                                  metric.Meter
	deadLetters, coldStarts, notifications metric.Int64Counter
}

// NewHost makes a host's instruments; a nil provider means the global one.
func NewHost(p metric.MeterProvider) *Host {
	m := meter(p)
	return &Host{
		meter: m, deadLetters: counter(m, "ebb.dead_letters"), coldStarts: counter(m, "faas.coldstarts"),
		notifications: counter(m, "ebb.notifications"),
	}
}

// DeadLetter counts an event that was kept as a dead letter. function is empty
// when it could not be told for which it was.
func (h *Host) DeadLetter(ctx context.Context, function string) {
	h.deadLetters.Add(ctx, 1, metric.WithAttributes(attribute.String(Function.Key, cmp.Or(function, "unknown"))))
}

// ColdStart counts an invocation that had to wait for a new process.
func (h *Host) ColdStart(ctx context.Context) { h.coldStarts.Add(ctx, 1) }

// Notification counts an attempt to send a notification to a channel; result is
// "sent", "failed" or "dead".
func (h *Host) Notification(ctx context.Context, channel, result string) {
	h.notifications.Add(ctx, 1, metric.WithAttributes(attribute.String(Channel.Key, channel), attribute.String(Result.Key, result)))
}

// ObserveOutbox has look asked whenever the metrics are read: how many
// notifications wait. Unregister what it gives before the outbox is closed.
func (h *Host) ObserveOutbox(look func(context.Context) (int64, error)) (metric.Registration, error) {
	i := find("ebb.outbox.pending")
	pending, err := h.meter.Int64ObservableGauge(i.Name, metric.WithUnit(i.Unit), metric.WithDescription(i.Description))
	tell(err)
	return h.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		n, err := look(ctx)
		if err != nil {
			return err
		}
		o.ObserveInt64(pending, n)
		return nil
	}, pending)
}

// ObserveInbox has look asked whenever the metrics are read: how many events the
// inbox holds, and how old the oldest is. Unregister what it gives before the
// inbox is closed.
func ObserveInbox(p metric.MeterProvider, look func(context.Context) (pending int64, oldest time.Duration, err error)) (metric.Registration, error) {
	m := meter(p)
	i := find("ebb.inbox.pending")
	pending, err := m.Int64ObservableGauge(i.Name, metric.WithUnit(i.Unit), metric.WithDescription(i.Description))
	tell(err)
	i = find("ebb.inbox.oldest.age")
	oldest, err := m.Float64ObservableGauge(i.Name, metric.WithUnit(i.Unit), metric.WithDescription(i.Description))
	tell(err)
	return m.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		n, age, err := look(ctx)
		if err != nil {
			return err
		}
		o.ObserveInt64(pending, n)
		o.ObserveFloat64(oldest, age.Seconds())
		return nil
	}, pending, oldest)
}

// Calls measures remote calls.
type Calls struct {
	duration           metric.Float64Histogram
	retries, throttles metric.Int64Counter
}

// NewCalls makes the instruments of remote calls; a nil provider means the
// global one.
func NewCalls(p metric.MeterProvider) *Calls {
	m, i := meter(p), find("ebb.remote.call.duration")
	duration, err := m.Float64Histogram(i.Name, metric.WithUnit(i.Unit), metric.WithDescription(i.Description),
		metric.WithExplicitBucketBoundaries(i.Buckets...))
	tell(err)
	return &Calls{duration: duration, retries: counter(m, "ebb.remote.retries"), throttles: counter(m, "ebb.remote.throttles")}
}

// Call is a remote call that has ended.
type Call struct {
	Service   string // a name that is in the code: "EC2", "github"
	Write     bool   // it may change something
	Took      time.Duration
	Retries   int    // how often it was sent again
	Throttles int    // how many answers said that the caller is too fast
	Error     string // the HTTP status of an answer that is an error, else a word for the cause; empty for success
}

// Record measures a call.
func (c *Calls) Record(ctx context.Context, call Call) {
	access := "read"
	if call.Write {
		access = "write"
	}
	of := [3]attribute.KeyValue{
		attribute.String(Remote.Key, call.Service), attribute.String(Access.Key, access), attribute.String(Error.Key, call.Error),
	}
	n := 2
	if call.Error != "" {
		n = 3
	}
	if call.Retries > 0 || call.Throttles > 0 {
		opts := []metric.AddOption{metric.WithAttributes(of[:2]...)}
		if call.Retries > 0 {
			c.retries.Add(ctx, int64(call.Retries), opts...)
		}
		if call.Throttles > 0 {
			c.throttles.Add(ctx, int64(call.Throttles), opts...)
		}
	}
	c.duration.Record(ctx, call.Took.Seconds(), metric.WithAttributes(of[:n]...))
}
