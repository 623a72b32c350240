package remedy_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestHandle_a_hundred_copies_give_one_revert(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.opts.Now = time.Now
	engines := []*remedy.Engine{l.engine(), l.engine()} // as two processes would
	ev := l.event("e1")
	outcomes := make(chan remedy.Outcome, 100)
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			recs, err := engines[i%2].Handle(t.Context(), l.handler, ev)
			if err != nil {
				t.Errorf("copy %d: %v", i, err)
				return
			}
			outcomes <- recs[0].Outcome
		})
	}
	wg.Wait()
	close(outcomes)
	got := map[remedy.Outcome]int{}
	for o := range outcomes {
		if o == remedy.Compliant {
			o = remedy.Duplicate // a copy that came late enough finds nothing to do
		}
		got[o]++
	}
	if want := map[remedy.Outcome]int{remedy.Reverted: 1, remedy.Duplicate: 99}; !maps.Equal(got, want) {
		t.Errorf("outcomes = %v, want %v", got, want)
	}
	if len(l.room.puts) != 1 || len(l.records()) != 1 {
		t.Errorf("%d calls and %d records, want one of each", len(l.room.puts), len(l.records()))
	}
}

func TestHandle_two_events_on_one_resource_take_turns(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.opts.Now = time.Now
	working, goOn := make(chan struct{}), make(chan struct{})
	l.room.onPut = func(n int) error {
		if n == 1 {
			// What the second event is about happens while the first is worked on.
			l.room.shelves["a"].Items["z"] = "bad"
			close(working)
			<-goOn
		}
		return nil
	}
	type result struct {
		recs []remedy.Record
		err  error
	}
	results := make(chan result, 2)
	handle := func(id string) {
		ev := l.event(id)
		go func() {
			recs, err := l.engine().Handle(t.Context(), l.handler, ev)
			results <- result{recs, err}
		}()
	}
	handle("e1")
	<-working
	handle("e2")
	close(goOn)
	for range 2 {
		res := <-results
		if res.err != nil {
			t.Error(res.err)
		}
	}
	l.wantItems(map[string]string{"x": "good"})
	if n := len(l.room.puts); n != 2 {
		t.Errorf("%d calls, want 2: %v", n, l.room.puts)
	}
}

func TestHandle_waits_no_longer_than_it_may(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.interrupt("e1")
	for _, id := range []string{"e2", "e1"} { // another event, and a copy of the one that is worked on
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		recs, err := l.engine().Handle(ctx, l.handler, l.event(id))
		if !errors.Is(err, remedy.ErrBusy) || remedy.IsPermanent(err) {
			t.Errorf("%s: error = %v, want ErrBusy, to be retried", id, err)
		}
		if len(recs) != 1 || strings.Contains(recs[0].Reason, "\n") || !strings.HasSuffix(recs[0].Reason, "; context deadline exceeded. A retry may do better.") {
			t.Errorf("%s: records = %+v, want one with a reason on one line", id, recs)
		}
	}
	kept, err := l.ledger.Record(t.Context(), remedy.RecordID("shelf-labels", shelfID{"a", "acme"}.Ref(), "e1", 0))
	if err != nil || kept.Outcome != remedy.Pending {
		t.Errorf("the record that is worked on is %s, %v; want it pending", kept.Outcome, err)
	}
	l.wantItems(map[string]string{"x": "good", "y": "bad"})
}

// dying is a ledger whose process dies after an intent: nothing comes through any more.
type dying struct {
	remedy.Ledger
	afterIntent func()
}

func (d dying) Intend(ctx context.Context, in remedy.Intent) error {
	if err := d.Ledger.Intend(ctx, in); err != nil {
		return err
	}
	d.afterIntent()
	return nil
}

func (d dying) Finish(context.Context, remedy.Finish) error { return errBoom }

// interrupt leaves event id as a process does that is killed between its
// intent and its first call.
func (l *lab) interrupt(id string) {
	l.t.Helper()
	l.room.onPut = func(int) error { return errBoom }
	_, err := remedy.New(dying{l.ledger, func() {}}, l.policy, l.opts).Handle(l.t.Context(), l.handler, l.event(id))
	if !errors.Is(err, errBoom) {
		l.t.Fatalf("error = %v, want the interruption", err)
	}
	l.room.onPut = nil
	l.room.puts = nil
}

