package remedy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// What an undo answers when it changes nothing.
var (
	// ErrDrifted means that the live state is not what Ebb left behind.
	ErrDrifted = errors.New("the resource has changed since Ebb put it back")
	// ErrNotUndoable means that the record is of no change, or undone already.
	ErrNotUndoable = errors.New("there is nothing to undo")
)

// Undo brings back the state from before a remediation: the record's
// before-image. It is refused with [ErrDrifted] when the live state is not what
// Ebb left behind, with [ErrNotUndoable] when the record changed nothing or is
// undone already, and with [ErrGone] when the resource no longer exists.
//
// The undo is a record of its own. With it the function is kept off the
// resource for the policy's undo hold, so that Ebb does not fight what a person
// decided. by and reason say who and why; both are required.
func (e *Engine) Undo(ctx context.Context, h *Handler, id string, by Actor, reason string) (Record, error) {
	ctx, cancel := context.WithTimeout(ctx, e.opts.HandleFor)
	defer cancel()
	ctx, span := e.span(ctx, "undo "+h.Name, FunctionKey.String(h.Name))
	rec, err := e.undo(ctx, h, id, by, reason)
	endSpan(span, err)
	if err != nil {
		return rec, fmt.Errorf("undo %s: %w", id, err)
	}
	return rec, nil
}

func (e *Engine) undo(ctx context.Context, h *Handler, id string, by Actor, reason string) (Record, error) {
	if strings.TrimSpace(reason) == "" {
		return Record{}, errors.New("a reason is required: say why it is undone")
	}
	old, err := e.ledger.Record(ctx, id)
	if err != nil {
		return Record{}, err
	}
	link(ctx, old)
	switch {
	case old.Function != h.Name:
		return Record{}, fmt.Errorf("the record is of function %s, not %s", old.Function, h.Name)
	case old.UndoneBy != "":
		return Record{}, fmt.Errorf("%w: record %s undid it already", ErrNotUndoable, old.UndoneBy)
	case old.Outcome == Pending:
		return Record{}, fmt.Errorf("%w yet: its remediation is not finished", ErrNotUndoable)
	case !old.Undoable():
		return Record{}, fmt.Errorf("%w: its outcome is %s, and it changed nothing that could be brought back", ErrNotUndoable, old.Outcome)
	}
	s, err := h.remedy.restore(old.Target)
	if err != nil {
		return Record{}, err
	}
	now := e.opts.Now()
	ev := Event{
		ID: "undo:" + id, Source: "ebb", Name: "undo", Account: old.Resource.Account,
		Region: old.Resource.Region, Actor: by, Time: now, Received: now,
	}
	r := run{Engine: e, h: h, ev: ev, s: s, ref: s.ref()}
	r.decision = e.policy.Decide(h.Name, r.ref)
	return r.traced(ctx, "remediate", func(ctx context.Context) (Record, error) {
		rec := e.newRecord(ctx, h, ev, r.ref)
		rec.Mode, rec.Undoes = Enforce, id
		rec.Times.Changed = time.Time{} // no bad state began with it
		return r.inTurn(ctx, rec, func(ctx context.Context, rec Record) (Record, error) {
			return r.undoOnce(ctx, rec, old, reason)
		})
	})
}

// undoOnce is one attempt at an undo.
func (r *run) undoOnce(ctx context.Context, rec, old Record, reason string) (Record, error) {
	rec.ID = RecordID(r.h.Name, r.ref, r.ev.ID, r.take)
	v, err := r.look(ctx, rec.ID)
	if err != nil {
		return rec, err
	}
	if v.busy(r.opts.Now()) {
		return rec, ErrBusy
	}
	if v.known.Lease != nil && v.known.Lease.Record != rec.ID {
		return r.closeInterrupted(ctx, rec, v)
	}
	before, err := r.s.decodeState(old.Before)
	if err != nil {
		return rec, err
	}
	after, err := r.s.decodeState(old.After)
	if err != nil {
		return rec, err
	}
	p := plan{
		outcome: Undone, undone: old.ID,
		hold: &Hold{Record: rec.ID, Actor: r.ev.Actor.String(), Reason: reason, Until: r.opts.Now().Add(r.decision.UndoHold)},
		reached: func(state any) (bool, error) {
			if left := r.s.diff(state, before); len(left) > 0 {
				return false, fmt.Errorf("the before-image is not back: %s is missing", left[0].call.API)
			}
			return false, nil
		},
	}
	p.again = func(v view) (plan, error) {
		if drift := r.s.diff(v.live, after); len(drift) > 0 && !resumed(v, rec.ID) {
			return plan{}, fmt.Errorf("%w: %s; look at it and decide by hand", ErrDrifted, callNames(drift))
		}
		p.changes = r.s.diff(v.live, before)
		return p, nil
	}
	if p, err = p.again(v); err != nil {
		return rec, err
	}
	if len(p.changes) == 0 {
		return rec, fmt.Errorf("%w: the before-image is the live state", ErrNotUndoable)
	}
	if rec.Target, rec.Before, err = r.images(v.live); err != nil {
		return rec, err
	}
	rec.Times.Decided = r.opts.Now()
	rec.Changes = calls(p.changes)
	rec.Reason = reason
	return r.act(ctx, rec, v, p)
}

// resumed reports whether the record is an earlier attempt of this very undo,
// which may have made some of its calls: then what it left is no drift.
func resumed(v view, id string) bool {
	prev := v.known.Record
	return prev != nil && prev.ID == id && prev.Attempt > 0
}
