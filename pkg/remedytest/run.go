package remedytest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Run holds a function to Ebb's promises, in each of the suite's cases. The
// ledger is a real one; only the world behind the store is the suite's.
func Run[T remedy.Target, S any, C remedy.Change, P any](t *testing.T, s Suite[T, S, C, P]) {
	run(t, s, func(int) bool { return true })
}

// RunEmulated is [Run] for a world on an emulator, where each call takes long.
// Copies of the event, and a fault at every call, are between the engine and the
// store, and [Run] on a fake has them for all cases: here they are tried in the
// first case that puts something back.
func RunEmulated[T remedy.Target, S any, C remedy.Change, P any](t *testing.T, s Suite[T, S, C, P]) {
	first := slices.IndexFunc(s.Cases, func(c Case[S, P]) bool { return len(c.Rules) > len(c.Left) })
	run(t, s, func(i int) bool { return i == first })
}

// run runs the suite; whole tells for which cases all of it.
func run[T remedy.Target, S any, C remedy.Change, P any](t *testing.T, s Suite[T, S, C, P], whole func(int) bool) {
	for i, c := range s.Cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Run("pure", func(t *testing.T) { s.pure(t, c) })
			t.Run("observe changes nothing", func(t *testing.T) { s.observe(t, c) })
			t.Run("gone is no error", func(t *testing.T) { s.gone(t, c) })
			if len(c.Rules) == 0 {
				t.Run("compliant is left alone", func(t *testing.T) { s.compliant(t, c) })
				return
			}
			if len(c.Left) == len(c.Rules) {
				t.Run("a person must", func(t *testing.T) { s.unmended(t, c) })
				t.Run("exempt is left alone", func(t *testing.T) { s.exempt(t, c) })
				return
			}
			t.Run("enforce", func(t *testing.T) { s.enforce(t, c) })
			t.Run("exempt is left alone", func(t *testing.T) { s.exempt(t, c) })
			t.Run("undo", func(t *testing.T) { s.undo(t, c) })
			t.Run("undo after drift is refused", func(t *testing.T) { s.drift(t, c) })
			if !whole(i) {
				return
			}
			t.Run("copies give one revert", func(t *testing.T) { s.copies(t, c) })
			t.Run("a fault converges", func(t *testing.T) { s.faults(t, c) })
		})
	}
}

