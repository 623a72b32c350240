package ledgertest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func (s suite) saveBaseline() {
	save := func(function, state string, at time.Time) *remedy.StoredState {
		b := &remedy.StoredState{State: json.RawMessage(state), At: at, Event: "event of " + state}
		s.ok(s.SaveBaseline(s.Context(), function, ref(1), *b))
		return b
	}
	kept := save(function, `"first"`, t0)
	s.equal("the first", remedy.Known{Baseline: kept}, s.look(ref(1), "r1"))
	save(function, `"older"`, t0.Add(-1))
	s.equal("an older one", remedy.Known{Baseline: kept}, s.look(ref(1), "r1"))
	save("another-function", `"other"`, t0.Add(time.Hour))
	s.equal("another function's", remedy.Known{Baseline: kept}, s.look(ref(1), "r1"))
	kept = save(function, `"of the same time"`, t0)
	s.equal("one of the same time", remedy.Known{Baseline: kept}, s.look(ref(1), "r1"))
	kept = save(function, `{"<b>": "ü" }`, t0.Add(1))
	s.equal("a later one", remedy.Known{Baseline: kept}, s.look(ref(1), "r1"))
}

func (s suite) saveRecord() {
	rec := pending("r1", ref(1))
	rec.Outcome, rec.Attempt, rec.Before, rec.Target = remedy.Held, 0, nil, nil
	rec.Cap = &remedy.CapReached{Kind: "blast", Limit: 1, Window: time.Hour, Count: 1, Recent: []remedy.Revert{
		{At: t0, Record: "r0", Function: function, Resource: ref(2).ID, Actor: rec.Event.Actor},
	}}
	s.ok(s.SaveRecord(s.Context(), rec))
	s.equal("record", rec, s.record("r1"))
	s.equal("known", remedy.Known{Record: &rec}, s.look(ref(1), "r1"))

	for _, o := range []remedy.Outcome{remedy.Failed, remedy.Observed, remedy.Exempt, remedy.Held, remedy.Failed, remedy.Compliant, remedy.Reverted} {
		rec.Outcome, rec.Reason = o, "It is "+string(o)+" now."
		s.ok(s.SaveRecord(s.Context(), rec))
		s.equal("written over", []remedy.Record{rec}, s.list(remedy.Query{Limit: 10}))
	}
}

func (s suite) saveRecordClosed() {
	for _, o := range []remedy.Outcome{remedy.Pending, remedy.Reverted, remedy.Undone} {
		kept := pending("r "+string(o), ref(1))
		kept.Outcome = o
		s.ok(s.SaveRecord(s.Context(), kept))
		other := kept
		other.Outcome, other.Reason = remedy.Held, "It must not come to this."
		s.fails(s.SaveRecord(s.Context(), other), remedy.ErrStale)
		s.equal(string(o), kept, s.record(kept.ID))
	}
}

func (s suite) statesRoundTrip() {
	states := []json.RawMessage{
		nil, json.RawMessage(`null`), json.RawMessage(`{}`), json.RawMessage("  [1, 2]\r\n"),
		json.RawMessage(`{"z":1,"a":"<script>&amp;\u003c","z":2}`), json.RawMessage(`"\ud83c\udf0a 🌊 ` + "\u2028" + `"`),
		json.RawMessage(`123456789012345678901234567890.10`), json.RawMessage("\x00\xff not even JSON"),
		json.RawMessage(fmt.Sprintf("%q", bytes.Repeat([]byte("compressible "), 10_000))),
	}
	for i, state := range states {
		rec := pending(fmt.Sprintf("r%d", i), ref(i))
		rec.Target, rec.Before, rec.After = state, states[(i+1)%len(states)], states[(i+2)%len(states)]
		s.claim(rec, t0)
		s.equal("record", rec, s.record(rec.ID))
		if state == nil {
			continue
		}
		base := remedy.StoredState{State: state, At: t0}
		s.ok(s.SaveBaseline(s.Context(), function, ref(i), base))
		s.equal("baseline", &base, s.look(ref(i), "").Baseline)
	}
}