func TestHandle_interrupted_work_is_finished(t *testing.T) {
	t.Parallel()
	expired := 2 * (remedy.DefaultHandleFor + remedy.LeaseGrace)

	t.Run("by the same event before any call", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		l.interrupt("e1")
		l.advance(expired)
		rec, err := l.handle("e1")
		l.want(rec, err, remedy.Reverted)
		if rec.Attempt != 2 || len(l.records()) != 1 {
			t.Errorf("attempt %d in %d records, want the second attempt in one", rec.Attempt, len(l.records()))
		}
		l.wantItems(map[string]string{"x": "good"})
	})
	t.Run("by the same event after its call", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		l.interrupt("e1")
		l.room.set("a", map[string]string{"x": "good"}) // the call had arrived
		l.advance(expired)
		rec, err := l.handle("e1")
		l.want(rec, err, remedy.Reverted)
		if len(l.room.puts) != 0 || string(rec.Before) != `{"items":{"x":"good","y":"bad"}}` {
			t.Errorf("%d more calls, before-image %s; want none, and the first", len(l.room.puts), rec.Before)
		}
		undone, err := l.engine().Undo(t.Context(), l.handler, rec.ID, remedy.Actor{ID: "person"}, "needed")
		l.want(undone, err, remedy.Undone)
		l.wantItems(map[string]string{"x": "good", "y": "bad"})
	})
	t.Run("closed when somebody else mended it", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		l.interrupt("e1")
		l.room.set("a", map[string]string{"x": "other"})
		l.advance(expired)
		rec, err := l.handle("e1")
		l.want(rec, err, remedy.Compliant)
		if got := l.records(); len(got) != 1 || got[0].Outcome != remedy.Compliant {
			t.Errorf("records = %+v, want the one, closed as compliant", got)
		}
	})
	t.Run("closed by another event", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		l.interrupt("e1")
		l.advance(expired)
		rec, err := l.handle("e2")
		l.want(rec, err, remedy.Reverted)
		got := map[string]remedy.Outcome{}
		for _, r := range l.records() {
			got[r.Event.ID] = r.Outcome
		}
		if want := map[string]remedy.Outcome{"e1": remedy.Failed, "e2": remedy.Reverted}; !maps.Equal(got, want) {
			t.Errorf("outcomes = %v, want %v", got, want)
		}
		rec, err = l.handle("e1")
		l.want(rec, err, remedy.Compliant)
	})
	t.Run("closed by an event that finds it compliant", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		l.interrupt("e1")
		l.room.set("a", map[string]string{"x": "good"})
		l.advance(expired)
		rec, err := l.handle("e2")
		l.want(rec, err, remedy.Compliant)
		if got := l.records(); len(got) != 1 || got[0].Outcome != remedy.Reverted {
			t.Errorf("records = %+v, want the interrupted one, closed as reverted", got)
		}
	})
	t.Run("closed by an event that finds only what a person must mend", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		l.room.set("a", map[string]string{"x": "cursed", "y": "bad"})
		l.interrupt("e1")
		l.room.set("a", map[string]string{"x": "cursed"})
		l.advance(expired)
		rec, err := l.handle("e2")
		if rec.Outcome != remedy.Failed || !remedy.IsPermanent(err) || !strings.Contains(err.Error(), "a person must") {
			t.Errorf("outcome = %s, error = %v, want failed for good: a person must", rec.Outcome, err)
		}
		got := map[string]remedy.Outcome{}
		for _, r := range l.records() {
			got[r.Event.ID] = r.Outcome
		}
		if want := map[string]remedy.Outcome{"e1": remedy.Reverted, "e2": remedy.Failed}; !maps.Equal(got, want) {
			t.Errorf("outcomes = %v, want %v", got, want)
		}
	})
	t.Run("when the resource is gone", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		l.interrupt("e1")
		delete(l.room.shelves, "a")
		l.advance(expired)
		rec, err := l.handle("e1")
		l.want(rec, err, remedy.Gone)
		if got := l.records(); len(got) != 1 || got[0].Outcome != remedy.Gone {
			t.Errorf("records = %+v, want the one, closed as gone", got)
		}
	})
}

func TestHandle_successor_makes_the_old_holder_stop_short_of_its_record(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	slow := remedy.New(takenOver{l.ledger, func() {
		l.advance(2 * (remedy.DefaultHandleFor + remedy.LeaseGrace))
		rec, err := l.handle("e2")
		l.want(rec, err, remedy.Reverted)
	}}, l.policy, l.opts)
	_, err := slow.Handle(t.Context(), l.handler, l.event("e1"))
	if !errors.Is(err, remedy.ErrLeaseLost) {
		t.Errorf("error = %v, want ErrLeaseLost", err)
	}
	l.wantItems(map[string]string{"x": "good"})
}

