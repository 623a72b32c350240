package remedy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// shelfID is a shelf, the tests' resource.
type shelfID struct {
	Name    string `json:"name"`
	Account string `json:"account"`
}

func (s shelfID) Ref() remedy.Ref {
	return remedy.Ref{Type: "Test::Shelf", ID: "shelf/" + s.Name, Account: s.Account}
}

// shelf is its state: labelled items. An item labelled "bad" breaks the policy,
// one labelled "cursed" does so for good, and one labelled "turning" becomes cursed when it is repaired.
type shelf struct {
	Items map[string]string `json:"items"`
	Tags  map[string]string `json:"tags,omitempty"`
}

func (s shelf) ResourceTags() map[string]string { return s.Tags }

// put sets an item's label, or takes the item away when the label is empty.
type put struct{ Item, Label string }

func (p put) Call() remedy.Call {
	return remedy.Call{API: "shelf:Put", Params: map[string]string{"Item": p.Item, "Label": p.Label}}
}

type params struct {
	Allowed []string `json:"allowed"`
}

var rule = remedy.Rule[shelfID, shelf, put, params]{
	Decode: func(ev remedy.Event) ([]shelfID, error) {
		var detail struct{ Shelves []string }
		if err := json.Unmarshal(ev.Detail, &detail); err != nil {
			return nil, fmt.Errorf("decode shelves: %w", err)
		}
		var out []shelfID
		for _, name := range detail.Shelves {
			out = append(out, shelfID{name, ev.Account})
		}
		return out, nil
	},
	Check: func(_ shelfID, s shelf, p params) (out []remedy.Violation) {
		for _, item := range slices.Sorted(maps.Keys(s.Items)) {
			if l := s.Items[item]; (l == "bad" || l == "cursed" || l == "turning") && !slices.Contains(p.Allowed, item) {
				out = append(out, remedy.Violation{Rule: l, Part: item, Message: "Item " + item + " is " + l + "."})
			}
		}
		return out
	},
	Repair: func(_ shelfID, s shelf, base remedy.Baseline[shelf], p params) shelf {
		out := shelf{Items: maps.Clone(s.Items), Tags: s.Tags}
		for item, label := range s.Items {
			if label == "turning" {
				out.Items[item] = "cursed"
			}
			if label != "bad" || slices.Contains(p.Allowed, item) {
				continue
			}
			delete(out.Items, item)
			if was, ok := base.State.Items[item]; ok {
				out.Items[item] = was
			}
		}
		return out
	},
	Diff: func(_ shelfID, from, to shelf) (out []put) {
		items := maps.Clone(from.Items)
		if items == nil {
			items = map[string]string{}
		}
		maps.Copy(items, to.Items)
		for _, item := range slices.Sorted(maps.Keys(items)) {
			if from.Items[item] != to.Items[item] {
				out = append(out, put{item, to.Items[item]})
			}
		}
		return out
	},
}

// room holds shelves; its hooks let a test step in.
type room struct {
	mu      sync.Mutex
	shelves map[string]shelf
	reads   int
	puts    []put
	onRead  func(n int) error // n counts from 1
	onPut   func(n int) error // before its effect
	stale   int               // how many reads after a put still give what was there before
	old     map[string]shelf
}

func (r *room) Read(_ context.Context, id shelfID) (shelf, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reads++
	if r.onRead != nil {
		if err := r.onRead(r.reads); err != nil {
			return shelf{}, err
		}
	}
	if r.stale > 0 && r.old != nil {
		r.stale--
		return r.old[id.Name], nil
	}
	s, ok := r.shelves[id.Name]
	if !ok {
		return shelf{}, fmt.Errorf("read shelf: %w", remedy.ErrGone)
	}
	return shelf{Items: maps.Clone(s.Items), Tags: s.Tags}, nil
}

func (r *room) Apply(_ context.Context, id shelfID, p put) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.puts = append(r.puts, p)
	if r.onPut != nil {
		if err := r.onPut(len(r.puts)); err != nil {
			return err
		}
	}
	s, ok := r.shelves[id.Name]
	if !ok {
		return fmt.Errorf("put on shelf: %w", remedy.ErrGone)
	}
	if r.stale > 0 && r.old == nil {
		r.old = map[string]shelf{id.Name: {Items: maps.Clone(s.Items)}}
	}
	if p.Label == "" {
		delete(s.Items, p.Item)
	} else {
		s.Items[p.Item] = p.Label
	}
	return nil
}

func (r *room) set(name string, items map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shelves[name] = shelf{Items: maps.Clone(items)}
}

func (r *room) items(name string) map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.shelves[name].Items)
}

