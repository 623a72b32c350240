package remedy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
)

// run is one event and one resource on their way through the engine.
type run struct {
	*Engine
	h   *Handler
	ev  Event
	s   subject
	ref Ref

	decision Decision
	take     int  // of the event: more than 0 when an earlier record of it is closed
	linked   bool // the span is linked to that of an earlier attempt
	rooted   bool // s is the one in whose place the event's resource stands
}

// view is what one look at the resource found.
type view struct {
	known Known
	live  any
	began time.Time // before the first read went out
}

// remediate takes the resource to a record. It starts over while others work
// on the same resource.
func (r *run) remediate(ctx context.Context) (Record, error) {
	r.decision = r.policy.Decide(r.h.Name, r.ref)
	rec := r.newRecord(ctx, r.h, r.ev, r.ref)
	rec.Mode = r.decision.Mode
	if r.opts.Observe && rec.Mode == Enforce {
		rec.Mode = Observe
	}
	if rec.Mode != Observe && rec.Mode != Enforce {
		return r.noop(ctx, rec, Ignored, "The policy switches "+r.h.Name+" off"+inScope(r.decision.Scope)+".")
	}
	rec.ID = RecordID(r.h.Name, r.ref, r.ev.ID, r.take)
	if err := r.h.remedy.accepts(r.decision.Params); err != nil {
		return r.fail(ctx, rec, "The policy's parameters do not fit", err)
	}
	return r.inTurn(ctx, rec, r.once)
}

// inTurn repeats step while it finds that somebody else works on the resource.
func (r *run) inTurn(ctx context.Context, rec Record, step func(context.Context, Record) (Record, error)) (Record, error) {
	for wait := firstWait; ; wait = min(2*wait, maxWait) {
		out, err := step(ctx, rec)
		if !errors.Is(err, ErrStale) && !errors.Is(err, ErrBusy) {
			return out, err
		}
		if slept := sleep(ctx, wait/2+rand.N(wait)); slept != nil {
			return r.fail(ctx, rec, "Its turn did not come in time", errors.Join(err, slept))
		}
	}
}

// How long to wait for a turn, at first and at the most.
const (
	firstWait = 20 * time.Millisecond
	maxWait   = 500 * time.Millisecond
)

// once is one attempt: look, judge, and act if it must.
func (r *run) once(ctx context.Context, rec Record) (Record, error) {
	rec.ID = RecordID(r.h.Name, r.ref, r.ev.ID, r.take)
	v, err := r.look(ctx, rec.ID)
	if root := r.s.root(v.known.Baseline); root != nil && !r.rooted {
		r.s, r.ref, r.rooted = root, root.ref(), true
		return r.remediate(ctx)
	}
	if prev := v.known.Record; prev != nil && !r.linked {
		link(ctx, *prev)
		r.linked = true
	}
	switch {
	case errors.Is(err, ErrGone):
		return r.closeGone(ctx, rec, v)
	case err != nil:
		return r.unread(ctx, rec, v, err)
	}
	rec.Violations = r.check(ctx, v.live)
	rec.Times.Decided = r.opts.Now()
	if len(rec.Violations) == 0 {
		return r.compliant(ctx, rec, v)
	}
	if v.busy(r.opts.Now()) {
		return rec, ErrBusy
	}
	if l := v.known.Lease; l != nil && l.Record != rec.ID {
		return r.closeInterrupted(ctx, rec, v)
	}
	if v.was(Reverted) {
		done := v.known.Record
		// The fix of this very event may not be visible yet. Later than that
		// the resource is bad once more, and the event is as good a hint as any.
		if r.opts.Now().Before(done.Times.Recorded.Add(r.opts.VerifyFor + ClockSkew)) {
			return r.noop(ctx, rec, Duplicate, "This event was handled already, as record "+done.ID+".")
		}
		r.take++
		return rec, ErrStale
	}
	if own, err := r.isOwn(ctx, v); err != nil {
		return r.unread(ctx, rec, v, err)
	} else if own {
		return r.noop(ctx, rec, Ignored, "Ebb made this change itself, as record "+v.known.Last+".")
	}
	if rec.Target, rec.Before, err = r.images(v.live); err != nil {
		return r.fail(ctx, rec, "The state could not be written down", Permanent(err))
	}
	rec.Tags = r.s.tags(v.live)
	if x := r.exemption(v); x != nil {
		if v.was(Exempt) {
			return r.noop(ctx, rec, Duplicate, "This event was found exempt already, as record "+rec.ID+".")
		}
		rec.Outcome, rec.Exemption, rec.Reason = Exempt, x, x.sentence()
		return r.keep(ctx, rec, nil)
	}
	p, err := r.plan(v)
	if own := v.known.Record; errors.Is(err, errNoRepair) && own != nil && r.changedBy(*own, v) {
		return r.closeOwn(ctx, v) // an earlier attempt has mended what can be
	}
	if err != nil && (rec.Mode != Observe || !errors.Is(err, errNoRepair)) {
		return r.fail(ctx, rec, "No repair is known", Permanent(err))
	}
	rec.Changes = calls(p.changes)
	if rec.Mode == Observe {
		if v.was(Observed) {
			return r.noop(ctx, rec, Duplicate, "This event was observed already, as record "+rec.ID+".")
		}
		rec.Outcome, rec.Reason = Observed, observed(rec, p)
		return r.keep(ctx, rec, nil)
	}
	return r.act(ctx, rec, v, p)
}