func (s suite) largeStates() {
	random := func(seed byte) json.RawMessage {
		b := make([]byte, 2<<20)
		r := rand.NewChaCha8([32]byte{seed})
		_, err := r.Read(b)
		s.ok(err)
		return b // what compresses least; a ledger does not parse it
	}
	before, after, base := random(1), random(2), random(3)
	check := func(what string, want, got []byte) {
		s.Helper()
		if !bytes.Equal(want, got) { // a diff of megabytes helps nobody
			s.Errorf("%s: got %d other bytes, want the %d that were saved", what, len(got), len(want))
		}
	}
	rec := pending("r1", ref(1))
	rec.Before = before
	in := s.claim(rec, t0)
	check("before, looked at", before, s.look(ref(1), "r1").Record.Before)

	rec = done(rec)
	rec.After = after
	s.ok(s.Finish(s.Context(), remedy.Finish{
		Record: rec, Owner: in.Lease.Owner, Now: t0, Baseline: &remedy.StoredState{State: base, At: t0},
	}))
	known := s.look(ref(1), "r1")
	check("before", before, known.Record.Before)
	check("after", after, known.Record.After)
	check("baseline", base, known.Baseline.State)
	page := s.list(remedy.Query{Limit: 10})
	check("before, listed", before, page[0].Before)
}

func (s suite) noRecord() {
	_, err := s.Record(s.Context(), "nothing")
	s.fails(err, remedy.ErrNoRecord)
	page, next, err := s.Records(s.Context(), remedy.Query{})
	s.ok(err)
	if len(page) > 0 || next != "" {
		s.Errorf("got %d records and next %q of an empty ledger", len(page), next)
	}
}

func (s suite) pages() {
	outcomes := []remedy.Outcome{remedy.Observed, remedy.Held, remedy.Failed}
	var all []remedy.Record
	for i := range 40 {
		// Some share their time; some are a nanosecond, some many years apart.
		received := t0.Add(time.Duration(i/4) * time.Nanosecond)
		switch i % 8 {
		case 3:
			received = t0.AddDate(-i, 0, 0)
		case 5:
			received = time.Time{}
		}
		rec := remedy.Record{
			ID: fmt.Sprintf("r%02d", (i*7)%40), Function: fmt.Sprintf("function-%d", i%2), Outcome: outcomes[i%3],
			Reason: "One of many.", Resource: ref(i), Times: remedy.Times{Received: received},
		}
		s.ok(s.SaveRecord(s.Context(), rec))
		all = append(all, rec)
	}
	slices.SortFunc(all, func(a, b remedy.Record) int {
		return cmp.Or(b.Times.Received.Compare(a.Times.Received), cmp.Compare(b.ID, a.ID))
	})
	for _, q := range []remedy.Query{
		{},
		{Outcome: remedy.Held},
		{Outcome: remedy.Undone},
		{Function: "function-1"},
		{Function: "function-0", Outcome: remedy.Failed},
		{Since: t0},
		{Since: t0.Add(3)},
		{Since: t0.AddDate(-20, 0, 0), Outcome: remedy.Observed},
		{Since: t0.AddDate(1, 0, 0)},
		{Until: t0},
		{Until: t0.Add(3)},
		{Since: t0.Add(2), Until: t0.Add(7)},
		{Since: t0.Add(2), Until: t0.Add(2)},
		{Since: t0.Add(7), Until: t0.Add(2)},
		{Until: t0.Add(7), Outcome: remedy.Failed},
		{Until: t0.AddDate(-1, 0, 0), Function: "function-1"},
	} {
		var want []remedy.Record
		for _, rec := range all {
			if (q.Outcome == "" || q.Outcome == rec.Outcome) && (q.Function == "" || q.Function == rec.Function) &&
				(q.Since.IsZero() || !rec.Times.Received.Before(q.Since)) && (q.Until.IsZero() || rec.Times.Received.Before(q.Until)) {
				want = append(want, rec)
			}
		}
		for _, q.Limit = range []int{1, 3, 8, 40, 1000} {
			s.equal(fmt.Sprintf("%+v", q), want, s.list(q))
		}
	}
}

func (s suite) badCursor() {
	s.ok(s.SaveRecord(s.Context(), pending("r1", ref(1))))
	for _, after := range []string{"nonsense!", "bm9uc2Vuc2U", "2026-01-01", "\x00"} {
		page, next, err := s.Records(s.Context(), remedy.Query{After: after})
		if err == nil || page != nil || next != "" {
			s.Errorf("next %q: got %d records, next %q and error %v, want an error alone", after, len(page), next, err)
		}
	}
}