// rules is a policy that says the same of every resource.
type rules struct {
	remedy.Decision
	exempt func(remedy.ExemptionQuery) *remedy.Exemption
}

func (p rules) Decide(string, remedy.Ref) remedy.Decision { return p.Decision }

func (p rules) Exempt(q remedy.ExemptionQuery) *remedy.Exemption {
	if p.exempt == nil {
		return nil
	}
	return p.exempt(q)
}

// lab is an engine with everything around it, fresh for a test.
type lab struct {
	t       *testing.T
	room    *room
	ledger  *sqlite.Ledger
	policy  *rules
	opts    remedy.Options
	handler *remedy.Handler
	now     time.Time
	mu      sync.Mutex
	results []remedy.Record
}

func newLab(t *testing.T) *lab {
	t.Helper()
	ledger, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	l := &lab{
		t: t, ledger: ledger, now: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC),
		room: &room{shelves: map[string]shelf{"a": {Items: map[string]string{"x": "good", "y": "bad"}}}},
		policy: &rules{Decision: remedy.Decision{
			Mode: remedy.Enforce, Params: params{}, UndoHold: time.Hour,
			Blast: remedy.Cap{Limit: 100, Window: time.Hour}, Fight: remedy.Cap{Limit: 100, Window: time.Hour},
		}},
	}
	l.opts = remedy.Options{
		Now: l.clock, VerifyFor: 2 * time.Second, HandleFor: 20 * time.Second,
		Publish: func(_ context.Context, rec remedy.Record) error {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.results = append(l.results, rec)
			return nil
		},
	}
	l.handler = l.open(l.room)
	return l
}

func (l *lab) open(res remedy.Resource[shelfID, shelf, put]) *remedy.Handler {
	l.t.Helper()
	return l.bind(remedy.Bind(rule, res))
}

// openRule gives a handler on the room with a rule that differs.
func (l *lab) openRule(change func(*remedy.Rule[shelfID, shelf, put, params])) *remedy.Handler {
	l.t.Helper()
	other := rule
	change(&other)
	return l.bind(remedy.Bind(other, l.room))
}

func (l *lab) bind(r remedy.Remedy) *remedy.Handler {
	l.t.Helper()
	h, err := remedy.Open(l.t.Context(), remedy.Function{
		Name: "shelf-labels", Title: "Takes bad items off shelves", Severity: remedy.High, Params: params{},
		Triggers: []remedy.Trigger{{Source: "test", Names: []string{"Put"}}},
		New:      func(context.Context, remedy.Env) (remedy.Remedy, error) { return r, nil },
	}, remedy.Env{})
	if err != nil {
		l.t.Fatal(err)
	}
	return h
}

func (l *lab) clock() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = l.now.Add(time.Millisecond)
	return l.now
}

func (l *lab) advance(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = l.now.Add(d)
}

func (l *lab) engine() *remedy.Engine { return remedy.New(l.ledger, l.policy, l.opts) }

func (l *lab) event(id string, shelves ...string) remedy.Event {
	if len(shelves) == 0 {
		shelves = []string{"a"}
	}
	detail, err := json.Marshal(map[string]any{"Shelves": shelves})
	if err != nil {
		l.t.Fatal(err)
	}
	return remedy.Event{
		ID: id, Source: "test", Name: "Put", Account: "acme", Time: l.clock(), Detail: detail,
		Actor: remedy.Actor{ID: "actor-of-" + id},
	}
}

// handle takes one event to its one record.
func (l *lab) handle(id string) (remedy.Record, error) {
	l.t.Helper()
	recs, err := l.engine().Handle(l.t.Context(), l.handler, l.event(id))
	if len(recs) != 1 {
		l.t.Fatalf("event %s: %d records, want 1 (%v)", id, len(recs), err)
	}
	return recs[0], err
}

func (l *lab) want(rec remedy.Record, err error, want remedy.Outcome) {
	l.t.Helper()
	if err != nil {
		l.t.Fatalf("outcome %s: %v", rec.Outcome, err)
	}
	if rec.Outcome != want {
		l.t.Fatalf("outcome = %s, want %s: %s", rec.Outcome, want, rec.Reason)
	}
}

func (l *lab) wantItems(want map[string]string) {
	l.t.Helper()
	if got := l.room.items("a"); !maps.Equal(got, want) {
		l.t.Errorf("items = %v, want %v", got, want)
	}
}

// records gives all kept records.
func (l *lab) records() []remedy.Record {
	l.t.Helper()
	recs, _, err := l.ledger.Records(l.t.Context(), remedy.Query{})
	if err != nil {
		l.t.Fatal(err)
	}
	return recs
}

var errBoom = errors.New("boom")
