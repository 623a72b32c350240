package remedy

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// The engine's bounds.
const (
	// DefaultHandleFor is how long one event may take, waiting for a lease included.
	DefaultHandleFor = time.Minute
	// DefaultVerifyFor is how long a fix may take to become visible to a read.
	DefaultVerifyFor = 10 * time.Second
	// LeaseGrace is how long a lease outlives its holder's deadline: a call
	// that was on its way then may still arrive.
	LeaseGrace = 5 * time.Second
	// ClockSkew is how far apart the clocks of two hosts may be. A read that
	// began within it of another's fix is repeated under the lease.
	ClockSkew = 10 * time.Second
	// closeFor is how long the last ledger write may take once the deadline has passed.
	closeFor = 5 * time.Second
)

// Options are the engine's optional parts. The zero value works.
type Options struct {
	Publish   func(context.Context, Record) error // told of every kept record; its failure fails nothing
	Self      func(Actor) bool                    // reports whether an actor is Ebb itself; nil means none is
	Observe   bool                                // nothing is changed, whatever the policy says
	Owner     string                              // names this process in leases; empty means a random name
	HandleFor time.Duration                       // 0 means DefaultHandleFor
	VerifyFor time.Duration                       // 0 means DefaultVerifyFor
	Now       func() time.Time                    // nil means time.Now
	Tracer    trace.Tracer                        // nil means the global provider's
	Meter     metric.Meter                        // nil means the global provider's
	Log       *slog.Logger                        // nil means none
}

// Engine takes events to records. It is safe for concurrent use.
type Engine struct {
	ledger Ledger
	policy Policy
	opts   Options
	meters *meters
	leases atomic.Int64
}

// New gives an engine over a ledger and a policy.
func New(l Ledger, p Policy, opts Options) *Engine {
	opts.Owner = cmp.Or(opts.Owner, rand.Text())
	opts.HandleFor = cmp.Or(opts.HandleFor, DefaultHandleFor)
	opts.VerifyFor = cmp.Or(opts.VerifyFor, DefaultVerifyFor)
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Tracer == nil {
		opts.Tracer = otel.Tracer("github.com/ebb-ops/ebb/pkg/remedy")
	}
	if opts.Meter == nil {
		opts.Meter = otel.Meter("github.com/ebb-ops/ebb/pkg/remedy")
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Engine{ledger: l, policy: p, opts: opts, meters: newMeters(opts.Meter)}
}

// Handle takes one event through one function: a record for each resource that
// it touches, kept in the ledger or not, and one that says so when it touches
// none. The error joins what went wrong; the records are valid beside it. An
// error for which [IsPermanent] holds must not be retried.
func (e *Engine) Handle(ctx context.Context, h *Handler, ev Event) ([]Record, error) {
	ctx, cancel := context.WithTimeout(ctx, e.opts.HandleFor)
	defer cancel()
	ctx, span := e.span(ctx, "handle "+h.Name, FunctionKey.String(h.Name), EventIDKey.String(ev.ID), EventNameKey.String(ev.Name))
	if ev.Received.IsZero() {
		ev.Received = e.opts.Now()
	}
	e.meters.receive(ctx, h, ev)
	subjects, err := e.decode(ctx, h, ev)
	if err != nil {
		rec := e.newRecord(ctx, h, ev, Ref{})
		id := ev.ID
		if id == "" {
			id = string(ev.Detail) // tells such events apart
		}
		rec.ID = RecordID(h.Name, Ref{}, id, 0)
		rec, err = e.fail(ctx, rec, "The event could not be understood", Permanent(err))
		span.SetAttributes(OutcomeKey.String(string(rec.Outcome)))
		endSpan(span, err)
		return []Record{rec}, err
	}
	if len(subjects) == 0 {
		rec := e.newRecord(ctx, h, ev, Ref{})
		rec.Outcome = Ignored
		rec.Reason = "The event names no resource for this function: the call failed, or it changed something else."
		e.tell(ctx, rec, nil)
		span.SetAttributes(OutcomeKey.String(string(rec.Outcome)))
		endSpan(span, nil)
		return []Record{rec}, nil
	}
	var (
		recs []Record
		errs []error
	)
	for _, s := range subjects {
		r := run{Engine: e, h: h, ev: ev, s: s, ref: s.ref()}
		rec, err := r.traced(ctx, "remediate", r.remediate)
		recs = append(recs, rec)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", h.Name, r.ref, err))
		}
	}
	err = errors.Join(errs...)
	endSpan(span, err)
	return recs, err
}