// look reads the ledger and the live state at the same time. On an error of
// the live state's read, the view still holds what the ledger knows.
func (r *run) look(ctx context.Context, recordID string) (view, error) {
	v := view{began: r.opts.Now()}
	type answer struct {
		known Known
		err   error
	}
	looked := make(chan answer, 1)
	go func() {
		ctx, span := r.span(ctx, "look")
		known, err := r.ledger.Look(ctx, r.h.Name, r.ref, recordID)
		endSpan(span, err)
		looked <- answer{known, err}
	}()
	live, err := r.read(ctx)
	a := <-looked
	if a.err != nil {
		return v, fmt.Errorf("look in the ledger: %w", a.err)
	}
	v.known, v.live = a.known, live
	return v, err
}

func (r *run) read(ctx context.Context) (any, error) {
	ctx, span := r.span(ctx, "read")
	live, err := r.s.read(ctx)
	if errors.Is(err, ErrGone) {
		span.SetAttributes(attribute.Bool("ebb.gone", true))
		span.End()
		return nil, err
	}
	endSpan(span, err)
	if err != nil {
		return nil, fmt.Errorf("read the live state: %w", err)
	}
	return live, nil
}

func (r *run) check(ctx context.Context, state any) []Violation {
	_, span := r.span(ctx, "check")
	defer span.End()
	vs := r.s.check(state, r.decision.Params)
	span.SetAttributes(attribute.Int("ebb.violations", len(vs)))
	return vs
}

// busy reports whether somebody works on the resource right now.
func (v view) busy(now time.Time) bool {
	return v.known.Lease != nil && now.Before(v.known.Lease.Expires)
}

// was reports whether the event's record is kept already, with outcome o.
func (v view) was(o Outcome) bool {
	return v.known.Record != nil && v.known.Record.Outcome == o
}

// isOwn reports whether the event is Ebb's own: its actor is Ebb, and the live
// state is what Ebb left behind. Either alone is not enough: Ebb's credentials
// may be stolen, and somebody may change a thing right after Ebb did.
func (r *run) isOwn(ctx context.Context, v view) (bool, error) {
	if r.opts.Self == nil || !r.opts.Self(r.ev.Actor) || v.known.Last == "" {
		return false, nil
	}
	sctx, span := r.span(ctx, "last change")
	last, err := r.ledger.Record(sctx, v.known.Last)
	endSpan(span, err)
	if err != nil {
		return false, fmt.Errorf("read Ebb's last change: %w", err)
	}
	if last.Function != r.h.Name || len(last.After) == 0 {
		return false, nil
	}
	after, err := r.s.decodeState(last.After)
	if err != nil {
		return false, err
	}
	return len(r.s.diff(v.live, after)) == 0, nil
}

// exemption gives the exemption that holds: an undo's hold, or the policy's.
func (r *run) exemption(v view) *Exemption {
	now := r.opts.Now()
	if h := v.known.Hold; h != nil && now.Before(h.Until) {
		return &Exemption{
			ID: "undo " + h.Record, Owner: h.Actor, Expires: h.Until,
			Reason:   "a remediation was undone: " + h.Reason,
			Function: r.h.Name, Resource: r.ref.ID,
		}
	}
	return r.policy.Exempt(ExemptionQuery{
		Function: r.h.Name, Resource: r.ref, Tags: r.s.tags(v.live), Actor: r.ev.Actor, Now: now,
	})
}

// errNoRepair means that a person must put something back.
var errNoRepair = errors.New("this can't be put back by Ebb, so a person must")