// takenOver is a ledger in which a successor comes in right after an intent.
type takenOver struct {
	remedy.Ledger
	successor func()
}

func (d takenOver) Intend(ctx context.Context, in remedy.Intent) error {
	err := d.Ledger.Intend(ctx, in)
	if err == nil {
		d.successor()
	}
	return err
}

func TestHandle_reads_again_when_another_had_just_finished(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.room.set("a", map[string]string{"x": "good", "y": "bad", "z": "bad"})
	rec, err := l.handle("e1")
	l.want(rec, err, remedy.Reverted)
	// A change, read before somebody takes it back by hand: the lease was given
	// back moments ago, so the read is repeated under the new one.
	l.room.set("a", map[string]string{"x": "good", "z": "bad"})
	reads := l.room.reads
	l.room.onRead = func(n int) error {
		if n == reads+2 {
			l.room.shelves["a"] = shelf{Items: map[string]string{"x": "good"}}
		}
		return nil
	}
	rec, err = l.handle("e2")
	l.want(rec, err, remedy.Compliant)
	if n := len(l.room.puts); n != 2 {
		t.Errorf("%d calls, want the first event's 2 only", n)
	}
}

func TestHandle_failed_call_is_resumed_with_the_first_before_image(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.room.set("a", map[string]string{"x": "good", "y": "bad", "z": "bad"})
	l.room.onPut = func(n int) error {
		if n == 2 {
			return errBoom
		}
		return nil
	}
	rec, err := l.handle("e1")
	if rec.Outcome != remedy.Failed || err == nil {
		t.Fatalf("outcome %s, %v; want failed", rec.Outcome, err)
	}
	l.wantItems(map[string]string{"x": "good", "z": "bad"})
	rec, err = l.handle("e1")
	l.want(rec, err, remedy.Reverted)
	l.wantItems(map[string]string{"x": "good"})
	var calls []string
	for _, c := range rec.Changes {
		calls = append(calls, fmt.Sprint(c.Params, c.Error))
	}
	if diff := cmp.Diff([]string{"map[Item:y Label:]", "map[Item:z Label:]boom", "map[Item:z Label:]"}, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	undone, err := l.engine().Undo(t.Context(), l.handler, rec.ID, remedy.Actor{ID: "person"}, "needed")
	l.want(undone, err, remedy.Undone)
	l.wantItems(map[string]string{"x": "good", "y": "bad", "z": "bad"})
}

func TestHandle_lost_answer_counts_as_done(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.room.onPut = func(int) error {
		delete(l.room.shelves["a"].Items, "y")
		return errBoom
	}
	rec, err := l.handle("e1")
	if rec.Outcome != remedy.Failed || err == nil {
		t.Fatalf("outcome %s, %v; want failed", rec.Outcome, err)
	}
	l.room.onPut = nil
	rec, err = l.handle("e1")
	l.want(rec, err, remedy.Reverted)
	undone, err := l.engine().Undo(t.Context(), l.handler, rec.ID, remedy.Actor{ID: "person"}, "needed")
	l.want(undone, err, remedy.Undone)
	l.wantItems(map[string]string{"x": "good", "y": "bad"})
}

func TestHandle_caps_hold(t *testing.T) {
	t.Parallel()
	t.Run("fight", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		l.policy.Fight = remedy.Cap{Limit: 2, Window: time.Hour}
		for _, id := range []string{"e1", "e2"} {
			l.room.set("a", map[string]string{"y": "bad"})
			rec, err := l.handle(id)
			l.want(rec, err, remedy.Reverted)
		}
		l.room.set("a", map[string]string{"y": "bad"})
		rec, err := l.handle("e3")
		l.want(rec, err, remedy.Held)
		l.wantItems(map[string]string{"y": "bad"})
		if c := rec.Cap; c == nil || c.Kind != "fight" || c.Limit != 2 || c.Count != 2 || c.Window != time.Hour || len(c.Recent) != 2 || c.Recent[0].Actor.ID != "actor-of-e2" {
			t.Errorf("cap = %+v, want the fight cap with its figures and the other actor", c)
		}
		for _, part := range []string{"2 reverts in the last 1h,", "allows 2", "actor-of-e3", "actor-of-e2"} {
			if !strings.Contains(rec.Reason, part) {
				t.Errorf("reason %q lacks %q", rec.Reason, part)
			}
		}
		// Once the window has passed, the same event finds it free.
		l.advance(2 * time.Hour)
		rec, err = l.handle("e3")
		l.want(rec, err, remedy.Reverted)
	})
	t.Run("blast", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		l.policy.Blast = remedy.Cap{Limit: 1, Window: time.Hour}
		l.room.set("b", map[string]string{"z": "bad"})
		recs, err := l.engine().Handle(t.Context(), l.handler, l.event("e1", "a", "b"))
		if err != nil {
			t.Fatal(err)
		}
		l.want(recs[0], nil, remedy.Reverted)
		l.want(recs[1], nil, remedy.Held)
		if c := recs[1].Cap; c == nil || c.Kind != "blast" || c.Count != 1 {
			t.Errorf("cap = %+v, want the blast cap", c)
		}
	})
	t.Run("an interrupted attempt that a cap now stops", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		l.policy.Blast = remedy.Cap{Limit: 1, Window: time.Hour}
		l.interrupt("e1")
		l.advance(2 * time.Hour) // its own revert has left the window
		l.room.set("b", map[string]string{"z": "bad"})
		recs, err := l.engine().Handle(t.Context(), l.handler, l.event("e2", "b"))
		l.want(recs[0], err, remedy.Reverted)
		rec, err := l.handle("e1")
		l.want(rec, err, remedy.Held)
		kept, err := l.ledger.Record(t.Context(), rec.ID)
		if err != nil || kept.Outcome != remedy.Held || string(kept.Before) == "" {
			t.Errorf("kept = %+v, %v; want it held, with its before-image", kept, err)
		}
		l.wantItems(map[string]string{"x": "good", "y": "bad"})
	})
	t.Run("undo is not counted", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		l.policy.Blast = remedy.Cap{Limit: 1, Window: time.Hour}
		rec, err := l.handle("e1")
		l.want(rec, err, remedy.Reverted)
		undone, err := l.engine().Undo(t.Context(), l.handler, rec.ID, remedy.Actor{ID: "person"}, "needed")
		l.want(undone, err, remedy.Undone)
	})
}

