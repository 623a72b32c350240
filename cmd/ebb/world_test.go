package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

var update = flag.Bool("update", false, "write the golden files")

// shelf is the tests' resource: labelled items. One labelled "bad" breaks the policy.
type shelf struct {
	Items map[string]string `json:"items"`
}

type shelfID struct {
	Name    string `json:"name"`
	Account string `json:"account"`
}

func (s shelfID) Ref() remedy.Ref {
	return remedy.Ref{Type: "Test::Shelf", ID: "shelf/" + s.Name, Account: s.Account}
}

type put struct{ Item, Label string }

func (p put) Call() remedy.Call {
	return remedy.Call{API: "shelf:Put", Params: map[string]string{"Item": p.Item, "Label": p.Label}}
}

type shelfParams struct {
	Allowed []string `json:"allowed" jsonschema:"Items that may be bad."`
	Most    int      `json:"most" jsonschema:"How many items a shelf holds."`
}

var shelfRule = remedy.Rule[shelfID, shelf, put, shelfParams]{
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
	Check: func(_ shelfID, s shelf, p shelfParams) (out []remedy.Violation) {
		for _, item := range slices.Sorted(maps.Keys(s.Items)) {
			if s.Items[item] == "bad" && !slices.Contains(p.Allowed, item) {
				out = append(out, remedy.Violation{Rule: "bad-item", Part: item, Message: "Item " + item + " is bad."})
			}
		}
		return out
	},
	Repair: func(_ shelfID, s shelf, _ remedy.Baseline[shelf], p shelfParams) shelf {
		out := shelf{maps.Clone(s.Items)}
		maps.DeleteFunc(out.Items, func(item, label string) bool { return label == "bad" && !slices.Contains(p.Allowed, item) })
		return out
	},
	Diff: func(_ shelfID, from, to shelf) (out []put) {
		all := maps.Clone(from.Items)
		maps.Copy(all, to.Items)
		for _, item := range slices.Sorted(maps.Keys(all)) {
			if from.Items[item] != to.Items[item] {
				out = append(out, put{item, to.Items[item]})
			}
		}
		return out
	},
}

// world is a room with shelves, and a command line to look at what Ebb did there.
type world struct {
	t    *testing.T
	deps deps
	dir  string
	env  map[string]string

	mu      sync.Mutex
	shelves map[string]map[string]string
	broken  error // what reading a shelf gives
	now     time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, dir: t.TempDir(), env: map[string]string{"USER": "ann"},
		shelves: map[string]map[string]string{"a": {"x": "good", "y": "bad"}},
		now:     time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC),
	}
	w.deps = deps{
		Getenv: func(name string) string { return w.env[name] },
		Now:    w.clock,
		Functions: []remedy.Function{
			{
				Name: "shelf-labels", Title: "Takes bad items off shelves", Severity: remedy.High,
				Triggers: []remedy.Trigger{{Source: "shop", Names: []string{"shelf.put", "shelf.moved"}}, {Source: "aws.shop", Names: []string{"Put"}}},
				Actions:  []string{"shelf:Get", "shelf:Put"}, Params: shelfParams{Most: 7},
				New: func(context.Context, remedy.Env) (remedy.Remedy, error) { return remedy.Bind(shelfRule, w), nil },
			},
			{
				Name: "shop-doors", Title: "Closes doors", Severity: remedy.Low,
				Triggers: []remedy.Trigger{{Source: "shop", Names: []string{"door.opened"}}},
				New: func(context.Context, remedy.Env) (remedy.Remedy, error) {
					return nil, errors.New("SHOP_TOKEN is not set")
				},
			},
		},
	}
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(time.Millisecond)
	return w.now
}

func (w *world) Read(_ context.Context, id shelfID) (shelf, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return shelf{}, w.broken
	}
	items, ok := w.shelves[id.Name]
	if !ok {
		return shelf{}, remedy.ErrGone
	}
	return shelf{maps.Clone(items)}, nil
}

func (w *world) Apply(_ context.Context, id shelfID, p put) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.Label == "" {
		delete(w.shelves[id.Name], p.Item)
	} else {
		w.shelves[id.Name][p.Item] = p.Label
	}
	return nil
}

// result is what a command gave.
type result struct {
	code           int
	stdout, stderr string
}

// run runs the command line on the world's data folder.
func (w *world) run(args ...string) result { return w.runWith("", args...) }

func (w *world) runWith(stdin string, args ...string) result {
	w.t.Helper()
	if w.env["EBB_DATA"] == "" {
		w.env["EBB_DATA"] = filepath.Join(w.dir, "data")
	}
	var out, errs bytes.Buffer
	d := w.deps
	d.Stdin, d.Stdout, d.Stderr = strings.NewReader(stdin), &out, &errs
	code := execute(w.t.Context(), args, d)
	return result{code, out.String(), errs.String()}
}

// must runs a command that has to work.
func (w *world) must(args ...string) result {
	w.t.Helper()
	r := w.run(args...)
	if r.code != exitDone {
		w.t.Fatalf("ebb %v: exit code %d\n%s%s", args, r.code, r.stdout, r.stderr)
	}
	return r
}

// file writes a file and gives its path.
func (w *world) file(name, content string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

const enforce = "version: 1\ndefaults:\n  mode: enforce\n"

// enforcing gives the path of a policy that lets every function act.
func (w *world) enforcing() string { return w.file("policy.yaml", enforce) }

// event gives an event of the shop's, as one line of JSON.
func (w *world) event(id, name string, shelves ...string) string {
	w.t.Helper()
	if shelves == nil {
		shelves = []string{}
	}
	detail, err := json.Marshal(map[string]any{"Shelves": shelves})
	if err != nil {
		w.t.Fatal(err)
	}
	ev := remedy.Event{
		ID: id, Source: "shop", Name: name, Account: "acme", Detail: detail,
		Actor: remedy.Actor{Type: "User", ID: "bob", IP: "192.0.2.7"}, Time: time.Date(2026, 11, 21, 8, 59, 58, 0, time.UTC),
	}
	entry, err := bus.Encode(ev, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := entry.Envelope(id, "acme", "", ev.Time)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(out)
}

// revert makes Ebb put shelf a back, and gives the record.
func (w *world) revert() remedy.Record {
	w.t.Helper()
	r := w.must("handle", "--policy", w.enforcing(), w.file("event.json", w.event("e1", "shelf.put", "a")))
	recs := w.decode(r.stdout)
	if len(recs) != 1 || recs[0].Outcome != remedy.Reverted {
		w.t.Fatalf("records = %s, want one reverted", r.stdout)
	}
	return recs[0]
}

// decode reads records, one a line.
func (w *world) decode(lines string) []remedy.Record {
	w.t.Helper()
	var out []remedy.Record
	for line := range strings.Lines(lines) {
		var rec remedy.Record
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			w.t.Fatalf("line %q: %v", line, err)
		}
		out = append(out, rec)
	}
	return out
}

func (w *world) wantShelf(name string, want map[string]string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if diff := cmp.Diff(want, w.shelves[name]); diff != "" {
		w.t.Errorf("shelf %s (-want +got):\n%s", name, diff)
	}
}

// golden compares with a file in testdata; the data folder's name may differ.
func (w *world) golden(name, got string) {
	w.t.Helper()
	got = strings.ReplaceAll(got, w.dir, "DIR")
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func contains(t *testing.T, what, got string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(got, want) {
			t.Errorf("%s does not hold %q:\n%s", what, want, got)
		}
	}
}
