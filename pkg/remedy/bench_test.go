package remedy_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// BenchmarkHandle is the engine's own cost for one event: the ledger and the
// world answer at once.
func BenchmarkHandle(b *testing.B) {
	for _, bm := range []struct {
		name  string
		items map[string]string
		mode  remedy.Mode
	}{
		{"compliant", map[string]string{"x": "good"}, remedy.Enforce},
		{"observed", map[string]string{"x": "bad"}, remedy.Observe},
		{"reverted", map[string]string{"x": "bad"}, remedy.Enforce},
	} {
		b.Run(bm.name, func(b *testing.B) {
			state, err := json.Marshal(shelf{Items: map[string]string{"x": "good"}})
			if err != nil {
				b.Fatal(err)
			}
			h, err := remedy.Open(b.Context(), remedy.Function{
				Name: "shelf-labels", Params: params{},
				New: func(context.Context, remedy.Env) (remedy.Remedy, error) {
					return remedy.Bind(rule, instant{bad: bm.items["x"] == "bad", fixed: new(bool)}), nil
				},
			}, remedy.Env{})
			if err != nil {
				b.Fatal(err)
			}
			l := &blank{remedy.Known{Baseline: &remedy.StoredState{State: state, At: time.Now()}}}
			e := remedy.New(l, rules{Decision: remedy.Decision{Mode: bm.mode, Params: params{}}}, remedy.Options{})
			ev := remedy.Event{ID: "e1", Source: "test", Name: "Put", Account: "acme", Time: time.Now(), Detail: []byte(`{"Shelves":["a"]}`)}
			b.ReportAllocs()
			for b.Loop() {
				recs, err := e.Handle(b.Context(), h, ev)
				if err != nil || string(recs[0].Outcome) != bm.name {
					b.Fatal(recs, err)
				}
			}
		})
	}
}

// instant is a shelf that is bad until something is put on it, again and again.
type instant struct {
	bad   bool
	fixed *bool
}

func (i instant) Read(context.Context, shelfID) (shelf, error) {
	if i.bad && !*i.fixed {
		return shelf{Items: map[string]string{"x": "bad"}}, nil
	}
	*i.fixed = false
	return shelf{Items: map[string]string{"x": "good"}}, nil
}

func (i instant) Apply(context.Context, shelfID, put) error {
	*i.fixed = true
	return nil
}

// blank is a ledger that knows nothing new and keeps nothing.
type blank struct{ known remedy.Known }

func (b *blank) Look(context.Context, string, remedy.Ref, string) (remedy.Known, error) {
	return b.known, nil
}
func (b *blank) Intend(context.Context, remedy.Intent) error     { return nil }
func (b *blank) Finish(context.Context, remedy.Finish) error     { return nil }
func (b *blank) SaveRecord(context.Context, remedy.Record) error { return nil }
func (b *blank) SaveBaseline(context.Context, string, remedy.Ref, remedy.StoredState) error {
	return nil
}
func (b *blank) Record(context.Context, string) (remedy.Record, error) {
	return remedy.Record{}, remedy.ErrNoRecord
}
func (b *blank) Records(context.Context, remedy.Query) ([]remedy.Record, string, error) {
	return nil, "", nil
}
func (b *blank) SaveDeadLetter(context.Context, remedy.DeadLetter) error  { return nil }
func (b *blank) DeadLetters(context.Context) ([]remedy.DeadLetter, error) { return nil, nil }
func (b *blank) DeadLetter(context.Context, string) (remedy.DeadLetter, error) {
	return remedy.DeadLetter{}, remedy.ErrNoDeadLetter
}
func (b *blank) RemoveDeadLetter(context.Context, string) error { return nil }