// pure checks what the rule promises of states alone.
func (s Suite[T, S, C, P]) pure(t *testing.T, c Case[S, P]) {
	l := s.start(t, c, remedy.Enforce)
	params := l.params.(P)
	image := encode(t, c.Live)
	var back S
	if err := json.Unmarshal(image, &back); err != nil {
		t.Fatalf("a state does not survive its JSON form: %v", err)
	}
	if diff := cmp.Diff(c.Live, back, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("a state changes in its JSON form (-want +got):\n%s", diff)
	}
	if calls := s.Rule.Diff(l.target, c.Live, c.Live); len(calls) != 0 {
		t.Errorf("Diff of a state with itself gives %d changes, want none", len(calls))
	}
	var rules []string
	for _, v := range s.Rule.Check(l.target, c.Live, params) {
		rules = append(rules, v.Rule)
		if wrong := misworded(v.Message, l.target.Ref()); wrong != "" {
			t.Errorf("the message of violation %s %s: %q", v.Rule, wrong, v.Message)
		}
	}
	if diff := cmp.Diff(c.Rules, rules, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
	if len(c.Rules) == 0 {
		return
	}
	var base remedy.Baseline[S]
	if c.Baseline != nil {
		base = remedy.Baseline[S]{State: *c.Baseline, Known: true}
	}
	repaired := s.Rule.Repair(l.target, c.Live, base, params)
	var left []string
	for _, v := range s.Rule.Check(l.target, repaired, params) {
		left = append(left, v.Rule)
	}
	if diff := cmp.Diff(c.Left, left, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("what still breaks the policy once repaired (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(string(image), string(encode(t, c.Live))); diff != "" {
		t.Errorf("Repair changed its argument (-before +after):\n%s", diff)
	}
}

func (s Suite[T, S, C, P]) observe(t *testing.T, c Case[S, P]) {
	l := s.start(t, c, remedy.Observe)
	before := l.state(t)
	live, err := l.world.Resource.Read(t.Context(), l.target)
	if err != nil {
		t.Fatal(err)
	}
	if l.world.Named != nil {
		live = l.world.Named(live)
	}
	if diff := cmp.Diff(before, s.normal(live), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("what the store reads is not what is there (-there +read):\n%s", diff)
	}
	rec := l.handle(t)
	want := remedy.Observed
	if len(c.Rules) == 0 {
		want = remedy.Compliant
	}
	l.wantOutcome(t, rec, want)
	l.wantState(t, before)
	if want == remedy.Observed {
		wantCalls(t, rec, c.Calls)
	}
	if n := l.res.applied(); n != 0 {
		t.Errorf("observing made %d calls, want none", n)
	}
}

func (s Suite[T, S, C, P]) compliant(t *testing.T, c Case[S, P]) {
	l := s.start(t, c, remedy.Enforce)
	before := l.state(t)
	l.wantOutcome(t, l.handle(t), remedy.Compliant)
	l.wantState(t, before)
	if n := l.res.applied(); n != 0 {
		t.Errorf("%d calls were made for a compliant state, want none", n)
	}
	if recs, _, err := l.ledger.Records(t.Context(), remedy.Query{}); err != nil || len(recs) != 0 {
		t.Errorf("a compliant event left records %v, %v, want none", recs, err)
	}
}

func (s Suite[T, S, C, P]) gone(t *testing.T, c Case[S, P]) {
	l := s.start(t, c, remedy.Enforce)
	if l.world.Remove == nil {
		return
	}
	l.world.Remove(t)
	l.wantOutcome(t, l.handle(t), remedy.Gone)
}

func (s Suite[T, S, C, P]) enforce(t *testing.T, c Case[S, P]) {
	l := s.start(t, c, remedy.Enforce)
	rec := l.handle(t)
	l.wantOutcome(t, rec, remedy.Reverted)
	l.wantState(t, s.normal(c.Want))
	wantCalls(t, rec, c.Calls)
	kept, err := l.ledger.Record(t.Context(), rec.ID)
	if err != nil {
		t.Fatalf("read the record back: %v", err)
	}
	if diff := cmp.Diff(asJSON(t, rec), asJSON(t, kept)); diff != "" {
		t.Errorf("the kept record (-returned +kept):\n%s", diff)
	}

	made := l.res.applied()
	l.event.ID += "-later"
	if len(c.Left) > 0 {
		l.wantUnmended(t)
	} else {
		l.wantOutcome(t, l.handle(t), remedy.Compliant)
	}
	if n := l.res.applied() - made; n != 0 {
		t.Errorf("a second run made %d calls, want none", n)
	}
	l.wantState(t, s.normal(c.Want))
}

// unmended is what becomes of a state that Ebb can't put back.
func (s Suite[T, S, C, P]) unmended(t *testing.T, c Case[S, P]) {
	l := s.start(t, c, remedy.Enforce)
	before := l.state(t)
	l.wantUnmended(t)
	l.wantState(t, before)
	if n := l.res.applied(); n != 0 {
		t.Errorf("%d calls were made, want none", n)
	}
}

func (s Suite[T, S, C, P]) exempt(t *testing.T, c Case[S, P]) {
	l := s.start(t, c, remedy.Enforce)
	l.policy.exemption = &remedy.Exemption{ID: "x", Reason: "tested", Owner: "tests", Expires: time.Now().Add(time.Hour)}
	before := l.state(t)
	rec := l.handle(t)
	l.wantOutcome(t, rec, remedy.Exempt)
	l.wantState(t, before)
	if diff := cmp.Diff(l.policy.exemption, rec.Exemption); diff != "" {
		t.Errorf("the record's exemption (-want +got):\n%s", diff)
	}
}

func (s Suite[T, S, C, P]) undo(t *testing.T, c Case[S, P]) {
	l := s.start(t, c, remedy.Enforce)
	before := l.state(t)
	rec := l.handle(t)
	l.wantOutcome(t, rec, remedy.Reverted)
	undone, err := l.undo(t, rec)
	if err != nil {
		t.Fatal(err)
	}
	l.wantOutcome(t, undone, remedy.Undone)
	l.wantState(t, before)
	if _, err := l.undo(t, rec); !errors.Is(err, remedy.ErrNotUndoable) {
		t.Errorf("a second undo gives %v, want ErrNotUndoable", err)
	}
	l.event.ID += "-again"
	l.wantOutcome(t, l.handle(t), remedy.Exempt)
	l.wantState(t, before)
}

func (s Suite[T, S, C, P]) drift(t *testing.T, c Case[S, P]) {
	l := s.start(t, c, remedy.Enforce)
	rec := l.handle(t)
	l.wantOutcome(t, rec, remedy.Reverted)
	l.world.Seed(t, c.Live)
	drifted := l.state(t)
	if _, err := l.undo(t, rec); !errors.Is(err, remedy.ErrDrifted) {
		t.Errorf("undo after drift gives %v, want ErrDrifted", err)
	}
	l.wantState(t, drifted)
}

func (s Suite[T, S, C, P]) copies(t *testing.T, c Case[S, P]) {
	const n = 8
	l := s.start(t, c, remedy.Enforce)
	outcomes := make([]remedy.Outcome, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			recs, err := l.engine.Handle(t.Context(), l.handler, l.event)
			if err != nil || len(recs) != 1 {
				t.Errorf("copy %d: %v records, %v", i, len(recs), err)
				return
			}
			outcomes[i] = recs[0].Outcome
		})
	}
	wg.Wait()
	reverted := 0
	for _, o := range outcomes {
		switch o {
		case remedy.Reverted:
			reverted++
		case remedy.Duplicate, remedy.Compliant:
		default:
			t.Errorf("a copy's outcome is %s", o)
		}
	}
	if reverted != 1 {
		t.Errorf("%d copies were reverted, want 1: %v", reverted, outcomes)
	}
	if got := l.res.applied(); got != len(c.Calls) {
		t.Errorf("%d calls were made, want %d", got, len(c.Calls))
	}
	l.wantState(t, s.normal(c.Want))
}

