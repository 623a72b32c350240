package ledgertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// model is a ledger as simple as it can be: what a real one is compared with.
type model struct {
	resources map[string]*modelResource
	records   map[string]remedy.Record
	blasts    map[string]remedy.Revert // by record; one function and account
}

type modelResource struct {
	known     remedy.Known // but for what belongs to a function or record
	holds     map[string]*remedy.Hold
	baselines map[string]*remedy.StoredState
	fights    map[string]remedy.Revert // by record
}

func (m *model) resource(r remedy.Ref) *modelResource {
	if m.resources[r.ID] == nil {
		m.resources[r.ID] = &modelResource{
			holds: map[string]*remedy.Hold{}, baselines: map[string]*remedy.StoredState{}, fights: map[string]remedy.Revert{},
		}
	}
	return m.resources[r.ID]
}

func (m *model) look(function string, r remedy.Ref, id string) remedy.Known {
	res := m.resource(r)
	known := res.known
	known.Hold, known.Baseline = res.holds[function], res.baselines[function]
	if rec, ok := m.records[id]; ok {
		known.Record = &rec
	}
	return known
}

func (m *model) intend(in remedy.Intent) error {
	res := m.resource(in.Record.Resource)
	rec, exists := m.records[in.Record.ID]
	switch lease := res.known.Lease; {
	case in.Known.Version != res.known.Version, exists != (in.Known.Record != nil),
		exists && !cmp.Equal(rec, *in.Known.Record, same):
		return remedy.ErrStale
	case lease != nil && lease.Owner != in.Lease.Owner && in.Now.Before(lease.Expires):
		return remedy.ErrBusy
	case full(in, in.Fight, res.fights):
		return &remedy.CapReached{Kind: "fight"}
	case full(in, in.Blast, m.blasts):
		return &remedy.CapReached{Kind: "blast"}
	}
	revert := counted(in.Record.ID, in.Record.Resource, in.Now)
	if in.Fight.Limit > 0 {
		res.fights[in.Record.ID] = revert
	}
	if in.Blast.Limit > 0 {
		m.blasts[in.Record.ID] = revert
	}
	m.records[in.Record.ID] = in.Record
	res.known.Version++
	res.known.Lease = &in.Lease
	return nil
}

func full(in remedy.Intent, c remedy.Cap, reverts map[string]remedy.Revert) bool {
	n := 0
	for id, r := range reverts {
		if in.Now.Sub(r.At) < c.Window {
			n++
			if id == in.Record.ID {
				return false
			}
		}
	}
	return c.Limit > 0 && n >= c.Limit
}

func (m *model) finish(f remedy.Finish) error {
	res := m.resource(f.Record.Resource)
	if l := res.known.Lease; l == nil || l.Owner != f.Owner || l.Record != f.Record.ID {
		return remedy.ErrLeaseLost
	}
	if f.Undone != "" {
		old, ok := m.records[f.Undone]
		if !ok {
			return remedy.ErrNoRecord
		}
		old.UndoneBy = f.Record.ID
		m.records[f.Undone] = old
	}
	res.known.Version++
	res.known.Lease, res.known.Released = nil, f.Now
	if f.Changed {
		res.known.Last = f.Record.ID
	}
	if f.Baseline != nil {
		m.saveBaseline(f.Record.Function, f.Record.Resource, *f.Baseline)
	}
	if f.Hold != nil {
		res.holds[f.Record.Function] = f.Hold
	}
	m.records[f.Record.ID] = f.Record
	return nil
}

func (m *model) saveRecord(rec remedy.Record) error {
	switch m.records[rec.ID].Outcome {
	case remedy.Pending, remedy.Reverted, remedy.Undone:
		return remedy.ErrStale
	}
	m.records[rec.ID] = rec
	return nil
}

func (m *model) saveBaseline(function string, r remedy.Ref, s remedy.StoredState) {
	res := m.resource(r)
	if have := res.baselines[function]; have == nil || !have.At.After(s.At) {
		res.baselines[function] = &s
	}
}

// model compares ledgers with the model over random sequences of operations.
func (s suite) model() {
	rapid.Check(s.T, func(t *rapid.T) {
		p := play{
			T: t, ctx: s.Context(), ledger: s.open(s.T), now: t0,
			model:  model{resources: map[string]*modelResource{}, records: map[string]remedy.Record{}, blasts: map[string]remedy.Revert{}},
			looks:  map[string]remedy.Known{},
			leases: map[string]remedy.Intent{},
			blast:  remedy.Cap{Limit: rapid.IntRange(0, 3).Draw(t, "blast limit"), Window: 10 * time.Minute},
			fight:  remedy.Cap{Limit: rapid.IntRange(0, 2).Draw(t, "fight limit"), Window: 5 * time.Minute},
		}
		steps := map[string]func(){
			"look": p.look, "intend": p.intend, "finish": p.finish,
			"record": p.saveRecord, "baseline": p.saveBaseline, "wait": p.wait,
		}
		often := append(slices.Sorted(maps.Keys(steps)), "intend", "intend", "finish")
		for range rapid.IntRange(1, 24).Draw(t, "steps") {
			steps[rapid.SampledFrom(often).Draw(t, "step")]()
		}
		p.compareRecords()
	})
}

