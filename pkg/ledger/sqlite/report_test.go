package sqlite

import (
	"context"
	"database/sql"
	"flag"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/report"
	"github.com/ebb-ops/ebb/pkg/report/reporttest"
)

var reported = flag.Int("records", 50_000, "how many records BenchmarkReport reads")

// BenchmarkReport reads a ledger's records into a report: -records 1000000 shows
// what a million of them take. peak-MB is the most that the heap held.
func BenchmarkReport(b *testing.B) {
	l := openTest(b, filepath.Join(b.TempDir(), "ledger.db"))
	made := reporttest.Make{Every: time.Second, Resources: 20_000}
	const batch = 10_000 // records a transaction: a flush each would take hours
	for from := 0; from < *reported; from += batch {
		err := l.write(b.Context(), func(tx *sql.Tx) error {
			for i := from; i < min(from+batch, *reported); i++ {
				row, err := encodeRecord(made.Record(i))
				if err != nil {
					return err
				}
				if err := putRecord(b.Context(), tx, row); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	o := report.Options{Until: reporttest.Until(), Since: reporttest.Until().Add(-time.Duration(*reported+1) * time.Second)}
	var peak uint64
	o.Progress = func(n int64, _ time.Time) {
		if n%(20*250) == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
		}
	}
	for b.Loop() {
		r, err := report.Collect(b.Context(), l, o)
		if err != nil {
			b.Fatal(err)
		}
		if r.Records != int64(*reported) {
			b.Fatalf("%d records, want %d", r.Records, *reported)
		}
		if err := report.WriteHTML(b.Context(), io.Discard, r, report.Details{Record: l.Record}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(peak)/1e6, "peak-MB")
	b.ReportMetric(float64(*reported)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// queries notes what a report asks of its ledger.
type queries struct {
	*Ledger
	asked []remedy.Query
}

func (q *queries) Records(ctx context.Context, query remedy.Query) ([]remedy.Record, string, error) {
	q.asked = append(q.asked, query)
	return q.Ledger.Records(ctx, query)
}

// TestReportUsesIndexes takes every query of a report to SQLite's planner: each is
// a search of an index, from one end of its time to the other.
func TestReportUsesIndexes(t *testing.T) {
	t.Parallel()
	l := openTest(t, filepath.Join(t.TempDir(), "ledger.db"))
	err := l.write(t.Context(), func(tx *sql.Tx) error {
		for _, r := range (reporttest.Make{Every: 4 * time.Minute}).Records(400) {
			row, err := encodeRecord(r)
			if err == nil {
				err = putRecord(t.Context(), tx, row)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	q := &queries{Ledger: l}
	until := reporttest.Until()
	if _, err := report.Collect(t.Context(), q, report.Options{Since: until.Add(-24 * time.Hour), Until: until}); err != nil {
		t.Fatal(err)
	}
	later := 0
	for _, query := range q.asked {
		text, args, err := Search{Query: query}.sql()
		if err != nil {
			t.Fatal(err)
		}
		var (
			id, parent, unused int
			plan               string
		)
		if err := l.readers.QueryRowContext(t.Context(), "EXPLAIN QUERY PLAN "+text, args...).Scan(&id, &parent, &unused, &plan); err != nil {
			t.Fatal(err)
		}
		end := "received<?"
		if query.After != "" {
			end = "(received,id)<(?,?)"
			later++
		}
		want := "SEARCH records USING INDEX records_received (received>? AND " + end + ")"
		if query.Outcome != "" {
			want = "SEARCH records USING INDEX records_outcome (outcome=? AND received>? AND " + end + ")"
		}
		if !strings.HasPrefix(plan, want) {
			t.Errorf("%+v is answered by %q, want %q", query, plan, want)
		}
	}
	if len(q.asked) != 8 || later != 1 {
		t.Errorf("%d queries, %d of a later page; want two of the window and one of each outcome that may be open", len(q.asked), later)
	}
}