// faults lets each call of the store fail once, before it has its effect and
// after, and expects a retry to finish the work.
func (s Suite[T, S, C, P]) faults(t *testing.T, c Case[S, P]) {
	for at := 1; ; at++ {
		reached := false
		for _, after := range []bool{false, true} {
			ok := t.Run(fmt.Sprintf("call %d, after its effect: %v", at, after), func(t *testing.T) {
				reached = s.fault(t, c, at, after) || reached
			})
			if !ok {
				return
			}
		}
		if !reached {
			return
		}
	}
}

func (s Suite[T, S, C, P]) fault(t *testing.T, c Case[S, P], at int, after bool) (reached bool) {
	l := s.start(t, c, remedy.Enforce)
	before := l.state(t)
	l.res.failAt(at, after)
	recs, err := l.engine.Handle(t.Context(), l.handler, l.event)
	if !l.res.failed() {
		return false
	}
	if got := l.state(t); len(c.Calls) == 1 && !cmp.Equal(got, before) && !cmp.Equal(got, s.normal(c.Want)) {
		t.Errorf("after a fault the state is neither the old nor the wanted one:\n%s", cmp.Diff(s.normal(c.Want), got))
	}
	if err != nil {
		recs, err = l.engine.Handle(t.Context(), l.handler, l.event)
	}
	if err != nil || len(recs) != 1 {
		t.Fatalf("the retry gives %d records, %v", len(recs), err)
	}
	l.wantOutcome(t, recs[0], remedy.Reverted)
	l.wantState(t, s.normal(c.Want))
	undone, err := l.undo(t, recs[0])
	if err != nil {
		t.Fatal(err)
	}
	l.wantOutcome(t, undone, remedy.Undone)
	l.wantState(t, before)
	return true
}
