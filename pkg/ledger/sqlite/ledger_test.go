package sqlite

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/ledger/ledgertest"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestLedger(t *testing.T) {
	t.Parallel()
	ledgertest.Run(t, func(t *testing.T) remedy.Ledger { return openTest(t, filepath.Join(t.TempDir(), "ledger.db")) })
}

func openTest(t testing.TB, path string) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func record(id string) remedy.Record {
	return remedy.Record{
		ID: id, Function: "f", Outcome: remedy.Held, Reason: "A cap was reached.",
		Resource: remedy.Ref{Type: "T", ID: "resource"}, Times: remedy.Times{Received: t0},
	}
}

func intent(id, resource string, now time.Time) remedy.Intent {
	rec := record(id)
	rec.Outcome, rec.Resource.ID, rec.Attempt = remedy.Pending, resource, 1
	rec.Before = json.RawMessage(`{"rules":[{"port":22,"cidr":"0.0.0.0/0"}]}`)
	return remedy.Intent{
		Record: rec, Now: now,
		Lease: remedy.Lease{Record: id, Owner: "host-1/" + id, Expires: now.Add(time.Minute)},
	}
}

func TestBreakLeases(t *testing.T) {
	t.Parallel()
	l := openTest(t, filepath.Join(t.TempDir(), "ledger.db"))
	owners := map[string]string{"a": "host-1/1", "b": "host-1/2", "c": "host-10/1", "d": "HOST-1/1", "e": "%"}
	for id, owner := range owners {
		in := intent(id, id, t0)
		in.Lease.Owner = owner
		if err := l.Intend(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.BreakLeases(t.Context(), ""); err == nil {
		t.Error("got no error for an empty prefix")
	}
	n, err := l.BreakLeases(t.Context(), "host-1/")
	if n != 2 || err != nil {
		t.Errorf("got %d leases broken and error %v, want 2", n, err)
	}
	got := map[string]string{}
	for id := range owners {
		known, err := l.Look(t.Context(), "f", intent(id, id, t0).Record.Resource, id)
		if err != nil {
			t.Fatal(err)
		}
		want := int64(1)
		if known.Lease != nil {
			got[id] = known.Lease.Owner
		} else {
			want = 2 // who looked before must look again
		}
		if known.Version != want || known.Record == nil || !known.Released.IsZero() {
			t.Errorf("%s: got %+v, want version %d, its record and no release", id, known, want)
		}
	}
	delete(owners, "a")
	delete(owners, "b")
	if diff := cmp.Diff(owners, got); diff != "" {
		t.Errorf("owners (-want +got):\n%s", diff)
	}
}

func TestOldRevertsArePruned(t *testing.T) {
	t.Parallel()
	l := openTest(t, filepath.Join(t.TempDir(), "ledger.db"))
	for i, at := range []time.Time{t0, t0.Add(1), t0.Add(remedy.MaxCapWindow)} {
		in := intent(fmt.Sprint(i), fmt.Sprint(i), at)
		in.Blast, in.Fight = remedy.Cap{Limit: 9, Window: time.Hour}, remedy.Cap{Limit: 9, Window: time.Hour}
		if err := l.Intend(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	var n int
	if err := l.writer.QueryRowContext(t.Context(), `SELECT count(*) FROM reverts`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n != 4 {
		t.Errorf("%d counts are kept, want 4: of two reverts for two caps", n)
	}
}

func BenchmarkIntendFinish(b *testing.B) {
	l := openTest(b, filepath.Join(b.TempDir(), "ledger.db"))
	for i := 0; b.Loop(); i++ {
		now := t0.Add(time.Duration(i) * time.Minute)
		in := intent(fmt.Sprintf("r%d", i), fmt.Sprintf("resource %d", i), now)
		in.Blast, in.Fight = remedy.Cap{Limit: 100, Window: time.Hour}, remedy.Cap{Limit: 5, Window: time.Hour}
		if err := l.Intend(b.Context(), in); err != nil {
			b.Fatal(err)
		}
		rec := in.Record
		rec.Outcome, rec.After = remedy.Reverted, rec.Before
		f := remedy.Finish{
			Record: rec, Owner: in.Lease.Owner, Now: now, Changed: true,
			Baseline: &remedy.StoredState{State: rec.After, At: now},
		}
		if err := l.Finish(b.Context(), f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLook(b *testing.B) {
	l := openTest(b, filepath.Join(b.TempDir(), "ledger.db"))
	in := intent("r1", "resource", t0)
	if err := l.Intend(b.Context(), in); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := l.Look(b.Context(), "f", in.Record.Resource, "r1"); err != nil {
			b.Fatal(err)
		}
	}
}
