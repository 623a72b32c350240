package remedy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
)

// plan is what must be done to a resource, and how to tell that it is done.
type plan struct {
	outcome  Outcome // when it is reached
	changes  []change
	left     []Violation // what no change can mend
	restored time.Time   // when the baseline that it brings back was read; zero when it brings back none
	blast    Cap
	fight    Cap
	hold     *Hold  // to set when it is reached
	undone   string // the record that it undoes

	// again makes the plan anew for a state that was read under the lease. A
	// plan without changes means that nothing is left to do.
	again func(view) (plan, error)
	// reached says what is still wrong with a state, or nil; clean says that the
	// state breaks nothing at all, so that it may be the baseline.
	reached func(state any) (clean bool, err error)
}

// act carries out a plan under a lease: intent, calls, verification, record.
func (r *run) act(ctx context.Context, rec Record, v view, p plan) (Record, error) {
	owner, err := r.intend(ctx, &rec, v, p)
	if capped, ok := errors.AsType[*CapReached](err); ok {
		return r.hold(ctx, rec, v, capped)
	}
	if errors.Is(err, ErrStale) || errors.Is(err, ErrBusy) {
		return rec, err
	}
	if err != nil {
		return r.fail(ctx, rec, "Nothing was changed, because the intent could not be recorded", err)
	}
	if v.known.Released.After(v.began.Add(-ClockSkew)) {
		// Somebody gave the lease back at about the time of the read: what was
		// read may be older than what they did. Under the lease nobody else does.
		if p, err = r.planAgain(ctx, &rec, v, p); err != nil || len(p.changes) == 0 {
			return r.finish(ctx, rec, owner, Finish{}, err)
		}
	}
	f := Finish{Changed: true}
	err = r.apply(ctx, &rec, p)
	if err == nil {
		err = r.verify(ctx, &rec, &f, p)
	} else {
		r.afterImage(ctx, &rec)
	}
	if err == nil {
		rec.Outcome, rec.Error, rec.Reason = p.outcome, "", done(rec, p)
		f.Hold, f.Undone = p.hold, p.undone
	}
	return r.finish(ctx, rec, owner, f, err)
}

// intend commits the before-image, the lease and the caps' counts.
func (r *run) intend(ctx context.Context, rec *Record, v view, p plan) (owner string, err error) {
	ctx, span := r.span(ctx, "intent")
	defer func() { endSpan(span, err) }()
	now := r.opts.Now()
	rec.Outcome, rec.Attempt = Pending, 1
	if prev := v.known.Record; prev != nil {
		rec.Attempt = prev.Attempt + 1
		if prev.Attempt > 0 {
			// An earlier attempt may have made some of its calls. What was there
			// before the first of them is what an undo must bring back.
			rec.Before = prev.Before
			rec.Changes = append(slices.Clone(prev.Changes), rec.Changes...)
			rec.Times.Intent = prev.Times.Intent
		}
	}
	if rec.Times.Intent.IsZero() {
		rec.Times.Intent = now
	}
	rec.Times.Recorded = now
	rec.Reason = "The work has begun: the before-image is kept, and the calls are going out."
	remaining := r.opts.HandleFor
	if deadline, ok := ctx.Deadline(); ok {
		remaining = time.Until(deadline)
	}
	owner = r.owner()
	err = r.ledger.Intend(ctx, Intent{
		Record: *rec, Known: v.known, Now: now, Blast: p.blast, Fight: p.fight,
		Lease: Lease{Record: rec.ID, Owner: owner, Expires: now.Add(remaining + LeaseGrace)},
	})
	if err != nil {
		return "", fmt.Errorf("record the intent: %w", err)
	}
	return owner, nil
}

// hold ends an attempt that a cap stopped.
func (r *run) hold(ctx context.Context, rec Record, v view, c *CapReached) (Record, error) {
	rec.Outcome, rec.Cap, rec.Reason = Held, c, held(rec, c)
	rec.Attempt--
	if rec.Attempt == 0 {
		rec.Times.Intent = time.Time{}
	}
	if l := v.known.Lease; l != nil {
		rec.Times.Recorded = r.opts.Now()
		// An interrupted attempt of this event still has the expired lease.
		if err := r.release(ctx, rec, l.Owner, false); !errors.Is(err, ErrStale) {
			return rec, err
		}
		r.publish(ctx, rec)
		r.tell(ctx, rec, nil)
		return rec, nil
	}
	return r.keep(ctx, rec, nil)
}

