package remedytest

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// lab is one case, set up: a world, an engine over a ledger of its own.
type lab[T remedy.Target, S any, C remedy.Change] struct {
	world   World[T, S, C]
	res     *faulty[T, S, C]
	ledger  remedy.Ledger
	policy  *policy
	params  any
	engine  *remedy.Engine
	handler *remedy.Handler
	event   remedy.Event
	target  T
	normal  func(S) S
}

func (s Suite[T, S, C, P]) start(t *testing.T, c Case[S, P], mode remedy.Mode) *lab[T, S, C] {
	t.Helper()
	ctx := t.Context()
	ledger := newLedger(t)
	l := &lab[T, S, C]{world: s.Open(t), ledger: ledger, normal: s.normal}
	l.res = &faulty[T, S, C]{inner: l.world.Resource}
	f := s.Function
	f.New = func(context.Context, remedy.Env) (remedy.Remedy, error) { return remedy.Bind(s.Rule, l.res), nil }
	var err error
	if l.handler, err = remedy.Open(ctx, f, remedy.Env{}); err != nil {
		t.Fatal(err)
	}
	l.params = f.Params
	if c.Params != nil {
		l.params = *c.Params
	}
	if l.params == nil {
		var none P
		l.params = none
	}
	l.policy = &policy{mode: mode, params: l.params}
	l.engine = remedy.New(ledger, l.policy, remedy.Options{VerifyFor: 5 * time.Second})
	if c.Baseline != nil {
		l.event = l.seed(t, s, *c.Baseline, "baseline")
		l.wantOutcome(t, l.handle(t), remedy.Compliant)
	}
	l.event = l.seed(t, s, c.Live, "change")
	l.res.reset()
	return l
}

// empty is the file of a ledger with nothing in it. To make its tables takes
// longer than most cases.
var empty = sync.OnceValues(func() (raw []byte, err error) {
	dir, err := os.MkdirTemp("", "ebb-ledger-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "ledger.db")
	l, err := sqlite.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := l.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path) // #nosec G304 -- our own
})

func newLedger(t *testing.T) *sqlite.Ledger {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.db")
	raw, err := empty()
	if err == nil {
		err = os.WriteFile(path, raw, 0o600)
	}
	if err != nil {
		t.Fatalf("make an empty ledger: %v", err)
	}
	l, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// seed brings the world into a state and checks that the event leads to one resource.
func (l *lab[T, S, C]) seed(t *testing.T, s interface {
	decode(remedy.Event) ([]T, error)
}, state S, id string,
) remedy.Event {
	t.Helper()
	ev := l.world.Seed(t, state)
	ev.ID = id
	targets, err := s.decode(ev)
	if err != nil || len(targets) != 1 {
		t.Fatalf("the event decodes to %d targets, %v; want 1", len(targets), err)
	}
	if !l.handler.Handles(ev) {
		t.Fatalf("no trigger of %s matches the event %s %s", l.handler.Name, ev.Source, ev.Name)
	}
	l.target = targets[0]
	return ev
}

func (s Suite[T, S, C, P]) decode(ev remedy.Event) ([]T, error) { return s.Rule.Decode(ev) }

func (s Suite[T, S, C, P]) normal(state S) S {
	if s.Normal == nil {
		return state
	}
	return s.Normal(state)
}

func (l *lab[T, S, C]) handle(t *testing.T) remedy.Record {
	t.Helper()
	recs, err := l.engine.Handle(t.Context(), l.handler, l.event)
	if err != nil {
		t.Fatal(err)
	}
	if len(recs) != 1 {
		t.Fatalf("%d records, want 1", len(recs))
	}
	return recs[0]
}

func (l *lab[T, S, C]) undo(t *testing.T, rec remedy.Record) (remedy.Record, error) {
	return l.engine.Undo(t.Context(), l.handler, rec.ID, remedy.Actor{Name: "tester"}, "a test wants it back")
}

func (l *lab[T, S, C]) state(t *testing.T) S {
	t.Helper()
	return l.normal(l.world.State(t))
}

func (l *lab[T, S, C]) wantState(t *testing.T, want S) {
	t.Helper()
	if diff := cmp.Diff(want, l.state(t), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

func (l *lab[T, S, C]) wantOutcome(t *testing.T, rec remedy.Record, want remedy.Outcome) {
	t.Helper()
	if rec.Outcome != want {
		t.Errorf("outcome = %s, want %s: %s", rec.Outcome, want, rec.Reason)
	}
	if rec.Reason == "" {
		t.Errorf("outcome %s has no reason", rec.Outcome)
	}
	if rec.Resource != l.target.Ref() {
		t.Errorf("resource = %+v, want %+v", rec.Resource, l.target.Ref())
	}
}

// wantUnmended handles an event whose violations Ebb can't mend: a person must,
// and no retry will.
func (l *lab[T, S, C]) wantUnmended(t *testing.T) {
	t.Helper()
	recs, err := l.engine.Handle(t.Context(), l.handler, l.event)
	if !remedy.IsPermanent(err) || !strings.Contains(err.Error(), "a person must") {
		t.Errorf("error = %v, want a permanent one that says a person must", err)
	}
	if len(recs) != 1 {
		t.Fatalf("%d records, want 1", len(recs))
	}
	l.wantOutcome(t, recs[0], remedy.Failed)
}

func wantCalls(t *testing.T, rec remedy.Record, want []string) {
	t.Helper()
	var got []string
	for _, c := range rec.Changes {
		got = append(got, c.API)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// asJSON gives v as JSON sees it, so that a record can be compared with its kept form.
func asJSON(t *testing.T, v any) (out any) {
	t.Helper()
	if err := json.Unmarshal(encode(t, v), &out); err != nil {
		t.Fatal(err)
	}
	return out
}
