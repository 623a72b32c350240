package main

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/bus/inbox"
	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/trace"
)

// bury puts dead letters into the world's ledger.
func (w *world) bury(letters ...remedy.DeadLetter) {
	w.t.Helper()
	w.must("handle", w.file("nothing.json", w.event("e0", "shelf.sold")))
	l, err := sqlite.Open(w.t.Context(), filepath.Join(w.dir, "data", "ledger.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for _, d := range letters {
		if err := l.SaveDeadLetter(w.t.Context(), d); err != nil {
			w.t.Fatal(err)
		}
	}
}

// left gives the ids of the dead letters that are there.
func (w *world) left() []string {
	w.t.Helper()
	ids := []string{}
	for line := range strings.Lines(w.must("dead-letters", "-o", "json").stdout) {
		var d remedy.DeadLetter
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			w.t.Fatal(err)
		}
		ids = append(ids, d.ID)
	}
	return ids
}

// inInbox gives what is in the inbox, and takes it out.
func (w *world) inInbox(want int) []inbox.Delivery {
	w.t.Helper()
	in, err := inbox.Open(w.t.Context(), filepath.Join(w.dir, "data"), inbox.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	var got []inbox.Delivery
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	defer cancel()
	if want == 0 {
		cancel()
	}
	err = in.Run(ctx, 1, func(_ context.Context, d inbox.Delivery) error {
		if got = append(got, d); len(got) == want {
			cancel()
		}
		return nil
	}, func(context.Context, remedy.DeadLetter) error { return nil })
	if err != nil {
		w.t.Fatal(err)
	}
	stats, err := in.Stats(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if stats.Pending != 0 || len(got) != want {
		w.t.Fatalf("%d deliveries and %d more, want %d", len(got), stats.Pending, want)
	}
	return got
}

func (w *world) letter(id, function, event string) remedy.DeadLetter {
	return remedy.DeadLetter{
		ID: id, Function: function, Source: "shop", Event: "ev-" + id, Reason: "the shop is closed", Attempts: 20,
		At: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), Carrier: map[string]string{"traceparent": "00-1"},
		Payload: []byte(event),
	}
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w.bury(); w.must("dead-letters").stdout != "" {
		t.Error("there are dead letters in an empty ledger")
	}
	good := w.letter("11aa", "shelf-labels", w.event("e1", "shelf.put", "a"))
	odd := w.letter("11bb", "", "\x1b[2J{not JSON")
	w.bury(good, odd)
	w.golden("dead-letters.txt", w.must("dead-letters").stdout)
	w.golden("dead-letter.txt", w.must("dead-letters", "show", "11a").stdout)
	shown := w.must("dead-letters", "show", "11bb")
	wantHarmless(t, shown)
	contains(t, "payload", shown.stdout, `\x1b[2J{not JSON`)
	var got struct{ Payload any }
	if err := json.Unmarshal([]byte(w.must("dead-letters", "show", "11bb", "-o", "json").stdout), &got); err != nil {
		t.Fatal(err)
	}
	if got.Payload != "\x1b[2J{not JSON" {
		t.Errorf("payload %q", got.Payload)
	}
	for id, want := range map[string]string{"11": "is the start of more than one dead letter's id: 11bb, 11aa", "22": "there is no dead letter"} {
		r := w.run("dead-letters", "show", id)
		if r.code != exitFailed {
			t.Errorf("show %s: exit code %d", id, r.code)
		}
		contains(t, "stderr", r.stderr, want)
	}
}

func TestReplayIntoTheInbox(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.letter("11aa", "shelf-labels", w.event("e1", "shelf.put", "a"))
	loose := w.letter("22bb", "", w.event("e2", "shelf.moved", "a"))
	lost := w.letter("33cc", "no-such", "{}")
	strange := w.letter("44dd", "", w.event("e4", "shelf.sold"))
	w.bury(d, loose, lost, strange)

	r := w.must("dead-letters", "replay", "11")
	contains(t, "stdout", r.stdout, "11aa (shelf-labels): back in the inbox: ebb serve on ", "handles it")
	if diff := cmp.Diff([]string{"44dd", "33cc", "22bb"}, w.left()); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	r = w.run("dead-letters", "replay", "--all", "-o", "json")
	if r.code != exitFailed {
		t.Errorf("exit code %d, want %d: two have no function", r.code, exitFailed)
	}
	contains(t, "stderr", r.stderr, `replay 33cc: there is no function "no-such" in this version of ebb; it stays a dead letter`,
		"replay 44dd: no function is triggered by shelf.sold from shop; it stays", "2 of 3 dead letters could not be replayed")
	if diff := cmp.Diff([]string{"44dd", "33cc"}, w.left()); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	w.wantShelf("a", map[string]string{"x": "good", "y": "bad"})

	got := w.inInbox(2)
	for i, want := range []remedy.DeadLetter{d, loose} {
		if got[i].Function != "shelf-labels" || got[i].EventID != want.Event || string(got[i].Payload) != string(want.Payload) ||
			!maps.Equal(got[i].Carrier, trace.Linked(want.Carrier)) {
			t.Errorf("delivery %d = %+v", i, got[i])
		}
		if first := inbox.NewDelivery("shelf-labels", want.Source, want.Event, want.Payload); got[i].ID == first.ID {
			t.Error("the delivery has the id of the one that failed: a second dead letter would be removed with the first")
		}
	}
}

func TestReplayTwiceIsOneDelivery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.letter("11aa", "shelf-labels", w.event("e1", "shelf.put", "a"))
	w.bury(d)
	w.must("dead-letters", "replay", "11aa")
	w.bury(d) // as if the process had died before the removal
	w.must("dead-letters", "replay", "11aa")
	w.inInbox(1)
}

func TestReplayNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bury(w.letter("11aa", "shelf-labels", w.event("e1", "shelf.put", "a")))
	w.broken = errors.New("still closed")
	r := w.run("dead-letters", "replay", "--all", "--now", "--policy", w.enforcing())
	if r.code != exitFailed {
		t.Errorf("exit code %d, want %d", r.code, exitFailed)
	}
	contains(t, "stderr", r.stderr, "replay 11aa: ", "still closed; it stays a dead letter")
	if diff := cmp.Diff([]string{"11aa"}, w.left()); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	w.broken = nil
	r = w.must("dead-letters", "replay", "11aa", "--now", "--policy", w.enforcing())
	contains(t, "stdout", r.stdout, "11aa (shelf-labels): reverted ", "Item y is bad. Put back with 1 call")
	w.wantShelf("a", map[string]string{"x": "good"})
	if left := w.left(); len(left) > 0 {
		t.Errorf("left %v, want none", left)
	}
	w.inInbox(0)
}
