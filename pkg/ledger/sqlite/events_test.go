package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// handled keeps an event beside records.
func handled(t *testing.T, l *Ledger, event string, at time.Time, recs ...remedy.Record) {
	t.Helper()
	if err := l.SaveHandled(t.Context(), Handled{Records: recs, Event: []byte(event), Now: at}); err != nil {
		t.Fatal(err)
	}
}

// saved keeps records themselves, and gives them.
func saved(t *testing.T, l *Ledger, ids ...string) (recs []remedy.Record) {
	t.Helper()
	for _, id := range ids {
		rec := record(id)
		if err := l.SaveRecord(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		recs = append(recs, rec)
	}
	return recs
}

// events gives the events of records at a time; those that have none are left out.
func events(t *testing.T, l *Ledger, at time.Time, ids ...string) map[string]string {
	t.Helper()
	got := map[string]string{}
	for _, id := range ids {
		switch payload, err := l.Event(t.Context(), id, at); {
		case err == nil:
			got[id] = string(payload)
		case !errors.Is(err, ErrNoEvent):
			t.Fatal(err)
		}
	}
	return got
}

func rows(t *testing.T, l *Ledger, table string) (n int) {
	t.Helper()
	if err := l.readers.QueryRowContext(t.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEventsOfRecords(t *testing.T) {
	t.Parallel()
	l := openTest(t, filepath.Join(t.TempDir(), "ledger.db"))
	recs := saved(t, l, "a", "b", "dup", "noop", "old")
	noop, dup, old, unknown := recs[3], recs[2], recs[4], record("unknown")
	noop.Outcome = remedy.Compliant
	dup.Outcome = remedy.Duplicate
	old.Outcome, old.Times.Received = remedy.Duplicate, t0.Add(time.Second)
	const hostile = "\x00\xff<script>\u202e</script>"
	handled(t, l, hostile, t0, recs[0], recs[1], dup, noop, old, unknown, remedy.Record{Outcome: remedy.Ignored})
	want := map[string]string{
		"a": hostile, "b": hostile,
		"dup": hostile, // it is the record's own event, which comes again after a crash
		// of the others: a no-op, a copy that came in later, a record that was not written
	}
	check := func(what string) {
		t.Helper()
		if diff := cmp.Diff(want, events(t, l, t0, "a", "b", "dup", "noop", "old", "unknown", "")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
		if n := rows(t, l, "events"); n != 1 {
			t.Errorf("%s: %d events are kept, want 1", what, n)
		}
	}
	check("events")
	handled(t, l, "another", t0, recs[0], recs[1])
	check("a record has the event that it was first made of")
	again := recs[0]
	again.Outcome, again.Reason = remedy.Failed, "It failed."
	if err := l.SaveRecord(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	check("a record's later form keeps its event")
}

func TestSaveHandledKeepsTheTraceWithTheEvent(t *testing.T) {
	t.Parallel()
	l := openTest(t, filepath.Join(t.TempDir(), "ledger.db"))
	h := Handled{
		Records: saved(t, l, "a"), Event: []byte("e"), Now: t0,
		TraceID: "t1", Spans: []Span{{TraceID: "t1", SpanID: "s1", Name: "handle", Start: t0, End: t0}},
	}
	if err := l.SaveHandled(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	spans, err := l.Trace(t.Context(), "t1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(h.Spans, spans); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	if got := events(t, l, t0, "a"); got["a"] != "e" {
		t.Errorf("event %q, want e", got["a"])
	}
}

func TestEventsAreKeptForATime(t *testing.T) {
	t.Parallel()
	l := openTest(t, filepath.Join(t.TempDir(), "ledger.db"))
	recs := saved(t, l, "a", "b", "c")
	handled(t, l, "first", t0, recs[0])
	last := t0.Add(EventFor - 1)
	if got := events(t, l, last, "a"); len(got) != 1 {
		t.Error("it is gone before its time")
	}
	if got := events(t, l, last.Add(1), "a"); len(got) != 0 {
		t.Error("it is given although its time is over")
	}
	handled(t, l, "second", last.Add(1), recs[1])
	if events, origins := rows(t, l, "events"), rows(t, l, "origins"); events != 1 || origins != 1 {
		t.Errorf("%d events of %d records are kept, want the second only", events, origins)
	}
	handled(t, l, "second", last.Add(time.Hour), recs[2])
	want := map[string]string{"b": "second", "c": "second"}
	if diff := cmp.Diff(want, events(t, l, last.Add(EventFor), "a", "b", "c")); diff != "" {
		t.Errorf("an event counts from when it was last kept (-want +got):\n%s", diff)
	}
}

// A remediation must not wait for the removal of all that became too old while
// nothing came in.
func TestOldEventsAreRemovedInParts(t *testing.T) {
	t.Parallel()
	l := openTest(t, filepath.Join(t.TempDir(), "ledger.db"))
	for i := range maxExpired + 10 {
		handled(t, l, fmt.Sprint("event ", i), t0, saved(t, l, fmt.Sprint("r", i))...)
	}
	for i, want := range []int{11, 2, 3} {
		handled(t, l, fmt.Sprint("late ", i), t0.Add(EventFor), saved(t, l, fmt.Sprint("late", i))...)
		if n := rows(t, l, "events"); n != want {
			t.Errorf("%d events are kept after %d late ones, want %d", n, i+1, want)
		}
		if n := rows(t, l, "origins"); n != want {
			t.Errorf("%d records have an event after %d late ones, want %d", n, i+1, want)
		}
	}
}

func TestMigrationBringsEvents(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	recs := saved(t, openTest(t, path), "a")
	for _, statement := range []string{`DROP TABLE events`, `DROP TABLE origins`, `PRAGMA user_version = 2`} {
		execute(t, path, statement)
	}
	migrated := openTest(t, path)
	if got := events(t, migrated, t0, "a"); len(got) != 0 {
		t.Errorf("an earlier version's record has the event %q", got)
	}
	handled(t, migrated, "e", t0, recs...)
	if got := events(t, migrated, t0, "a"); got["a"] != "e" {
		t.Errorf("event %q, want e", got["a"])
	}
}