func TestHandle_a_closed_event_may_be_a_hint_once_more(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	rec, err := l.handle("e1")
	l.want(rec, err, remedy.Reverted)
	l.room.set("a", map[string]string{"y": "bad"})
	rec, err = l.handle("e1")
	l.want(rec, err, remedy.Duplicate) // the read may be an old one
	l.advance(time.Hour)
	rec, err = l.handle("e1")
	l.want(rec, err, remedy.Reverted)
	if len(l.records()) != 2 {
		t.Errorf("%d records, want a second one", len(l.records()))
	}
}

func TestUndo(t *testing.T) {
	t.Parallel()
	person := remedy.Actor{ID: "person"}
	t.Run("brings back the before-image and keeps off for a while", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		rec, err := l.handle("e1")
		l.want(rec, err, remedy.Reverted)
		undone, err := l.engine().Undo(t.Context(), l.handler, rec.ID, person, "needed for the migration.")
		l.want(undone, err, remedy.Undone)
		l.wantItems(map[string]string{"x": "good", "y": "bad"})
		old, err := l.ledger.Record(t.Context(), rec.ID)
		if err != nil || old.UndoneBy != undone.ID || undone.Undoes != rec.ID || undone.Event.Actor != person {
			t.Errorf("the records do not name each other: %+v, %+v, %v", old, undone, err)
		}
		if rec.Times.BadFor() <= 0 || undone.Times.BadFor() != 0 {
			t.Errorf("bad for %v, and %v by the undo; want some time, and none", rec.Times.BadFor(), undone.Times.BadFor())
		}
		again, err := l.handle("e2")
		l.want(again, err, remedy.Exempt)
		if !strings.Contains(again.Reason, "needed for the migration") || again.Exemption.Owner != "person" {
			t.Errorf("reason = %q by %q, want the undo's", again.Reason, again.Exemption.Owner)
		}
		l.advance(2 * time.Hour)
		again, err = l.handle("e3")
		l.want(again, err, remedy.Reverted)
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		tests := map[string]struct {
			arrange func(*lab) string
			reason  string
			want    error
			text    string
		}{
			"unknown record": {func(*lab) string { return "nope" }, "r", remedy.ErrNoRecord, "undo nope"},
			"no reason": {func(l *lab) string {
				rec, _ := l.handle("e1")
				return rec.ID
			}, " ", nil, "a reason is required"},
			"observed": {func(l *lab) string {
				l.opts.Observe = true
				rec, _ := l.handle("e1")
				return rec.ID
			}, "r", remedy.ErrNotUndoable, "observed"},
			"drifted": {func(l *lab) string {
				rec, _ := l.handle("e1")
				l.room.set("a", map[string]string{"x": "new"})
				return rec.ID
			}, "r", remedy.ErrDrifted, "shelf:Put"},
			"gone": {func(l *lab) string {
				rec, _ := l.handle("e1")
				delete(l.room.shelves, "a")
				return rec.ID
			}, "r", remedy.ErrGone, ""},
			"pending": {func(l *lab) string {
				l.interrupt("e1")
				return remedy.RecordID("shelf-labels", shelfID{"a", "acme"}.Ref(), "e1", 0)
			}, "r", remedy.ErrNotUndoable, "not finished"},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				l := newLab(t)
				id := tt.arrange(l)
				before := l.room.items("a")
				_, err := l.engine().Undo(t.Context(), l.handler, id, person, tt.reason)
				if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("error = %v, want %v with %q", err, tt.want, tt.text)
				}
				if got := l.room.items("a"); !maps.Equal(got, before) {
					t.Errorf("items = %v, want them untouched: %v", got, before)
				}
			})
		}
	})
	t.Run("interrupted undo is finished by the next", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		l.room.set("a", map[string]string{"y": "bad", "z": "bad"})
		rec, err := l.handle("e1")
		l.want(rec, err, remedy.Reverted)
		l.room.onPut = func(n int) error {
			if n == 4 {
				return errBoom
			}
			return nil
		}
		if _, err := l.engine().Undo(t.Context(), l.handler, rec.ID, person, "needed"); !errors.Is(err, errBoom) {
			t.Fatalf("error = %v, want the fault", err)
		}
		l.wantItems(map[string]string{"y": "bad"})
		undone, err := l.engine().Undo(t.Context(), l.handler, rec.ID, person, "needed")
		l.want(undone, err, remedy.Undone)
		l.wantItems(map[string]string{"y": "bad", "z": "bad"})
	})
}

