package main

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/robfig/cron/v3"

	"github.com/ebb-ops/ebb/pkg/logs"
	"github.com/ebb-ops/ebb/pkg/notify/digest"
)

func TestSchedules(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) // a Saturday
	got := map[string]time.Time{}
	for _, s := range schedules() {
		at, err := cron.ParseStandard(s.cron)
		if err != nil {
			t.Fatal(err)
		}
		got[s.name] = at.Next(from)
	}
	want := map[string]time.Time{"daily": time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC), "weekly": time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("when reports are due next (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(got)), digest.Reports()); diff != "" {
		t.Errorf("reports, and those that digests may name (-reports +digests):\n%s", diff)
	}
}

func TestReportsAreWrittenWhenDue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rec := w.revert()
	folder := filepath.Join(w.dir, "reports")
	a := &app{deps: w.deps, data: filepath.Join(w.dir, "data")}
	told := make(chan digest.Digest, 100)
	tell := func(_ context.Context, d digest.Digest) error { told <- d; return nil }
	stop, err := a.startReports(t.Context(), folder, []schedule{{"daily", "@every 1s", 1}}, tell, logs.New(testWriter{t}, logs.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	html := filepath.Join(folder, "daily", "2026-11-21T0900Z.html")
	deadline := time.Now().Add(30 * time.Second)
	for {
		page, err := os.ReadFile(html)
		if err == nil {
			contains(t, "the report", string(page), "1 change was put back", rec.ID)
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no report is written: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if _, err := os.Stat(filepath.Join(folder, "daily", "2026-11-21T0900Z.json")); err != nil {
		t.Error(err)
	}
	first, second := <-told, <-told
	if first.ID != "msg_report-daily-20261121T0900Z" || first.Where != html || first.PutBack != 1 || second.ID != first.ID {
		t.Errorf("told of %+v, then of %s", first, second.ID)
	}
}

// testWriter writes to the test's log.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", p)
	return len(p), nil
}