// plan finds the changes that make the live state compliant. What no change
// can mend stays as it is, beside what is mended.
func (r *run) plan(v view) (plan, error) {
	found := r.s.check(v.live, r.decision.Params)
	want, err := r.s.repair(v.live, v.known.Baseline, r.decision.Params)
	if err != nil {
		return plan{}, err
	}
	left := r.s.check(want, r.decision.Params)
	for _, l := range left {
		if !slices.Contains(found, l) {
			return plan{}, fmt.Errorf("the function's repair would break something else, so it is not made: %s", sentences(left))
		}
	}
	if len(left) == len(found) {
		return plan{left: left}, fmt.Errorf("%w: %s", errNoRepair, sentences(left))
	}
	p := plan{
		outcome: Reverted, changes: r.s.diff(v.live, want), left: left,
		blast: r.decision.Blast, fight: r.decision.Fight,
		again: func(v view) (plan, error) {
			if len(r.s.check(v.live, r.decision.Params)) == 0 {
				return plan{}, nil
			}
			p, err := r.plan(v)
			return p, Permanent(err)
		},
		reached: func(state any) (bool, error) {
			now := r.s.check(state, r.decision.Params)
			// What broke in the meantime, in another way, is another event's matter.
			same := slices.DeleteFunc(slices.Clone(now), func(v Violation) bool {
				return !slices.Contains(found, v) || slices.Contains(left, v)
			})
			if len(same) > 0 {
				return false, errors.New(sentences(same))
			}
			return len(now) == 0, nil
		},
	}
	if len(p.changes) == 0 {
		return plan{}, errors.New("the function sees what is wrong, but finds nothing to change")
	}
	if base := v.known.Baseline; base != nil {
		if state, err := r.s.decodeState(base.State); err == nil && len(r.s.diff(want, state)) == 0 {
			p.restored = base.At
		}
	}
	return p, nil
}

// compliant ends an attempt that found nothing to do. It writes only where
// something is new: the baseline, or the end of what was interrupted.
func (r *run) compliant(ctx context.Context, rec Record, v view) (Record, error) {
	if !v.busy(r.opts.Now()) {
		switch l, own := v.known.Lease, v.known.Record; {
		case l != nil && l.Record != rec.ID:
			return r.closeInterrupted(ctx, rec, v)
		case own != nil && (l != nil || own.Outcome == Failed):
			return r.closeOwn(ctx, v)
		}
	}
	if !r.sameAsBaseline(v.known.Baseline, v.live) {
		state, err := json.Marshal(v.live)
		if err == nil {
			sctx, span := r.span(ctx, "baseline")
			err = r.ledger.SaveBaseline(sctx, r.h.Name, r.ref, StoredState{State: state, At: v.began, Event: r.ev.ID})
			endSpan(span, err)
		}
		if err != nil {
			// Not learning a good state may cost its exact restoration one day:
			// worth a retry, but not a record.
			rec.Outcome, rec.Reason = Compliant, "The live state breaks nothing, but it could not be kept as the baseline."
			err = fmt.Errorf("keep the baseline: %w", err)
			r.tell(ctx, rec, err)
			return rec, err
		}
	}
	if v.was(Reverted) {
		return r.noop(ctx, rec, Duplicate, "This event was handled already, as record "+rec.ID+".")
	}
	return r.noop(ctx, rec, Compliant, "The live state breaks nothing.")
}

// sameAsBaseline reports whether a state is the baseline already. A baseline
// that can't be decoded is another state.
func (r *run) sameAsBaseline(base *StoredState, state any) bool {
	if base == nil {
		return false
	}
	kept, err := r.s.decodeState(base.State)
	return err == nil && len(r.s.diff(kept, state)) == 0
}

// images gives the JSON forms of the target and of a state.
func (r *run) images(state any) (target, image json.RawMessage, err error) {
	if target, err = json.Marshal(r.s.target()); err != nil {
		return nil, nil, fmt.Errorf("encode target: %w", err)
	}
	if image, err = json.Marshal(state); err != nil {
		return nil, nil, fmt.Errorf("encode state: %w", err)
	}
	return target, image, nil
}

// noop ends an attempt that keeps no record.
func (r *run) noop(ctx context.Context, rec Record, o Outcome, reason string) (Record, error) {
	rec.Outcome, rec.Reason = o, reason
	r.tell(ctx, rec, nil)
	return rec, nil
}

// unread ends an attempt that could not read what it must know: nothing is
// changed, and a retry may do better.
func (r *run) unread(ctx context.Context, rec Record, v view, err error) (Record, error) {
	if prev := v.known.Record; prev != nil {
		// What an earlier attempt wrote down says more than this failure.
		rec.Outcome, rec.Error, rec.Reason = Failed, err.Error(), failure("Nothing more was changed", err)
		r.tell(ctx, rec, err)
		return rec, err
	}
	return r.fail(ctx, rec, "Nothing was changed", err)
}

// sleep waits for d, or until ctx is over.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