// decode gives the event's resources, each once.
func (e *Engine) decode(ctx context.Context, h *Handler, ev Event) (out []subject, err error) {
	_, span := e.span(ctx, "decode")
	defer func() { endSpan(span, err) }()
	if ev.ID == "" {
		// Without an id a copy could not be told from another event.
		return nil, fmt.Errorf("the event has no id: %s %s", ev.Source, ev.Name)
	}
	subjects, err := h.remedy.decode(ev)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, s := range subjects {
		if key := s.ref().Key(); !seen[key] {
			seen[key] = true
			out = append(out, s)
		}
	}
	return out, nil
}

// newRecord fills in what is known before anything is read.
func (e *Engine) newRecord(ctx context.Context, h *Handler, ev Event, ref Ref) Record {
	rec := Record{
		Function: h.Name,
		Severity: h.Severity,
		Event:    EventRef{ev.ID, ev.Source, ev.Name, ev.Account, ev.Actor, ev.Time},
		Resource: ref,
		Times:    Times{Changed: ev.Time, Received: ev.Received, Began: e.opts.Now()},
	}
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		rec.TraceID, rec.SpanID = sc.TraceID().String(), sc.SpanID().String()
	}
	return rec
}

// fail keeps a record of a failure that no lease is held for, unless the record
// is another attempt's to write by now, and gives the error back.
func (e *Engine) fail(ctx context.Context, rec Record, what string, err error) (Record, error) {
	rec.Outcome, rec.Error = Failed, err.Error()
	rec.Reason = failure(what, err)
	kept, saved := e.keep(ctx, rec, err)
	if errors.Is(saved, ErrStale) {
		e.tell(ctx, rec, err)
		return kept, err
	}
	return kept, saved
}

// keep saves a record that needs no lease, then tells of it.
func (e *Engine) keep(ctx context.Context, rec Record, cause error) (Record, error) {
	ctx, cancel := lastWrite(ctx)
	defer cancel()
	rec.Times.Recorded = e.opts.Now()
	sctx, span := e.span(ctx, "record")
	err := e.ledger.SaveRecord(sctx, rec)
	endSpan(span, err)
	if errors.Is(err, ErrStale) {
		return rec, err // another attempt has come further: look again
	}
	if err != nil {
		err = fmt.Errorf("record %s: %w", rec.Outcome, err)
		e.tell(ctx, rec, err)
		return rec, errors.Join(cause, err)
	}
	e.publish(ctx, rec)
	e.tell(ctx, rec, cause)
	return rec, cause
}

// publish tells others of a kept record. The record is what counts, so a
// failure is logged and fails nothing.
func (e *Engine) publish(ctx context.Context, rec Record) {
	if e.opts.Publish == nil {
		return
	}
	ctx, span := e.span(ctx, "publish")
	err := e.opts.Publish(ctx, rec)
	endSpan(span, err)
	if err != nil {
		e.opts.Log.ErrorContext(ctx, "publish the result", "record", rec.ID, "error", err)
	}
}

// tell writes the one log line of a decision, and measures it.
func (e *Engine) tell(ctx context.Context, rec Record, err error) {
	e.meters.tell(ctx, rec, err)
	level := slog.LevelInfo
	if err != nil {
		level = slog.LevelError
	}
	if e.opts.Log.Enabled(ctx, level) {
		e.opts.Log.LogAttrs(ctx, level, "handled", append(rec.LogAttrs(), ErrorAttrs(err)...)...)
	}
}

// owner names a new lease's holder.
func (e *Engine) owner() string {
	return e.opts.Owner + "/" + strconv.FormatInt(e.leases.Add(1), 10)
}

// lastWrite gives a context for writing down how something ended, which must
// happen also when ctx is over.
func lastWrite(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() == nil {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(context.WithoutCancel(ctx), closeFor)
}
