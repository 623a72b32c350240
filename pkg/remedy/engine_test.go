package remedy_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestHandle_reverted_record_says_everything(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	start := l.now
	rec, err := l.handle("e1")
	l.want(rec, err, remedy.Reverted)
	l.wantItems(map[string]string{"x": "good"})

	ms := func(n int) time.Time { return start.Add(time.Duration(n) * time.Millisecond) }
	want := remedy.Record{
		ID:       remedy.RecordID("shelf-labels", shelfID{"a", "acme"}.Ref(), "e1", 0),
		Function: "shelf-labels", Severity: remedy.High, Mode: remedy.Enforce, Outcome: remedy.Reverted,
		Reason:     "Item y is bad. Put back with 1 call to the nearest compliant state.",
		Event:      remedy.EventRef{ID: "e1", Source: "test", Name: "Put", Account: "acme", Actor: remedy.Actor{ID: "actor-of-e1"}, Time: ms(1)},
		Resource:   remedy.Ref{Type: "Test::Shelf", ID: "shelf/a", Account: "acme"},
		Target:     json.RawMessage(`{"name":"a","account":"acme"}`),
		Violations: []remedy.Violation{{Rule: "bad", Part: "y", Message: "Item y is bad."}},
		Before:     json.RawMessage(`{"items":{"x":"good","y":"bad"}}`),
		After:      json.RawMessage(`{"items":{"x":"good"}}`),
		Attempt:    1,
	}
	want.Changes = []remedy.AppliedCall{{Call: remedy.Call{API: "shelf:Put", Params: map[string]string{"Item": "y", "Label": ""}}, At: rec.Times.Fixed}}
	want.Times = rec.Times // compared below
	if diff := cmp.Diff(want, rec); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	order := []time.Time{rec.Times.Changed, rec.Times.Received, rec.Times.Decided, rec.Times.Intent, rec.Times.Fixed, rec.Times.Verified, rec.Times.Recorded}
	for i := 1; i < len(order); i++ {
		if !order[i].After(order[i-1]) {
			t.Errorf("time %d (%v) is not after time %d (%v)", i, order[i], i-1, order[i-1])
		}
	}
	if diff := cmp.Diff([]remedy.Record{rec}, l.results); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
}