// TestHandle_property lets changes, copies, faults, crashes and undos happen in
// any order: good items are never touched, and in the end no bad one is left.
func TestHandle_property(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		l := newLab(t)
		l.room.set("a", map[string]string{"g": "good"})
		l.policy.UndoHold = time.Minute
		items := rapid.SampledFrom([]string{"p", "q", "r"})
		events := 0
		var ids []string
		handle := func(id string) remedy.Record {
			recs, _ := l.engine().Handle(t.Context(), l.handler, l.event(id))
			return recs[0]
		}
		rt.Repeat(map[string]func(*rapid.T){
			"change": func(rt *rapid.T) {
				l.room.shelves["a"].Items[items.Draw(rt, "item")] = "bad"
				events++
				ids = append(ids, fmt.Sprint("e", events))
			},
			"event": func(rt *rapid.T) {
				if len(ids) > 0 {
					handle(rapid.SampledFrom(ids).Draw(rt, "id"))
				}
			},
			"fault": func(rt *rapid.T) {
				before := rapid.Bool().Draw(rt, "before its effect")
				l.room.onPut = func(int) error {
					l.room.onPut = nil
					if !before {
						for item, label := range l.room.shelves["a"].Items {
							if label == "bad" {
								delete(l.room.shelves["a"].Items, item)
								break
							}
						}
					}
					return errBoom
				}
			},
			"crash": func(rt *rapid.T) {
				if len(ids) > 0 {
					// A cancelled process can't wait for turns, and its Finish is lost.
					ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
					defer cancel()
					_, _ = remedy.New(dying{l.ledger, func() {}}, l.policy, l.opts).Handle(ctx, l.handler, l.event(rapid.SampledFrom(ids).Draw(rt, "id")))
					l.advance(10 * time.Minute)
				}
			},
			"undo": func(rt *rapid.T) {
				recs := l.records()
				if len(recs) > 0 {
					id := rapid.SampledFrom(recs).Draw(rt, "record").ID
					_, _ = l.engine().Undo(t.Context(), l.handler, id, remedy.Actor{ID: "person"}, "a test")
				}
			},
			"later": func(*rapid.T) { l.advance(10 * time.Minute) },
			"": func(rt *rapid.T) {
				if got := l.room.items("a")["g"]; got != "good" {
					rt.Fatalf("the good item is %q", got)
				}
			},
		})
		l.room.onPut = nil
		l.advance(10 * time.Hour)
		events++
		rec := handle(fmt.Sprint("e", events))
		if got := l.room.items("a"); !maps.Equal(got, map[string]string{"g": "good"}) {
			rt.Fatalf("in the end the items are %v (%s: %s)", got, rec.Outcome, rec.Reason)
		}
		for _, r := range l.records() {
			if r.Outcome == remedy.Pending {
				rt.Fatalf("record %s of event %s is pending in the end", r.ID, r.Event.ID)
			}
		}
	})
}
