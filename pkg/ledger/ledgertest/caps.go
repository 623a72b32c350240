package ledgertest

import (
	"errors"
	"fmt"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func limit(n int) remedy.Cap { return remedy.Cap{Limit: n, Window: time.Hour} }

// capped checks that err is a cap with exactly these figures.
func (s suite) capped(err error, want *remedy.CapReached) {
	s.Helper()
	var got *remedy.CapReached
	if !errors.As(err, &got) {
		s.Fatalf("got error %v, want a cap that is reached", err)
	}
	s.equal("cap", want, got)
}

// counted gives the revert that a cap remembers of a record.
func counted(id string, r remedy.Ref, at time.Time) remedy.Revert {
	return remedy.Revert{At: at, Record: id, Function: function, Resource: r.ID, Actor: pending(id, r).Event.Actor}
}

func (s suite) blastCap() {
	const n = remedy.RecentReverts + 2
	var recent []remedy.Revert
	for i := range n {
		id, now := fmt.Sprintf("r%d", i), t0.Add(time.Duration(i)*time.Second)
		s.ok(s.revert(id, ref(i), now, limit(n), remedy.Cap{}))
		recent = append([]remedy.Revert{counted(id, ref(i), now)}, recent...)
	}
	now := t0.Add(n * time.Second)
	want := &remedy.CapReached{Kind: "blast", Limit: n, Window: time.Hour, Count: n, Recent: recent[:remedy.RecentReverts]}
	before := s.content(ref(n), "one too many")
	s.capped(s.revert("one too many", ref(n), now, limit(n), remedy.Cap{}), want)
	s.equal("content", before, s.content(ref(n), "one too many"))

	// What was stopped is told, counts nothing, and may be kept.
	held := pending("one too many", ref(n))
	held.Outcome, held.Cap, held.Attempt = remedy.Held, want, 0
	s.ok(s.SaveRecord(s.Context(), held))
	s.equal("held", held, s.record(held.ID))
	s.capped(s.revert("one too many", ref(n), now, limit(n), remedy.Cap{}), want)

	elsewhere := ref(n + 1)
	elsewhere.Account = "444455556666"
	s.ok(s.revert("another account", elsewhere, now, limit(n), remedy.Cap{}))
	other := intent(pending("another function", ref(n+2)), remedy.Known{}, now)
	other.Record.Function, other.Blast = "another-function", limit(n)
	s.ok(s.Intend(s.Context(), other))
}

func (s suite) fightCap() {
	s.ok(s.revert("r1", ref(1), t0, remedy.Cap{}, limit(2)))
	now := t0.Add(time.Minute)
	other := intent(pending("r2", ref(1)), s.look(ref(1), "r2"), now)
	other.Record.Function, other.Fight = "another-function", limit(2)
	s.ok(s.Intend(s.Context(), other))
	s.ok(s.Finish(s.Context(), remedy.Finish{Record: done(other.Record), Owner: other.Lease.Owner, Now: now}))

	second := counted("r2", ref(1), now)
	second.Function = "another-function"
	before := s.content(ref(1), "r3")
	s.capped(s.revert("r3", ref(1), now, remedy.Cap{}, limit(2)), &remedy.CapReached{
		Kind: "fight", Limit: 2, Window: time.Hour, Count: 2, Recent: []remedy.Revert{second, counted("r1", ref(1), t0)},
	})
	s.equal("content", before, s.content(ref(1), "r3"))
	s.ok(s.revert("r4", ref(2), now, remedy.Cap{}, limit(2)))
}

func (s suite) fightBeforeBlast() {
	s.ok(s.revert("r1", ref(1), t0, limit(1), limit(1)))
	s.capped(s.revert("r2", ref(1), t0, limit(1), limit(1)), &remedy.CapReached{
		Kind: "fight", Limit: 1, Window: time.Hour, Count: 1, Recent: []remedy.Revert{counted("r1", ref(1), t0)},
	})
	s.capped(s.revert("r2", ref(2), t0, limit(1), limit(1)), &remedy.CapReached{
		Kind: "blast", Limit: 1, Window: time.Hour, Count: 1, Recent: []remedy.Revert{counted("r1", ref(1), t0)},
	})
}

func (s suite) capsSlide() {
	none := remedy.Cap{}
	for _, tt := range []struct {
		kind         string
		blast, fight remedy.Cap
	}{{"blast", limit(2), none}, {"fight", none, limit(2)}} {
		r := ref(1)
		id := func(n int) string { return fmt.Sprintf("%s %d", tt.kind, n) }
		second := t0.Add(40 * time.Minute)
		s.ok(s.revert(id(1), r, t0, tt.blast, tt.fight))
		s.ok(s.revert(id(2), r, second, tt.blast, tt.fight))
		s.capped(s.revert(id(3), r, t0.Add(time.Hour-1), tt.blast, tt.fight), &remedy.CapReached{
			Kind: tt.kind, Limit: 2, Window: time.Hour, Count: 2,
			Recent: []remedy.Revert{counted(id(2), r, second), counted(id(1), r, t0)},
		})
		// The first has just left the window, the second is still in it.
		third := t0.Add(time.Hour)
		s.ok(s.revert(id(3), r, third, tt.blast, tt.fight))
		s.capped(s.revert(id(4), r, second.Add(time.Hour-1), tt.blast, tt.fight), &remedy.CapReached{
			Kind: tt.kind, Limit: 2, Window: time.Hour, Count: 2,
			Recent: []remedy.Revert{counted(id(3), r, third), counted(id(2), r, second)},
		})
		s.ok(s.revert(id(4), r, second.Add(time.Hour), tt.blast, tt.fight))
	}
}

func (s suite) capsResumed() {
	in := intent(pending("r1", ref(1)), s.look(ref(1), "r1"), t0)
	in.Blast, in.Fight = limit(2), limit(2)
	s.ok(s.Intend(s.Context(), in))
	resumed := t0.Add(30 * time.Minute)
	for range 3 { // every attempt dies
		known := s.look(ref(1), "r1")
		in = intent(pending("r1", ref(1)), known, resumed)
		in.Record.Attempt = known.Record.Attempt + 1
		in.Blast, in.Fight = limit(2), limit(2)
		s.ok(s.Intend(s.Context(), in))
		resumed = in.Lease.Expires
	}
	last := in.Now
	s.ok(s.Finish(s.Context(), remedy.Finish{Record: done(in.Record), Owner: in.Lease.Owner, Now: last}))
	s.ok(s.revert("r2", ref(1), last, limit(2), limit(2)))
	// It counts from its last attempt on.
	late := last.Add(time.Hour - 1)
	reverts := []remedy.Revert{counted("r2", ref(1), last), counted("r1", ref(1), last)}
	s.capped(s.revert("r3", ref(1), late, limit(2), limit(2)),
		&remedy.CapReached{Kind: "fight", Limit: 2, Window: time.Hour, Count: 2, Recent: reverts})
	s.capped(s.revert("r3", ref(3), late, limit(2), limit(2)),
		&remedy.CapReached{Kind: "blast", Limit: 2, Window: time.Hour, Count: 2, Recent: reverts})
	s.ok(s.revert("r3", ref(1), late.Add(1), limit(2), limit(2)))
}

func (s suite) capsChange() {
	for i := range 3 {
		s.ok(s.revert(fmt.Sprintf("r%d", i), ref(1), t0.Add(time.Duration(i)), limit(3), limit(3)))
	}
	reverts := []remedy.Revert{counted("r2", ref(1), t0.Add(2)), counted("r1", ref(1), t0.Add(1)), counted("r0", ref(1), t0)}
	now := t0.Add(time.Minute)
	s.capped(s.revert("r3", ref(1), now, limit(1), limit(1)),
		&remedy.CapReached{Kind: "fight", Limit: 1, Window: time.Hour, Count: 3, Recent: reverts})
	s.capped(s.revert("r3", ref(2), now, limit(1), limit(1)),
		&remedy.CapReached{Kind: "blast", Limit: 1, Window: time.Hour, Count: 3, Recent: reverts})

	short := remedy.Cap{Limit: 1, Window: time.Minute - 2}
	s.ok(s.revert("r4", ref(1), now, short, short))
	s.ok(s.revert("r5", ref(1), now.Add(1), limit(5), limit(5)))
	s.capped(s.revert("r6", ref(1), now.Add(2), limit(5), limit(6)), &remedy.CapReached{
		Kind: "blast", Limit: 5, Window: time.Hour, Count: 5,
		Recent: append([]remedy.Revert{counted("r5", ref(1), now.Add(1)), counted("r4", ref(1), now)}, reverts...),
	})
}

func (s suite) capsRefused() {
	for name, c := range map[string]remedy.Cap{
		"no window":         {Limit: 1},
		"a negative window": {Limit: 1, Window: -1},
		"a window too long": {Limit: 1, Window: 32 * 24 * time.Hour},
		"a limit too high":  {Limit: 1_000_000, Window: time.Hour},
	} {
		if s.revert("r1", ref(1), t0, c, remedy.Cap{}) == nil || s.revert("r1", ref(1), t0, remedy.Cap{}, c) == nil {
			s.Errorf("%s: no error", name)
		}
	}
	s.equal("content", content{Known: []remedy.Known{{}}}, s.content(ref(1), "r1"))
}

func (s suite) capsZero() {
	for i := range 3 {
		s.ok(s.revert(fmt.Sprintf("r%d", i), ref(1), t0, remedy.Cap{}, remedy.Cap{}))
	}
	s.ok(s.revert("r3", ref(1), t0, limit(1), limit(1)))
}
