package local_test

import (
	"database/sql"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/host/local"
	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// events gives the events that are kept, by function, outcome and event id.
func events(t *testing.T, l *sqlite.Ledger) map[string]string {
	t.Helper()
	recs, _, err := l.Records(t.Context(), remedy.Query{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range recs {
		payload, err := l.Event(t.Context(), r.ID, time.Now())
		if err != nil && !errors.Is(err, sqlite.ErrNoEvent) {
			t.Fatal(err)
		}
		got[r.Function+" "+string(r.Outcome)+" "+r.Event.ID] = string(payload)
	}
	return got
}

// awaitHandled polls until the inbox is empty.
func (r *running) awaitHandled() {
	r.t.Helper()
	waitFor(r.t, func() string {
		_, body := r.do(http.MethodGet, "/readyz", "")
		if strings.Contains(body, `"pending": 0`) {
			return ""
		}
		return body
	})
}

func TestServe_keeps_the_events_of_records(t *testing.T) {
	t.Parallel()
	hs := newHouse("a", "b")
	second := hs.function()
	second.Name = "lamps-too"
	cfg := config(t, hs.function(), second)
	parts := withConsole(&cfg)
	r := serve(t, cfg)
	p := <-parts
	both := event("e1", "a")
	poison := event("e3", "poison")
	for _, ev := range []string{both, both, event("e2", "off"), poison} { // the copy and the no-op leave nothing
		r.do(http.MethodPost, "/events", ev)
		r.awaitHandled()
	}
	recs, _, err := p.Ledger.Records(t.Context(), remedy.Query{Outcome: remedy.Reverted})
	if err != nil || len(recs) != 1 {
		t.Fatalf("records = %v, %v; want one that is reverted", recs, err)
	}
	record := recs[0]
	if _, err := p.Host.Undo(t.Context(), record.ID, remedy.Actor{ID: "ann"}, "It was wanted."); err != nil {
		t.Fatal(err)
	}
	letters, err := p.Ledger.DeadLetters(t.Context())
	if err != nil || len(letters) != 2 {
		t.Fatalf("dead letters = %v, %v; want those of both functions", letters, err)
	}
	for _, d := range letters {
		if _, err := p.Host.Replay(t.Context(), d.ID); err != nil {
			t.Fatal(err)
		}
	}
	r.awaitHandled()
	want := map[string]string{
		record.Function + " reverted e1":              both,
		"lamps failed e3":                             poison, // as long as the record, whatever becomes of the letter
		"lamps-too failed e3":                         poison,
		record.Function + " undone undo:" + record.ID: "", // it has no event of its own
	}
	if diff := cmp.Diff(want, events(t, p.Ledger)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// A record stands, and its delivery is done, also when its event can't be kept.
func TestServe_records_stand_without_their_events(t *testing.T) {
	t.Parallel()
	hs := newHouse("a")
	cfg := config(t, hs.function())
	parts := withConsole(&cfg)
	r := serve(t, cfg)
	p := <-parts
	db, err := sql.Open("sqlite", filepath.Join(cfg.Data, local.LedgerFile))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), `DROP TABLE events`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	r.do(http.MethodPost, "/events", event("e1", "a"))
	r.await(map[string]remedy.Outcome{"e1": remedy.Reverted})
	r.awaitHandled()
	if letters, err := p.Ledger.DeadLetters(t.Context()); err != nil || len(letters) != 0 {
		t.Errorf("dead letters = %v, %v; want none", letters, err)
	}
}