// play is one sequence of operations.
type play struct {
	*rapid.T
	ctx    context.Context
	ledger remedy.Ledger
	model  model
	now    time.Time
	step   int
	looks  map[string]remedy.Known  // what Look gave last, by record
	leases map[string]remedy.Intent // what Intend took, by owner; the lease may be lost since
	blast  remedy.Cap
	fight  remedy.Cap
}

// drawRecord gives one of a few records, in a form that none had before.
func (p *play) drawRecord() remedy.Record {
	n := rapid.IntRange(0, 5).Draw(p.T, "record")
	rec := pending(fmt.Sprintf("r%d", n), ref(n%2))
	p.step++
	rec.Times.Recorded = p.now.Add(time.Duration(p.step))
	return rec
}

func (p *play) look() {
	rec := p.drawRecord()
	for _, fn := range []string{function, "another-function"} {
		got, err := p.ledger.Look(p.ctx, fn, rec.Resource, rec.ID)
		if err != nil {
			p.Fatal(err)
		}
		want := p.model.look(fn, rec.Resource, rec.ID)
		if diff := cmp.Diff(want, got, same); diff != "" {
			p.Fatalf("look at %s for %s (-want +got):\n%s", rec.ID, fn, diff)
		}
		if fn == function {
			p.looks[rec.ID] = got
		}
	}
}

func (p *play) intend() {
	rec := p.drawRecord()
	known, ok := p.looks[rec.ID]
	if !ok || rapid.Bool().Draw(p.T, "look again") {
		known = p.model.look(function, rec.Resource, rec.ID)
	}
	rec.Attempt = p.step
	in := intent(rec, known, p.now)
	in.Blast, in.Fight = p.blast, p.fight
	p.sameAnswer(p.model.intend(in), p.ledger.Intend(p.ctx, in))
	p.leases[in.Lease.Owner] = in
}

func (p *play) finish() {
	if len(p.leases) == 0 {
		return
	}
	in := p.leases[rapid.SampledFrom(slices.Sorted(maps.Keys(p.leases))).Draw(p.T, "owner")]
	rec := in.Record
	rec.Outcome = rapid.SampledFrom([]remedy.Outcome{remedy.Reverted, remedy.Failed, remedy.Undone}).Draw(p.T, "outcome")
	rec.Times.Recorded = p.now
	f := remedy.Finish{Record: rec, Owner: in.Lease.Owner, Now: p.now, Changed: rapid.Bool().Draw(p.T, "changed")}
	if rapid.Bool().Draw(p.T, "with baseline") {
		f.Baseline = p.drawBaseline()
	}
	if rapid.Bool().Draw(p.T, "with hold") {
		f.Hold = &remedy.Hold{Record: rec.ID, Actor: "jo", Reason: "it was meant so", Until: p.now.Add(time.Hour)}
	}
	if rapid.IntRange(0, 3).Draw(p.T, "undoes") == 0 {
		if f.Undone = p.drawRecord().ID; f.Undone == rec.ID {
			f.Undone = ""
		}
	}
	p.sameAnswer(p.model.finish(f), p.ledger.Finish(p.ctx, f))
}

func (p *play) saveRecord() {
	rec := p.drawRecord()
	rec.Outcome = rapid.SampledFrom([]remedy.Outcome{remedy.Held, remedy.Failed, remedy.Observed}).Draw(p.T, "outcome")
	p.sameAnswer(p.model.saveRecord(rec), p.ledger.SaveRecord(p.ctx, rec))
}

func (p *play) saveBaseline() {
	r, s := p.drawRecord().Resource, *p.drawBaseline()
	p.model.saveBaseline(function, r, s)
	if err := p.ledger.SaveBaseline(p.ctx, function, r, s); err != nil {
		p.Fatal(err)
	}
}

func (p *play) wait() {
	p.now = p.now.Add(time.Duration(rapid.IntRange(1, 400).Draw(p.T, "seconds")) * time.Second)
}

func (p *play) drawBaseline() *remedy.StoredState {
	p.step++
	return &remedy.StoredState{
		State: json.RawMessage(fmt.Sprintf(`{"step": %d}`, p.step)), Event: "e1",
		At: t0.Add(time.Duration(rapid.IntRange(0, 5).Draw(p.T, "read at")) * time.Minute),
	}
}

// sameAnswer checks that both failed in the same way, or both worked.
func (p *play) sameAnswer(want, got error) {
	var wantCap, gotCap *remedy.CapReached
	if errors.As(want, &wantCap) && errors.As(got, &gotCap) && wantCap.Kind == gotCap.Kind {
		return
	}
	if !errors.Is(got, want) {
		p.Fatalf("got error %v, want %v", got, want)
	}
}

// compareRecords compares every record that the sequence left behind.
func (p *play) compareRecords() {
	got := map[string]remedy.Record{}
	for q := (remedy.Query{Limit: remedy.MaxPage}); ; {
		page, next, err := p.ledger.Records(p.ctx, q)
		if err != nil {
			p.Fatal(err)
		}
		for _, rec := range page {
			got[rec.ID] = rec
		}
		if q.After = next; next == "" {
			break
		}
	}
	if diff := cmp.Diff(p.model.records, got, same); diff != "" {
		p.Fatalf("records (-want +got):\n%s", diff)
	}
}
