package ledgertest

import (
	"encoding/json"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func (s suite) lookFindsNothing() {
	s.equal("known", remedy.Known{}, s.look(ref(1), "r1"))
}

func (s suite) intendClaims() {
	in := s.claim(pending("r1", ref(1)), t0)
	got := s.look(ref(1), "r1")
	if got.Version <= 0 {
		s.Errorf("version %d, want one above 0", got.Version)
	}
	s.equal("known", remedy.Known{Version: got.Version, Lease: &in.Lease, Record: &in.Record}, got)

	got = s.look(ref(1), "another")
	s.equal("known of another record", remedy.Known{Version: got.Version, Lease: &in.Lease}, got)
	s.equal("another resource", remedy.Known{}, s.look(ref(2), "another"))
	s.equal("records", []remedy.Record{in.Record}, s.list(remedy.Query{Limit: 10}))
}

func (s suite) intendStale() {
	never := s.look(ref(1), "r1")
	s.ok(s.revert("r1", ref(1), t0, remedy.Cap{}, remedy.Cap{}))
	held := pending("held", ref(1))
	held.Outcome = remedy.Held
	s.ok(s.SaveRecord(s.Context(), held))
	before := s.look(ref(1), "held")
	held.Times.Recorded = t0.Add(time.Hour)
	s.ok(s.SaveRecord(s.Context(), held))
	now := s.look(ref(1), "held")

	imagined := now
	imagined.Record = &held
	forgot := now
	forgot.Record = nil
	ahead := now
	ahead.Version++
	tests := map[string]struct {
		id    string
		known remedy.Known
	}{
		"the resource was not known yet":     {"r2", never},
		"the resource's entry is older":      {"held", ahead},
		"the record has changed since":       {"held", before},
		"the record was not known":           {"held", forgot},
		"the record is not there any longer": {"r3", imagined},
	}
	want := s.content(ref(1), "r1", "held")
	for name, tt := range tests {
		in := intent(pending(tt.id, ref(1)), tt.known, t0.Add(time.Hour))
		in.Record.Attempt = 2
		if err := s.Intend(s.Context(), in); err == nil {
			s.Errorf("%s: no error", name)
		} else {
			s.fails(err, remedy.ErrStale)
		}
		s.equal(name, want, s.content(ref(1), "r1", "held"))
	}
	s.ok(s.Intend(s.Context(), intent(pending("held", ref(1)), now, t0.Add(time.Hour))))
}

func (s suite) intendBusy() {
	in := s.claim(pending("r1", ref(1)), t0)
	want := s.content(ref(1), "r1", "r2")
	last := in.Lease.Expires.Add(-1)

	s.fails(s.Intend(s.Context(), intent(pending("r2", ref(1)), s.look(ref(1), "r2"), last)), remedy.ErrBusy)
	again := in.Record
	again.Attempt = 2 // the same record, but of another owner
	s.fails(s.Intend(s.Context(), intent(again, s.look(ref(1), "r1"), last)), remedy.ErrBusy)
	s.equal("content", want, s.content(ref(1), "r1", "r2"))
	s.claim(pending("r2", ref(2)), last)

	again = in.Record
	again.Reason = "The holder itself may go on."
	in.Lease.Expires = last.Add(time.Hour)
	own := intent(again, s.look(ref(1), "r1"), last)
	own.Lease = in.Lease
	s.ok(s.Intend(s.Context(), own))
	got := s.look(ref(1), "r1")
	s.equal("known", remedy.Known{Version: got.Version, Lease: &in.Lease, Record: &again}, got)
}

func (s suite) intendTakesOver() {
	first := s.claim(pending("r1", ref(1)), t0)
	before := s.look(ref(1), "r2")
	second := s.claim(pending("r2", ref(1)), first.Lease.Expires)

	got := s.look(ref(1), "r2")
	if got.Version <= before.Version {
		s.Errorf("version %d, want one above %d", got.Version, before.Version)
	}
	s.equal("known", remedy.Known{Version: got.Version, Lease: &second.Lease, Record: &second.Record}, got)
	s.equal("the interrupted record", first.Record, s.record("r1"))
}

func (s suite) intendResumes() {
	first := s.claim(pending("r1", ref(1)), t0)
	s.ok(s.Finish(s.Context(), remedy.Finish{Record: failed(first.Record), Owner: first.Lease.Owner, Now: t0.Add(time.Second)}))
	again := pending("r1", ref(1))
	again.Attempt = 2
	second := s.claim(again, t0.Add(2*time.Second))
	got := s.look(ref(1), "r1")
	s.equal("after a failure", remedy.Known{
		Version: got.Version, Lease: &second.Lease, Released: t0.Add(time.Second), Record: &second.Record,
	}, got)

	again.Attempt = 3
	third := s.claim(again, second.Lease.Expires)
	got = s.look(ref(1), "r1")
	s.equal("after an interruption", remedy.Known{
		Version: got.Version, Lease: &third.Lease, Released: t0.Add(time.Second), Record: &third.Record,
	}, got)
	s.equal("records", []remedy.Record{third.Record}, s.list(remedy.Query{Limit: 10}))
}

func (s suite) finishWritesEverything() {
	in := s.claim(pending("r1", ref(1)), t0)
	claimed := s.look(ref(1), "r1")
	f := remedy.Finish{
		Record: done(in.Record), Owner: in.Lease.Owner, Now: t0.Add(5), Changed: true,
		Baseline: &remedy.StoredState{State: json.RawMessage(`{"rules": []}`), At: t0.Add(4), Event: "e1"},
		Hold:     &remedy.Hold{Record: "r1", Actor: "jo", Reason: "we <need> it", Until: t0.Add(time.Hour)},
	}
	s.ok(s.Finish(s.Context(), f))

	got := s.look(ref(1), "r1")
	if got.Version <= claimed.Version {
		s.Errorf("version %d, want one above %d", got.Version, claimed.Version)
	}
	s.equal("known", remedy.Known{
		Version: got.Version, Released: f.Now, Last: "r1", Hold: f.Hold, Baseline: f.Baseline, Record: &f.Record,
	}, got)
	s.equal("record", f.Record, s.record("r1"))

	other, err := s.Look(s.Context(), "another-function", ref(1), "")
	s.ok(err)
	s.equal("known of another function", remedy.Known{Version: got.Version, Released: f.Now, Last: "r1"}, other)
}

func (s suite) finishWithoutChange() {
	s.ok(s.revert("r1", ref(1), t0, remedy.Cap{}, remedy.Cap{}))
	in := s.claim(pending("r2", ref(1)), t0.Add(time.Minute))
	rec := failed(in.Record)
	s.ok(s.Finish(s.Context(), remedy.Finish{Record: rec, Owner: in.Lease.Owner, Now: t0.Add(2 * time.Minute)}))
	got := s.look(ref(1), "r2")
	s.equal("known", remedy.Known{Version: got.Version, Released: t0.Add(2 * time.Minute), Last: "r1", Record: &rec}, got)
}

func (s suite) finishLeaseLost() {
	finish := func(in remedy.Intent, owner string) error {
		return s.Finish(s.Context(), remedy.Finish{
			Record: done(in.Record), Owner: owner, Now: t0.Add(time.Hour), Changed: true,
			Baseline: &remedy.StoredState{State: json.RawMessage(`1`), At: t0},
			Hold:     &remedy.Hold{Record: in.Record.ID},
		})
	}
	nobody := intent(pending("r0", ref(1)), remedy.Known{}, t0)
	s.fails(finish(nobody, nobody.Lease.Owner), remedy.ErrLeaseLost)
	s.equal("no entry", content{Known: []remedy.Known{{}}}, s.content(ref(1), "r0"))

	first := s.claim(pending("r1", ref(1)), t0)
	want := s.content(ref(1), "r1")
	s.fails(finish(first, "somebody else"), remedy.ErrLeaseLost)
	s.equal("another owner", want, s.content(ref(1), "r1"))

	second := s.claim(pending("r2", ref(1)), first.Lease.Expires)
	want = s.content(ref(1), "r1", "r2")
	s.fails(finish(first, first.Lease.Owner), remedy.ErrLeaseLost)
	s.fails(finish(first, second.Lease.Owner), remedy.ErrLeaseLost)
	s.equal("taken over", want, s.content(ref(1), "r1", "r2"))

	s.ok(finish(second, second.Lease.Owner))
	want = s.content(ref(1), "r1", "r2")
	s.fails(finish(second, second.Lease.Owner), remedy.ErrLeaseLost)
	s.equal("given back", want, s.content(ref(1), "r1", "r2"))
}

func (s suite) finishExpired() {
	in := s.claim(pending("r1", ref(1)), t0)
	rec := done(in.Record)
	late := in.Lease.Expires.Add(time.Hour)
	s.ok(s.Finish(s.Context(), remedy.Finish{Record: rec, Owner: in.Lease.Owner, Now: late}))
	got := s.look(ref(1), "r1")
	s.equal("known", remedy.Known{Version: got.Version, Released: late, Record: &rec}, got)
}

func (s suite) finishKeepsLaterBaseline() {
	later := remedy.StoredState{State: json.RawMessage(`"later"`), At: t0.Add(time.Hour), Event: "e2"}
	s.ok(s.SaveBaseline(s.Context(), function, ref(1), later))
	in := s.claim(pending("r1", ref(1)), t0)
	rec := done(in.Record)
	s.ok(s.Finish(s.Context(), remedy.Finish{
		Record: rec, Owner: in.Lease.Owner, Now: t0.Add(1),
		Baseline: &remedy.StoredState{State: json.RawMessage(`"earlier"`), At: t0, Event: "e1"},
	}))
	got := s.look(ref(1), "r1")
	s.equal("known", remedy.Known{Version: got.Version, Released: t0.Add(1), Baseline: &later, Record: &rec}, got)
}

func (s suite) finishUndoes() {
	s.ok(s.revert("r1", ref(1), t0, remedy.Cap{}, remedy.Cap{}))
	old := s.record("r1")
	undo := pending("undo", ref(1))
	undo.Undoes = "r1"
	in := s.claim(undo, t0.Add(time.Minute))
	rec := done(in.Record)
	rec.Outcome = remedy.Undone
	s.ok(s.Finish(s.Context(), remedy.Finish{Record: rec, Owner: in.Lease.Owner, Now: t0.Add(time.Minute), Changed: true, Undone: "r1"}))

	old.UndoneBy = "undo"
	s.equal("the undone record", old, s.record("r1"))
	s.equal("known", &old, s.look(ref(1), "r1").Record)
	s.equal("records", []remedy.Record{rec, old}, s.list(remedy.Query{Limit: 10}))
}

func (s suite) finishUndoesNothing() {
	in := s.claim(pending("undo", ref(1)), t0)
	want := s.content(ref(1), "undo")
	err := s.Finish(s.Context(), remedy.Finish{Record: done(in.Record), Owner: in.Lease.Owner, Now: t0, Undone: "nothing"})
	s.fails(err, remedy.ErrNoRecord)
	s.equal("content", want, s.content(ref(1), "undo"))
}