func (s suite) pageSizes() {
	const n = remedy.DefaultPage + 1
	for i := range n {
		rec := pending(fmt.Sprintf("r%03d", i), ref(i))
		s.ok(s.SaveRecord(s.Context(), rec))
	}
	for limit, want := range map[int]int{0: remedy.DefaultPage, 5: 5, remedy.MaxPage + 1: n} {
		page, next, err := s.Records(s.Context(), remedy.Query{Limit: limit})
		s.ok(err)
		if len(page) != want || (next == "") != (want == n) {
			s.Errorf("limit %d: got %d records and next %q, want %d records", limit, len(page), next, want)
		}
	}
}

func (s suite) deadLetters() {
	letter := func(id string, at time.Time, payload string) remedy.DeadLetter {
		return remedy.DeadLetter{
			ID: id, Function: function, Source: "github", Event: "e1", Reason: "It could <not> be understood.", Attempts: 3,
			At: at, Carrier: map[string]string{"traceparent": "00-1-2-01"}, Payload: []byte(payload),
		}
	}
	big := make([]byte, 1<<20)
	_, err := rand.NewChaCha8([32]byte{9}).Read(big)
	s.ok(err)
	old, young, huge := letter("old", t0, "\x00\xff"), letter("young", t0.Add(1), "{}"), letter("huge", t0.Add(-time.Hour), string(big))
	bare := remedy.DeadLetter{ID: "bare", Reason: "No payload.", At: t0.AddDate(0, 0, -9)}
	for _, d := range []remedy.DeadLetter{old, young, huge, bare} {
		s.ok(s.SaveDeadLetter(s.Context(), d))
	}
	s.wantDeadLetters(young, old, huge, bare)

	old.Attempts, old.Payload, old.At = 4, []byte("another"), t0.Add(2)
	s.ok(s.SaveDeadLetter(s.Context(), old))
	s.wantDeadLetters(old, young, huge, bare)

	s.ok(s.RemoveDeadLetter(s.Context(), "huge"))
	s.ok(s.RemoveDeadLetter(s.Context(), "huge"))
	_, err = s.DeadLetter(s.Context(), "huge")
	s.fails(err, remedy.ErrNoDeadLetter)
	s.wantDeadLetters(old, young, bare)
}

// wantDeadLetters checks the listing, and each letter with its payload.
func (s suite) wantDeadLetters(want ...remedy.DeadLetter) {
	s.Helper()
	listed := slices.Clone(want)
	for i := range listed {
		got, err := s.DeadLetter(s.Context(), want[i].ID)
		s.ok(err)
		s.equal("dead letter", want[i], got)
		listed[i].Payload = nil
	}
	got, err := s.DeadLetters(s.Context())
	s.ok(err)
	s.equal("dead letters", listed, got)
}

func (s suite) cancelled() {
	in := s.claim(pending("r1", ref(1)), t0)
	letter := remedy.DeadLetter{ID: "d1", Reason: "It failed.", At: t0, Payload: []byte("{}")}
	s.ok(s.SaveDeadLetter(s.Context(), letter))
	next := intent(pending("r2", ref(2)), s.look(ref(2), "r2"), t0)
	want := []content{s.content(ref(1), "r1"), s.content(ref(2), "r2")}

	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	_, lookErr := s.Look(ctx, function, ref(1), "r1")
	_, recordErr := s.Record(ctx, "r1")
	_, _, recordsErr := s.Records(ctx, remedy.Query{})
	_, letterErr := s.DeadLetter(ctx, "d1")
	_, lettersErr := s.DeadLetters(ctx)
	letter.Reason = "Changed."
	for name, err := range map[string]error{
		"Look": lookErr, "Record": recordErr, "Records": recordsErr, "DeadLetter": letterErr, "DeadLetters": lettersErr,
		"Intend":           s.Intend(ctx, next),
		"Finish":           s.Finish(ctx, remedy.Finish{Record: done(in.Record), Owner: in.Lease.Owner, Now: t0}),
		"SaveRecord":       s.SaveRecord(ctx, pending("r3", ref(3))),
		"SaveBaseline":     s.SaveBaseline(ctx, function, ref(1), remedy.StoredState{State: json.RawMessage(`1`), At: t0}),
		"SaveDeadLetter":   s.SaveDeadLetter(ctx, letter),
		"RemoveDeadLetter": s.RemoveDeadLetter(ctx, "d1"),
	} {
		if err == nil {
			s.Errorf("%s: no error", name)
		}
	}
	s.equal("content", want, []content{s.content(ref(1), "r1"), s.content(ref(2), "r2")})
}
