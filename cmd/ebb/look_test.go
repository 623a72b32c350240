package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/waterfall"
)

func TestLookingNeedsALedger(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"records"}, {"report"}, {"show", "x"}, {"undo", "x", "--reason", "y"}, {"dead-letters"}, {"dead-letters", "replay", "--all"},
	} {
		w := newWorld(t)
		r := w.run(args...)
		if r.code != exitFailed || r.stdout != "" {
			t.Errorf("ebb %v: exit code %d, stdout %q", args, r.code, r.stdout)
		}
		contains(t, "stderr", r.stderr, "there is no ledger at "+w.dir, "ebb serve or ebb handle makes it")
		if _, err := os.Stat(filepath.Join(w.dir, "data")); err == nil {
			t.Errorf("ebb %v made the data folder", args)
		}
	}
}

// fill writes records of the last n hours, the newest first, and gives them.
func (w *world) fill(n int) []remedy.Record {
	w.t.Helper()
	w.must("handle", w.file("nothing.json", w.event("e0", "shelf.sold")))
	l, err := sqlite.Open(w.t.Context(), filepath.Join(w.dir, "data", "ledger.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var out []remedy.Record
	for i := range n {
		rec := remedy.Record{
			ID: fmt.Sprintf("%04x%016x", i, i*i), Function: "shelf-labels", Outcome: remedy.Observed, Reason: "Item y is bad.",
			Resource: remedy.Ref{Type: "Test::Shelf", ID: fmt.Sprintf("shelf/%d", i)},
			Event:    remedy.EventRef{ID: fmt.Sprint(i), Actor: remedy.Actor{ID: "bob"}},
			Times:    remedy.Times{Received: time.Date(2026, 11, 21, 8, 30, 0, 0, time.UTC).Add(-time.Duration(i) * time.Hour)},
		}
		if i%3 == 1 {
			rec.Outcome = remedy.Exempt
		}
		if i%5 == 1 {
			rec.Function = "shop-doors"
		}
		if err := l.SaveRecord(w.t.Context(), rec); err != nil {
			w.t.Fatal(err)
		}
		out = append(out, rec)
	}
	return out
}

func TestRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.fill(60)
	tests := map[string]struct {
		args []string
		want func(i int, r remedy.Record) bool
		note string
	}{
		"newest": {nil, func(i int, _ remedy.Record) bool { return i < 50 }, ""},
		"limit":  {[]string{"--limit", "3"}, func(i int, _ remedy.Record) bool { return i < 3 }, ""},
		"all":    {[]string{"--all"}, func(int, remedy.Record) bool { return true }, ""},
		"outcome": {
			[]string{"--outcome", "exempt", "--all"},
			func(_ int, r remedy.Record) bool { return r.Outcome == remedy.Exempt }, "",
		},
		"function": {
			[]string{"--function", "shop-doors", "--all"},
			func(_ int, r remedy.Record) bool { return r.Function == "shop-doors" }, "",
		},
		"since hours": {[]string{"--since", "2h"}, func(i int, _ remedy.Record) bool { return i < 2 }, ""},
		"since days":  {[]string{"--since", "1d"}, func(i int, _ remedy.Record) bool { return i < 24 }, ""},
		"since date":  {[]string{"--since", "2026-11-21"}, func(i int, _ remedy.Record) bool { return i < 9 }, ""},
		"since time":  {[]string{"--since", "2026-11-21T07:30:00Z"}, func(i int, _ remedy.Record) bool { return i < 2 }, ""},
		"none":        {[]string{"--outcome", "failed"}, func(int, remedy.Record) bool { return false }, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := w.must(append([]string{"records", "--output", "json"}, tt.args...)...)
			var want []string
			for i, rec := range all {
				if tt.want(i, rec) {
					want = append(want, rec.ID)
				}
			}
			var got []string
			for _, rec := range w.decode(r.stdout) {
				got = append(got, rec.ID)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRecordsTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(4)
	r := w.must("records", "--limit", "3")
	w.golden("records.txt", r.stdout)
	contains(t, "stderr", r.stderr, "The newest 3 are shown, there are more: --limit N or --all.")
	if r := w.must("records", "--limit", "4"); r.stderr != "" {
		t.Errorf("stderr %q, want none: all are shown", r.stderr)
	}
	if r := w.must("records", "--outcome", "failed"); r.stdout != "" || r.stderr != "There are no such records.\n" {
		t.Errorf("none: %q, %q", r.stdout, r.stderr)
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rec := w.revert()
	whole := w.must("show", rec.ID).stdout
	w.golden("show.txt", whole)
	if short := w.must("show", rec.ID[:6]).stdout; short != whole {
		t.Errorf("a unique start gives another record:\n%s", short)
	}
	var got struct {
		remedy.Record
		Trace []waterfall.Span `json:"trace"`
	}
	if err := json.Unmarshal([]byte(w.must("show", rec.ID, "-o", "json").stdout), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rec, got.Record); diff != "" {
		t.Errorf("JSON (-handled +shown):\n%s", diff)
	}
}

func TestShowEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rec := w.revert()
	event := w.event("e1", "shelf.put", "a")
	with, without := w.must("show", rec.ID, "--event").stdout, w.must("show", rec.ID).stdout
	heading := fmt.Sprintf("Event, as it was received (%d bytes)", len(event))
	contains(t, "stdout", with, heading, `  "id": "e1",`)
	if strings.Contains(without, heading) {
		t.Error("the event is shown although nobody asked for it")
	}
	var got struct {
		Event   remedy.EventRef
		Payload json.RawMessage
	}
	if err := json.Unmarshal([]byte(w.must("show", rec.ID, "--event", "-o", "json").stdout), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(event, string(got.Payload)); diff != "" || got.Event.ID != "e1" {
		t.Errorf("payload of %s (-received +shown):\n%s", got.Event.ID, diff)
	}

	undo := w.decode(w.must("undo", rec.ID, "--reason", "It was wanted.", "-o", "json").stdout)[0]
	w.now = w.now.Add(sqlite.EventFor)
	for name, tt := range map[string]struct {
		args []string
		says string
	}{
		"an undo": {[]string{"show", undo.ID, "--event"}, "has no event of its own: ebb show " + rec.ID + " --event shows that of what it undid"},
		"too old": {[]string{"show", rec.ID, "--event"}, "is not kept, or was for 30 days and is no longer: look for id e1 at its source, shop"},
	} {
		if r := w.run(tt.args...); r.code != exitFailed || r.stdout != "" || !strings.Contains(r.stderr, tt.says) {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", name, r.code, r.stdout, r.stderr)
		}
	}
	w.must("show", rec.ID)
}

func TestShowUnknownAndAmbiguous(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.fill(8)
	for id, want := range map[string]string{
		"ffff": `there is no record whose id is or starts with "ffff": ebb records lists them`,
		"":     `there is no record whose id is or starts with "": ebb records lists them`,
		"000":  `"000" is the start of more than one record's id: ` + all[0].ID,
	} {
		r := w.run("show", id)
		if r.code != exitFailed {
			t.Errorf("show %q: exit code %d, want %d", id, r.code, exitFailed)
		}
		contains(t, "stderr", r.stderr, want)
	}
}

func TestUndo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rec := w.revert()
	w.wantShelf("a", map[string]string{"x": "good"})
	r := w.must("undo", rec.ID[:8], "--reason", "It was meant so.", "--actor", "ann@desk", "-o", "json")
	undo := w.decode(r.stdout)[0]
	if undo.Outcome != remedy.Undone || undo.Undoes != rec.ID || undo.Event.Actor.ID != "ann@desk" {
		t.Errorf("undo = %+v", undo)
	}
	contains(t, "reason", undo.Reason, "It was meant so.")
	w.wantShelf("a", map[string]string{"x": "good", "y": "bad"})
	shown := w.must("show", rec.ID).stdout
	contains(t, "the undone record", shown, "undone by  "+undo.ID)
	if strings.Contains(shown, "ebb undo") {
		t.Error("an undone record is offered for undo")
	}

	again := w.run("undo", rec.ID, "--reason", "Once more.")
	if again.code != exitFailed {
		t.Errorf("undo twice: exit code %d, want %d", again.code, exitFailed)
	}
	contains(t, "stderr", again.stderr, "there is nothing to undo: record "+undo.ID+" undid it already")
}

func TestUndoNamesThePersonAtTheKeyboard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rec := w.revert()
	undo := w.decode(w.must("undo", rec.ID, "--reason", "x", "-o", "json").stdout)[0]
	contains(t, "actor", undo.Event.Actor.ID, "ann@")
}

func TestUndoIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rec := w.revert()
	w.shelves["a"]["z"] = "new"
	r := w.run("undo", rec.ID, "--reason", "x")
	if r.code != exitFailed {
		t.Errorf("exit code %d, want %d", r.code, exitFailed)
	}
	contains(t, "stderr", r.stderr, "ebb: undo "+rec.ID+": the resource has changed since Ebb put it back: "+
		"bringing it back to what Ebb left would take shelf:Put; look at it and decide by hand")
	w.wantShelf("a", map[string]string{"x": "good", "z": "new"})

	delete(w.shelves, "a")
	r = w.run("undo", rec.ID, "--reason", "x")
	contains(t, "stderr", r.stderr, "the resource no longer exists")

	w.deps.Functions = w.deps.Functions[1:]
	r = w.run("undo", rec.ID, "--reason", "x")
	contains(t, "stderr", r.stderr, `there is no function "shelf-labels" in this version of ebb`)
}
