package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// summary is what tests compare of a record.
type summary struct {
	Event, Function, Resource string
	Outcome                   remedy.Outcome
}

func summaries(recs []remedy.Record) []summary {
	var out []summary
	for _, r := range recs {
		out = append(out, summary{r.Event.ID, r.Function, r.Resource.ID, r.Outcome})
	}
	return out
}

func TestHandle(t *testing.T) {
	t.Parallel()
	good, fixed := map[string]string{"x": "good", "y": "bad"}, map[string]string{"x": "good"}
	tests := map[string]struct {
		events []string // names, of shelf a
		flags  []string
		policy string
		want   []summary
		reason string // in the last record
		shelf  map[string]string
	}{
		"reverted": {
			[]string{"shelf.put"}, nil, enforce,
			[]summary{{"e0", "shelf-labels", "shelf/a", remedy.Reverted}}, "Item y is bad. Put back with 1 call", fixed,
		},
		"no-ops are printed too": {
			[]string{"shelf.put", "shelf.moved"}, nil, enforce,
			[]summary{{"e0", "shelf-labels", "shelf/a", remedy.Reverted}, {"e1", "shelf-labels", "shelf/a", remedy.Compliant}},
			"The live state breaks nothing.", fixed,
		},
		"observed without a policy": {
			[]string{"shelf.put"}, nil, "",
			[]summary{{"e0", "shelf-labels", "shelf/a", remedy.Observed}}, "In enforce mode Ebb would make 1 call", good,
		},
		"observe beats the policy": {
			[]string{"shelf.put"}, []string{"--observe"}, enforce,
			[]summary{{"e0", "shelf-labels", "shelf/a", remedy.Observed}}, "In enforce mode", good,
		},
		"switched off": {
			[]string{"shelf.put"}, nil, "version: 1\ndefaults:\n  mode: off\n",
			[]summary{{"e0", "shelf-labels", "shelf/a", remedy.Ignored}}, "The policy switches shelf-labels off.", good,
		},
		"no function is triggered": {
			[]string{"shelf.sold"}, nil, enforce,
			[]summary{{"e0", "", "", remedy.Ignored}}, "No function is triggered by shelf.sold from shop.", good,
		},
		"not the chosen function's": {
			[]string{"shelf.put"}, []string{"--function", "shop-doors"}, enforce,
			[]summary{{"e0", "shop-doors", "", remedy.Ignored}}, "Function shop-doors is not triggered by shelf.put from shop.", good,
		},
		"the chosen function's": {
			[]string{"shelf.put"}, []string{"--function", "shelf-labels"}, enforce,
			[]summary{{"e0", "shelf-labels", "shelf/a", remedy.Reverted}}, "Put back", fixed,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			args := append([]string{"handle"}, tt.flags...)
			if tt.policy != "" {
				args = append(args, "--policy", w.file("policy.yaml", tt.policy))
			}
			for i, event := range tt.events {
				id := "e" + string(rune('0'+i))
				args = append(args, w.file(id+".json", w.event(id, event, "a")))
			}
			r := w.must(args...)
			recs := w.decode(r.stdout)
			if diff := cmp.Diff(tt.want, summaries(recs)); diff != "" {
				t.Fatalf("records (-want +got):\n%s", diff)
			}
			contains(t, "reason", recs[len(recs)-1].Reason, tt.reason)
			w.wantShelf("a", tt.shelf)
			if noted := strings.Contains(r.stderr, "no policy is given"); noted != (tt.policy == "") {
				t.Errorf("stderr %q: tells of a missing policy %t", r.stderr, noted)
			}
		})
	}
}

func TestHandleGoesOnAfterFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.shelves["b"] = map[string]string{"z": "bad"}
	array := w.file("array.json", "["+strings.Join([]string{
		`{"source":"shop","detail-type":"shelf.put"}`, // no id
		w.event("e1", "door.opened"),                  // its function can't be opened
		w.event("e2", "shelf.put", "a"),
	}, ",\n")+"]")
	broken := w.file("broken.json", `{"source":`)
	last := w.file("last.json", w.event("e3", "shelf.put", "b"))
	r := w.run("handle", "--policy", w.enforcing(), array, broken, w.dir+"/missing.json", last)
	if r.code != exitFailed {
		t.Errorf("exit code %d, want %d", r.code, exitFailed)
	}
	want := []summary{
		{"", "", "", remedy.Failed},
		{"e2", "shelf-labels", "shelf/a", remedy.Reverted},
		{"e3", "shelf-labels", "shelf/b", remedy.Reverted},
	}
	if diff := cmp.Diff(want, summaries(w.decode(r.stdout))); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	w.golden("handle-failures.txt", r.stderr)
	w.wantShelf("b", map[string]string{})
}

func TestHandleReadFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.broken = errors.New("the shop is closed")
	r := w.run("handle", "--policy", w.enforcing(), w.file("e.json", w.event("e1", "shelf.put", "a")))
	if r.code != exitFailed {
		t.Errorf("exit code %d, want %d", r.code, exitFailed)
	}
	recs := w.decode(r.stdout)
	if diff := cmp.Diff([]summary{{"e1", "shelf-labels", "shelf/a", remedy.Failed}}, summaries(recs)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	contains(t, "stderr", r.stderr, "e.json: shelf-labels: shelf/a: read the live state: the shop is closed")
}

func TestHandleFailedCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const event = `{"source":"aws.shop","detail-type":"AWS API Call via CloudTrail","id":"1","detail":
		{"eventID":"e1","eventName":"Put","errorCode":"AccessDenied","userIdentity":{"arn":"arn:aws:iam::1:user/bob"}}}`
	r := w.runWith(event, "handle", "--policy", w.enforcing(), "-")
	recs := w.decode(r.stdout)
	if diff := cmp.Diff([]summary{{"e1", "", "", remedy.Ignored}}, summaries(recs)); diff != "" || r.code != exitDone {
		t.Fatalf("exit code %d, records (-want +got):\n%s", r.code, diff)
	}
	if want := "The call failed with AccessDenied: nothing changed."; recs[0].Reason != want {
		t.Errorf("reason %q, want %q", recs[0].Reason, want)
	}
	w.wantShelf("a", map[string]string{"x": "good", "y": "bad"})
}

func TestHandleTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lines := w.event("e1", "shelf.put", "a") + "\n" + w.event("e2", "shelf.sold", "a") + "\n"
	r := w.runWith(lines, "handle", "--output", "table", "--policy", w.enforcing(), "-")
	if r.code != exitDone {
		t.Errorf("exit code %d: %s", r.code, r.stderr)
	}
	w.golden("handle-table.txt", r.stdout)
}

func TestHandleStopsWhenToldTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["EBB_DATA"] = filepath.Join(w.dir, "data")
	ctx, cancel := context.WithCancel(t.Context())
	events := strings.NewReader(w.event("e1", "shelf.put", "a"))
	var out, errs strings.Builder
	w.deps.Stdout, w.deps.Stderr = &out, &errs
	w.deps.Stdin = readerFunc(func(b []byte) (int, error) {
		cancel()
		return events.Read(b)
	})
	code := execute(ctx, []string{"handle", "--policy", w.enforcing(), "-"}, w.deps)
	if code != exitFailed || out.String() != "" {
		t.Errorf("exit code %d, stdout %q; want %d and none", code, out.String(), exitFailed)
	}
	contains(t, "stderr", errs.String(), "-: stopped before event 1 of 1")
	w.wantShelf("a", map[string]string{"x": "good", "y": "bad"})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func TestHostileEventOnTheTerminal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const name = "\x1b[2J\x1b]0;owned\x07\u202e\u009bevil\nebb: all is well"
	w.shelves[name] = map[string]string{name: "bad"}
	event := w.file("event.json", w.event(name, "shelf.put", name))
	for _, args := range [][]string{
		{"handle", "--policy", w.enforcing(), event}, {"records"}, {"records", "--output", "json"},
	} {
		wantHarmless(t, w.must(args...))
	}
	rec := w.decode(w.must("records", "--output", "json").stdout)[0]
	if rec.Resource.ID != "shelf/"+name {
		t.Errorf("resource %q, want its name whole", rec.Resource.ID)
	}
	wantHarmless(t, w.must("show", rec.ID))
	wantHarmless(t, w.must("show", rec.ID, "--output", "json"))
	wantHarmless(t, w.must("undo", rec.ID, "--reason", name, "--actor", name))
	wantHarmless(t, w.run("show", name))
	wantHarmless(t, w.run(name))
	wantHarmless(t, w.run("records", "--since", name))
	wantHarmless(t, w.run("handle", name))
}

// wantHarmless wants that nothing in the output steers a terminal or poses as
// a line of Ebb's own.
func wantHarmless(t *testing.T, r result) {
	t.Helper()
	for _, s := range []string{r.stdout, r.stderr} {
		if i := strings.IndexAny(s, "\x1b\x07\u202e\u009b"); i >= 0 {
			t.Errorf("output holds %q", s[i:min(len(s), i+20)])
		}
		if strings.Contains("\n"+s, "\nebb: all is well") {
			t.Errorf("the event wrote a line of its own: %q", s)
		}
	}
}