// planAgain reads once more, under the lease. An error or a plan without
// changes leaves the record's final form in rec.
func (r *run) planAgain(ctx context.Context, rec *Record, v view, p plan) (plan, error) {
	earlier := rec.Changes[:len(rec.Changes)-len(p.changes)]
	rec.Changes = earlier
	live, err := r.read(ctx)
	if err != nil {
		return p, err
	}
	v.live = live
	_, image, err := r.images(live)
	if err != nil {
		return p, Permanent(err)
	}
	if len(earlier) == 0 {
		rec.Before = image
	}
	if p, err = p.again(v); err != nil {
		return p, err
	}
	if len(p.changes) == 0 {
		rec.Outcome, rec.After = Compliant, image
		rec.Reason = "It was put back by an earlier remediation while this one waited for its turn."
		return p, nil
	}
	rec.Changes = slices.Concat(earlier, calls(p.changes))
	return p, nil
}

// apply makes the plan's calls in order and stops at the first that fails.
func (r *run) apply(ctx context.Context, rec *Record, p plan) (err error) {
	ctx, span := r.span(ctx, "apply", attribute.Int("ebb.changes", len(p.changes)))
	defer func() { endSpan(span, err) }()
	first := len(rec.Changes) - len(p.changes) // those before it are an earlier attempt's
	for i, c := range p.changes {
		if err := c.apply(ctx); err != nil {
			rec.Changes[first+i].Error = err.Error()
			rec.Changes = rec.Changes[:first+i+1] // the others were not tried
			return fmt.Errorf("apply %s: %w", c.call.API, err)
		}
		rec.Times.Fixed = r.opts.Now()
		rec.Changes[first+i].At = rec.Times.Fixed
	}
	return nil
}

// verify reads until the plan is reached: clouds are eventually consistent.
func (r *run) verify(ctx context.Context, rec *Record, f *Finish, p plan) (err error) {
	ctx, span := r.span(ctx, "verify")
	defer func() { endSpan(span, err) }()
	ctx, cancel := context.WithTimeout(ctx, r.opts.VerifyFor)
	defer cancel()
	for wait := firstWait; ; wait = min(2*wait, maxWait) {
		began := r.opts.Now()
		live, err := r.read(ctx)
		if errors.Is(err, ErrGone) {
			return err
		}
		if err == nil {
			if rec.After, err = json.Marshal(live); err != nil {
				return Permanent(fmt.Errorf("encode state: %w", err))
			}
			var clean bool
			if clean, err = p.reached(live); err == nil {
				rec.Times.Verified = r.opts.Now()
				if clean {
					f.Baseline = &StoredState{State: rec.After, At: began, Event: rec.Event.ID}
				}
				return nil
			}
		}
		if slept := sleep(ctx, wait); slept != nil {
			return fmt.Errorf("verify: the calls were made, but %s later it still reads: %w", r.opts.VerifyFor, err)
		}
	}
}

// afterImage notes what a failed attempt left behind, if that can be read.
func (r *run) afterImage(ctx context.Context, rec *Record) {
	ctx, cancel := lastWrite(ctx)
	defer cancel()
	if live, err := r.read(ctx); err == nil {
		rec.After, _ = json.Marshal(live)
	}
}

// finish writes the record's last form and gives the lease back. cause is why
// the plan was not reached, if it was not.
func (r *run) finish(ctx context.Context, rec Record, owner string, f Finish, cause error) (Record, error) {
	switch {
	case errors.Is(cause, ErrGone):
		rec.Outcome, rec.Reason, cause = Gone, "The resource was deleted while Ebb worked on it.", nil
	case cause != nil:
		rec.Outcome, rec.Error, rec.Reason = Failed, cause.Error(), failure("It was not put back", cause)
	}
	ctx, cancel := lastWrite(ctx)
	defer cancel()
	sctx, span := r.span(ctx, "record")
	rec.Times.Recorded = r.opts.Now()
	f.Record, f.Owner, f.Now = rec, owner, rec.Times.Recorded
	err := r.ledger.Finish(sctx, f)
	endSpan(span, err)
	if err != nil {
		err = fmt.Errorf("record %s: %w", rec.Outcome, err)
		r.tell(ctx, rec, err)
		return rec, errors.Join(cause, err)
	}
	r.publish(ctx, rec)
	r.tell(ctx, rec, cause)
	return rec, cause
}

// calls gives the changes as calls that were not made yet.
func calls(cs []change) []AppliedCall {
	out := make([]AppliedCall, len(cs))
	for i, c := range cs {
		out[i] = AppliedCall{Call: c.call}
	}
	return out
}
