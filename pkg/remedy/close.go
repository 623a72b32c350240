package remedy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// closeInterrupted closes a record whose holder died with the lease, so that
// the resource is free. Then the caller looks again: it returns [ErrStale].
func (r *run) closeInterrupted(ctx context.Context, rec Record, v view) (Record, error) {
	lease := v.known.Lease
	open, err := r.ledger.Record(ctx, lease.Record)
	if err != nil {
		return r.unread(ctx, rec, v, fmt.Errorf("read the interrupted record %s: %w", lease.Record, err))
	}
	open.Outcome = Failed
	open.Reason = "It was interrupted before it could be verified, and the next event of this resource takes over."
	changed := false
	if open.Function == r.h.Name && v.live != nil {
		// Only the function that made it can tell what its changes came to.
		if image, err := json.Marshal(v.live); err == nil {
			open.After = image
		}
		if open.Undoes == "" && r.settled(v) && r.changedBy(open, v) {
			r.putBack(&open)
			changed = true
		}
	}
	return rec, r.release(ctx, open, lease.Owner, changed)
}

// settled reports whether the live state is as good as Ebb can make it.
func (r *run) settled(v view) bool {
	if len(r.s.check(v.live, r.decision.Params)) == 0 {
		return true
	}
	_, err := r.plan(v)
	return errors.Is(err, errNoRepair)
}

// closeOwn ends this event's own record after an earlier attempt was
// interrupted or failed, and the live state turns out to be compliant.
func (r *run) closeOwn(ctx context.Context, v view) (Record, error) {
	rec := *v.known.Record
	image, err := json.Marshal(v.live)
	if err != nil {
		return rec, fmt.Errorf("encode state: %w", err)
	}
	rec.Error = ""
	if r.changedBy(rec, v) {
		rec.After = image
		r.putBack(&rec)
	} else {
		rec.Outcome = Compliant
		rec.Reason = "An earlier attempt failed, but the live state was read again and breaks nothing, so nothing was changed."
	}
	if l := v.known.Lease; l != nil {
		if err := r.release(ctx, rec, l.Owner, rec.Outcome == Reverted); !errors.Is(err, ErrStale) {
			return rec, err
		}
		rec.Times.Recorded = r.opts.Now()
		r.publish(ctx, rec)
		r.tell(ctx, rec, nil)
		return rec, nil
	}
	return r.keep(ctx, rec, nil)
}

// changedBy reports whether the live state is the doing of an earlier attempt:
// one of its calls is known to have worked; or its answer was lost, the state
// is just what the attempt was after, and no other remediation came between.
func (r *run) changedBy(rec Record, v view) bool {
	if rec.Attempt == 0 {
		return false
	}
	for _, c := range rec.Changes {
		if !c.At.IsZero() {
			return true
		}
	}
	if v.known.Released.After(rec.Times.Recorded) {
		return false
	}
	before, err := r.s.decodeState(rec.Before)
	if err != nil {
		return false
	}
	want, err := r.s.repair(before, v.known.Baseline, r.decision.Params)
	return err == nil && len(r.s.diff(want, v.live)) == 0
}

// putBack marks a record whose calls an earlier attempt made as reverted.
func (r *run) putBack(rec *Record) {
	now := r.opts.Now()
	rec.Outcome, rec.Error = Reverted, ""
	rec.Times.Verified = now
	rec.Reason = "An interrupted attempt had put it back, and a later one verified it."
	if rec.Times.Fixed.IsZero() {
		rec.Times.Fixed = now // the latest it can have been
	}
}

// closeGone ends an attempt whose resource no longer exists.
func (r *run) closeGone(ctx context.Context, rec Record, v view) (Record, error) {
	const reason = "The resource no longer exists: there is nothing to put back."
	if l := v.known.Lease; l != nil && !v.busy(r.opts.Now()) {
		if l.Record != rec.ID {
			return r.closeInterrupted(ctx, rec, v)
		}
		own := *v.known.Record
		own.Outcome, own.Reason = Gone, reason
		if err := r.release(ctx, own, l.Owner, false); !errors.Is(err, ErrStale) {
			return own, err
		}
		r.tell(ctx, own, nil)
		return own, nil
	}
	return r.noop(ctx, rec, Gone, reason)
}

// release finishes an interrupted record in its dead holder's name. It returns
// [ErrStale] also when that worked: what was looked up before is out of date.
func (r *run) release(ctx context.Context, rec Record, owner string, changed bool) error {
	rec.Times.Recorded = r.opts.Now()
	err := r.ledger.Finish(ctx, Finish{Record: rec, Owner: owner, Now: rec.Times.Recorded, Changed: changed})
	if err == nil || errors.Is(err, ErrLeaseLost) {
		return ErrStale
	}
	return fmt.Errorf("close the interrupted record %s: %w", rec.ID, err)
}