func TestHandle_outcomes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		arrange func(*lab)
		want    remedy.Outcome
		wantErr string
		reason  string // part of it
		kept    bool
		items   map[string]string
	}{
		"compliant": {
			arrange: func(l *lab) { l.room.set("a", map[string]string{"x": "good"}) },
			want:    remedy.Compliant, items: map[string]string{"x": "good"},
		},
		"observed": {
			arrange: func(l *lab) { l.policy.Mode = remedy.Observe },
			want:    remedy.Observed, reason: "Ebb would make 1 call", kept: true, items: map[string]string{"x": "good", "y": "bad"},
		},
		"observed by option": {
			arrange: func(l *lab) { l.opts.Observe = true },
			want:    remedy.Observed, kept: true, items: map[string]string{"x": "good", "y": "bad"},
		},
		"off": {
			arrange: func(l *lab) { l.policy.Mode, l.policy.Scope = remedy.Off, "sandbox" },
			want:    remedy.Ignored, reason: "off in scope sandbox", items: map[string]string{"x": "good", "y": "bad"},
		},
		"gone": {
			arrange: func(l *lab) { delete(l.room.shelves, "a") },
			want:    remedy.Gone, items: map[string]string{},
		},
		"gone while Ebb works": {
			arrange: func(l *lab) {
				l.room.onPut = func(int) error { delete(l.room.shelves, "a"); return nil }
			},
			want: remedy.Gone, kept: true, items: map[string]string{},
		},
		"parameters allow it": {
			arrange: func(l *lab) { l.policy.Params = params{Allowed: []string{"y"}} },
			want:    remedy.Compliant, items: map[string]string{"x": "good", "y": "bad"},
		},
		"unreadable state": {
			arrange: func(l *lab) { l.room.onRead = func(int) error { return errBoom } },
			want:    remedy.Failed, wantErr: "boom", reason: "Nothing was changed", kept: true, items: map[string]string{"x": "good", "y": "bad"},
		},
		"no repair": {
			arrange: func(l *lab) { l.room.set("a", map[string]string{"y": "cursed"}) },
			want:    remedy.Failed, wantErr: "a person must", reason: "No repair is known", kept: true, items: map[string]string{"y": "cursed"},
		},
		"no repair, observed": {
			arrange: func(l *lab) {
				l.room.set("a", map[string]string{"y": "cursed"})
				l.policy.Mode = remedy.Observe
			},
			want: remedy.Observed, reason: "Ebb can't put this back in any mode", kept: true, items: map[string]string{"y": "cursed"},
		},
		"a repair of one of two": {
			arrange: func(l *lab) { l.room.set("a", map[string]string{"x": "cursed", "y": "bad"}) },
			want:    remedy.Reverted, reason: "This it can't put back, and a person must: Item x is cursed.", kept: true, items: map[string]string{"x": "cursed"},
		},
		"a repair of one of two, observed": {
			arrange: func(l *lab) {
				l.room.set("a", map[string]string{"x": "cursed", "y": "bad"})
				l.policy.Mode = remedy.Observe
			},
			want: remedy.Observed, reason: "a person must: Item x is cursed.", kept: true, items: map[string]string{"x": "cursed", "y": "bad"},
		},
		"a repair that breaks something else": {
			arrange: func(l *lab) { l.room.set("a", map[string]string{"y": "turning"}) },
			want:    remedy.Failed, wantErr: "would break something else", kept: true, items: map[string]string{"y": "turning"},
		},
		"foreign parameters": {
			arrange: func(l *lab) { l.policy.Params = 7 },
			want:    remedy.Failed, wantErr: "the parameters are of type int, but the rule takes ", kept: true, items: map[string]string{"x": "good", "y": "bad"},
		},
		"a call fails": {
			arrange: func(l *lab) { l.room.onPut = func(int) error { return errBoom } },
			want:    remedy.Failed, wantErr: "boom", reason: "It was not put back", kept: true, items: map[string]string{"x": "good", "y": "bad"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			tt.arrange(l)
			rec, err := l.handle("e1")
			if (err == nil) != (tt.wantErr == "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("error = %v, want one with %q", err, tt.wantErr)
			}
			if rec.Outcome != tt.want || !strings.Contains(rec.Reason, tt.reason) || rec.Reason == "" {
				t.Errorf("outcome = %s (%s), want %s (…%s…)", rec.Outcome, rec.Reason, tt.want, tt.reason)
			}
			var want []remedy.Record
			if tt.kept {
				want = []remedy.Record{rec}
			}
			if diff := cmp.Diff(asJSON(t, want), asJSON(t, l.records())); diff != "" {
				t.Errorf("kept records (-want +got):\n%s", diff)
			}
			got := l.room.items("a")
			if got == nil {
				got = map[string]string{}
			}
			if diff := cmp.Diff(tt.items, got); diff != "" {
				t.Errorf("items (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHandle_bad_events(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		event   func(*lab) remedy.Event
		want    remedy.Outcome
		wantErr string
	}{
		"no id":       {func(l *lab) remedy.Event { return l.event("") }, remedy.Failed, "the event has no id"},
		"undecodable": {func(l *lab) remedy.Event { ev := l.event("e1"); ev.Detail = []byte(`{`); return ev }, remedy.Failed, "decode shelves"},
		"no resource": {func(l *lab) remedy.Event { ev := l.event("e1"); ev.Detail = []byte(`{}`); return ev }, remedy.Ignored, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			recs, err := l.engine().Handle(t.Context(), l.handler, tt.event(l))
			if len(recs) != 1 || recs[0].Outcome != tt.want || recs[0].Reason == "" {
				t.Errorf("records = %+v, want one %s", recs, tt.want)
			}
			if tt.wantErr == "" {
				if err != nil {
					t.Error(err)
				}
			} else if !remedy.IsPermanent(err) || !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("error = %v, want a permanent one with %q", err, tt.wantErr)
			}
			l.wantItems(map[string]string{"x": "good", "y": "bad"})
		})
	}
}

func TestHandle_several_resources_each_have_their_record(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.room.set("b", map[string]string{"z": "bad"})
	recs, err := l.engine().Handle(t.Context(), l.handler, l.event("e1", "a", "b", "a", "missing"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]remedy.Outcome{}
	for _, r := range recs {
		got[r.Resource.ID] = r.Outcome
	}
	want := map[string]remedy.Outcome{"shelf/a": remedy.Reverted, "shelf/b": remedy.Reverted, "shelf/missing": remedy.Gone}
	if !maps.Equal(got, want) || len(recs) != 3 {
		t.Errorf("outcomes = %v in %d records, want %v in 3", got, len(recs), want)
	}
}

func TestHandle_overwritten_state_comes_back_from_the_baseline(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.room.set("a", map[string]string{"x": "good", "y": "fine"})
	rec, err := l.handle("e1")
	l.want(rec, err, remedy.Compliant)
	l.room.set("a", map[string]string{"x": "good", "y": "bad"})
	rec, err = l.handle("e2")
	l.want(rec, err, remedy.Reverted)
	l.wantItems(map[string]string{"x": "good", "y": "fine"})
	if want := "Item y is bad. Put back with 1 call, to the compliant state last seen at 2026-11-21T09:00:00Z."; rec.Reason != want {
		t.Errorf("reason = %q, want %q", rec.Reason, want)
	}
}

// countingLedger counts the writes of a ledger.
type countingLedger struct {
	remedy.Ledger
	mu    sync.Mutex
	calls []string
}

func (c *countingLedger) note(call string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, call)
}

func (c *countingLedger) Look(ctx context.Context, f string, r remedy.Ref, id string) (remedy.Known, error) {
	c.note("look")
	return c.Ledger.Look(ctx, f, r, id)
}

func (c *countingLedger) Intend(ctx context.Context, in remedy.Intent) error {
	c.note("intend")
	return c.Ledger.Intend(ctx, in)
}

func (c *countingLedger) Finish(ctx context.Context, f remedy.Finish) error {
	c.note("finish")
	return c.Ledger.Finish(ctx, f)
}

func (c *countingLedger) SaveRecord(ctx context.Context, r remedy.Record) error {
	c.note("save record")
	return c.Ledger.SaveRecord(ctx, r)
}

func (c *countingLedger) SaveBaseline(ctx context.Context, f string, r remedy.Ref, s remedy.StoredState) error {
	c.note("save baseline")
	return c.Ledger.SaveBaseline(ctx, f, r, s)
}

func TestHandle_ledger_calls(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		arrange func(*lab)
		want    []string
	}{
		"compliant for the first time": {
			func(l *lab) { l.room.set("a", map[string]string{"x": "good"}) },
			[]string{"look", "save baseline"},
		},
		"compliant as before": {
			func(l *lab) {
				l.room.set("a", map[string]string{"x": "good"})
				rec, err := l.handle("e0")
				l.want(rec, err, remedy.Compliant)
			},
			[]string{"look"},
		},
		"reverted": {func(*lab) {}, []string{"look", "intend", "finish"}},
		"observed": {func(l *lab) { l.opts.Observe = true }, []string{"look", "save record"}},
		"observed before": {
			func(l *lab) {
				l.opts.Observe = true
				rec, err := l.handle("e1")
				l.want(rec, err, remedy.Observed)
			},
			[]string{"look"},
		},
		"off": {func(l *lab) { l.policy.Mode = remedy.Off }, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			tt.arrange(l)
			c := &countingLedger{Ledger: l.ledger}
			if _, err := remedy.New(c, l.policy, l.opts).Handle(t.Context(), l.handler, l.event("e1")); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, c.calls); diff != "" {
				t.Errorf("ledger calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHandle_exemptions_see_the_live_tags_and_the_actor(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.room.shelves["a"] = shelf{Items: map[string]string{"y": "bad"}, Tags: map[string]string{"team": "red"}}
	want := &remedy.Exemption{ID: "red", Reason: "they know", Owner: "red team", Expires: l.now.Add(time.Hour), Tag: "team=red"}
	l.policy.exempt = func(q remedy.ExemptionQuery) *remedy.Exemption {
		if q.Function == "shelf-labels" && q.Tags["team"] == "red" && q.Actor.ID == "actor-of-e1" && q.Resource.ID == "shelf/a" && !q.Now.IsZero() {
			return want
		}
		return nil
	}
	rec, err := l.handle("e1")
	l.want(rec, err, remedy.Exempt)
	if diff := cmp.Diff(want, rec.Exemption); diff != "" {
		t.Errorf("exemption (-want +got):\n%s", diff)
	}
	rec, err = l.handle("e1")
	l.want(rec, err, remedy.Duplicate)
	rec, err = l.handle("e2")
	l.want(rec, err, remedy.Reverted)
}

func TestHandle_own_change_is_recognised_by_actor_and_state(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	ebb := remedy.Actor{ID: "ebb"}
	l.opts.Self = func(a remedy.Actor) bool { return a == ebb }
	l.policy.UndoHold = 0 // so that an undone state is bad and nothing else holds Ebb off
	rec, err := l.handle("e1")
	l.want(rec, err, remedy.Reverted)
	undone, err := l.engine().Undo(t.Context(), l.handler, rec.ID, remedy.Actor{ID: "person"}, "needed")
	l.want(undone, err, remedy.Undone)

	own := l.event("e2")
	own.Actor = ebb
	recs, err := l.engine().Handle(t.Context(), l.handler, own)
	l.want(recs[0], err, remedy.Ignored)
	l.wantItems(map[string]string{"x": "good", "y": "bad"})

	// With Ebb's name alone, on a state that Ebb did not leave, it is not Ebb's change.
	l.room.set("a", map[string]string{"y": "bad", "z": "bad"})
	own.ID = "e3"
	recs, err = l.engine().Handle(t.Context(), l.handler, own)
	l.want(recs[0], err, remedy.Reverted)
}

func TestHandle_what_stands_in_anothers_place_is_kept_under_the_first(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.handler = l.openRule(func(r *remedy.Rule[shelfID, shelf, put, params]) {
		r.Root = func(id shelfID, base remedy.Baseline[shelf]) shelfID {
			if first := base.State.Items["stands for"]; first != "" {
				id.Name = first
			}
			return id
		}
	})
	l.room.set("a", map[string]string{"x": "good"})
	l.room.set("b", map[string]string{"stands for": "a"})
	handle := func(id, name string) remedy.Record {
		t.Helper()
		recs, err := l.engine().Handle(t.Context(), l.handler, l.event(id, name))
		if len(recs) != 1 || err != nil {
			t.Fatalf("event %s: %d records, %v; want 1", id, len(recs), err)
		}
		return recs[0]
	}
	// As long as it has no baseline nothing tells what it stands for.
	l.want(handle("e1", "b"), nil, remedy.Compliant)

	l.room.set("a", map[string]string{"x": "bad"})
	l.room.set("b", map[string]string{"y": "bad"})
	rec := handle("e2", "b")
	l.want(rec, nil, remedy.Reverted)
	if want := (shelfID{"a", "acme"}).Ref(); rec.Resource != want || string(rec.Target) != `{"name":"a","account":"acme"}` {
		t.Errorf("the record is of %+v, target %s; want %+v", rec.Resource, rec.Target, want)
	}
	l.wantItems(map[string]string{})
	if diff := cmp.Diff(map[string]string{"y": "bad"}, l.room.items("b")); diff != "" {
		t.Errorf("b was touched (-want +got):\n%s", diff)
	}

	// The undo's hold on the first holds for the second too.
	undone, err := l.engine().Undo(t.Context(), l.handler, rec.ID, remedy.Actor{ID: "person"}, "needed")
	l.want(undone, err, remedy.Undone)
	l.want(handle("e3", "b"), nil, remedy.Exempt)

	// Two that say to stand for each other end it after one step.
	l.room.set("c", map[string]string{"stands for": "d"})
	l.room.set("d", map[string]string{"stands for": "c"})
	l.want(handle("e4", "c"), nil, remedy.Compliant)
	l.want(handle("e5", "d"), nil, remedy.Compliant)
	if rec := handle("e6", "c"); rec.Resource.ID != "shelf/d" {
		t.Errorf("the record is of %s, want shelf/d", rec.Resource.ID)
	}
}

func TestHandle_published_result_that_fails_fails_nothing(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.opts.Publish = func(context.Context, remedy.Record) error { return errBoom }
	rec, err := l.handle("e1")
	l.want(rec, err, remedy.Reverted)
}

func TestHandle_verify_waits_for_a_cloud_to_catch_up(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.room.stale = 3
	rec, err := l.handle("e1")
	l.want(rec, err, remedy.Reverted)
	if l.room.reads < 4 {
		t.Errorf("%d reads, want at least 4: the first three after the call were stale", l.room.reads)
	}
}

func TestHandle_verify_gives_up_at_its_bound(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.opts.VerifyFor = 50 * time.Millisecond
	l.room.stale = 1 << 30
	rec, err := l.handle("e1")
	if rec.Outcome != remedy.Failed || err == nil || remedy.IsPermanent(err) || !strings.Contains(err.Error(), "Item y is bad") {
		t.Errorf("outcome %s, error %v; want failed, to be retried, saying what is still wrong", rec.Outcome, err)
	}
}

func TestIsPermanent(t *testing.T) {
	t.Parallel()
	perm := remedy.Permanent(errBoom)
	tests := map[string]struct {
		err  error
		want bool
	}{
		"nil":             {nil, false},
		"plain":           {errBoom, false},
		"marked":          {perm, true},
		"wrapped":         {errors.Join(perm), true},
		"joined, all":     {errors.Join(perm, perm), true},
		"joined with not": {errors.Join(perm, errBoom), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := remedy.IsPermanent(tt.err); got != tt.want {
				t.Errorf("IsPermanent(%v) = %v, want %v", tt.err, got, tt.want)
			}
		})
	}
	if remedy.Permanent(nil) != nil {
		t.Error("Permanent(nil) is not nil")
	}
	if !errors.Is(perm, errBoom) {
		t.Error("a permanent error hides what it wraps")
	}
}

func asJSON(t *testing.T, v any) (out any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	if list, ok := out.([]any); ok && len(list) == 0 {
		return nil
	}
	return out
}
