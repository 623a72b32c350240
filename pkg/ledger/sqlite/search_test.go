package sqlite

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/ledger/internal/stored"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// found gives the ids that a search finds, through all its pages.
func found(t *testing.T, l *Ledger, s Search) (ids []string) {
	t.Helper()
	for s.Limit = 2; ; {
		page, next, err := l.Search(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			ids = append(ids, r.ID)
		}
		if s.After = next; next == "" {
			return ids
		}
	}
}

// some keeps a few records, a minute apart.
func some(t *testing.T, l *Ledger) {
	t.Helper()
	for i, change := range []func(*remedy.Record){
		func(r *remedy.Record) { r.Event.Actor = remedy.Actor{ID: "arn:aws:iam::1:user/ann", IP: "192.0.2.7"} },
		func(r *remedy.Record) { r.Resource.ID, r.Resource.Account = "arn:aws:s3:::Größer", "1" },
		func(r *remedy.Record) { r.Event.Actor, r.Reason = remedy.Actor{Name: "bob"}, "Port 22 is open." },
		func(r *remedy.Record) { r.Event.Actor, r.Outcome = remedy.Actor{Name: "bob"}, remedy.Failed },
		func(r *remedy.Record) { r.Violations = []remedy.Violation{{Rule: "world-open-port"}} },
	} {
		rec := record(fmt.Sprintf("r%d", i))
		rec.Times.Received = t0.Add(time.Duration(i) * time.Minute)
		change(&rec)
		if err := l.SaveRecord(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
	}
}

var searches = map[string]struct {
	s    Search
	want []string
}{
	"everything":         {Search{}, []string{"r4", "r3", "r2", "r1", "r0"}},
	"an account":         {Search{Account: "1"}, []string{"r1"}},
	"an actor by id":     {Search{Actor: "arn:aws:iam::1:user/ann"}, []string{"r0"}},
	"an actor by name":   {Search{Actor: "bob"}, []string{"r3", "r2"}},
	"several at once":    {Search{Actor: "bob", Query: remedy.Query{Outcome: remedy.Failed}}, []string{"r3"}},
	"a resource":         {Search{Resource: "T|resource"}, []string{"r4", "r3", "r2", "r0"}},
	"until":              {Search{Query: remedy.Query{Until: t0.Add(2 * time.Minute)}}, []string{"r1", "r0"}},
	"since and until":    {Search{Query: remedy.Query{Since: t0.Add(time.Minute), Until: t0.Add(3 * time.Minute)}}, []string{"r2", "r1"}},
	"a word of its case": {Search{Text: "größer"}, []string{"r1"}},
	"a word in capitals": {Search{Text: "GRÖßER"}, []string{"r1"}},
	"part of a word":     {Search{Text: "user/an"}, []string{"r0"}},
	"two words":          {Search{Text: "open  22"}, []string{"r2"}},
	"an address":         {Search{Text: "192.0.2.7"}, []string{"r0"}},
	"a rule":             {Search{Text: "world-open"}, []string{"r4"}},
	"a wildcard is none": {Search{Text: "%"}, nil},
	"a word and more":    {Search{Text: "cap", Actor: "bob"}, []string{"r3"}},
	"nothing":            {Search{Text: "nowhere"}, nil},
}

func TestSearch(t *testing.T) {
	t.Parallel()
	l := openTest(t, filepath.Join(t.TempDir(), "ledger.db"))
	some(t, l)
	for name, tt := range searches {
		if diff := cmp.Diff(tt.want, found(t, l, tt.s)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A file of the first version has no columns to search by.
func TestMigrationFillsWhatIsSearched(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openTest(t, path)
	some(t, l)
	for _, statement := range []string{
		`DROP INDEX records_account`, `DROP INDEX records_actor`, `DROP INDEX records_resource`, `DROP INDEX records_words`, `DROP INDEX records_counts`,
		`ALTER TABLE records DROP COLUMN account`, `ALTER TABLE records DROP COLUMN actor`,
		`ALTER TABLE records DROP COLUMN resource`, `ALTER TABLE records DROP COLUMN words`,
		`DROP TABLE overrides`, `DROP TABLE actions`, `DROP TABLE events`, `DROP TABLE origins`, `PRAGMA user_version = 1`,
	} {
		execute(t, path, statement)
	}
	migrated := openTest(t, path)
	for name, tt := range searches {
		if diff := cmp.Diff(tt.want, found(t, migrated, tt.s)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	l := openTest(t, filepath.Join(t.TempDir(), "ledger.db"))
	some(t, l)
	got, err := l.Counts(t.Context(), t0.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	want := []Count{{"f", remedy.Failed, 1, t0.Add(3 * time.Minute)}, {"f", remedy.Held, 3, t0.Add(4 * time.Minute)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestDays(t *testing.T) {
	t.Parallel()
	l := openTest(t, filepath.Join(t.TempDir(), "ledger.db"))
	some(t, l)
	late := record("r9")
	late.Times.Received = t0.Add(24 * time.Hour)
	if err := l.SaveRecord(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	got, err := l.Days(t.Context(), "f", t0)
	if err != nil {
		t.Fatal(err)
	}
	want := []Day{{"2026-03-14", remedy.Failed, 1}, {"2026-03-14", remedy.Held, 4}, {"2026-03-15", remedy.Held, 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("days (-want +got):\n%s", diff)
	}
}

// plan gives SQLite's plan for a query.
func plan(t *testing.T, l *Ledger, query string, args ...any) string {
	t.Helper()
	rows, err := l.readers.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		out = append(out, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, "; ")
}

// Queries of a listing must not read the whole table, nor sort it.
func TestListingUsesIndexes(t *testing.T) {
	t.Parallel()
	l := openTest(t, filepath.Join(t.TempDir(), "ledger.db"))
	after := stored.PositionOf(record("r1")).Cursor()
	for want, s := range map[string]Search{
		"SEARCH records USING INDEX records_received ((received,id)<(?,?))":                    {Query: remedy.Query{After: after}},
		"SEARCH records USING INDEX records_received (received>? AND (received,id)<(?,?))":     {Query: remedy.Query{Since: t0, After: after}},
		"SEARCH records USING INDEX records_outcome (outcome=? AND (received,id)<(?,?))":       {Query: remedy.Query{Outcome: remedy.Held, After: after}},
		"SEARCH records USING INDEX records_function (function=? AND received>?)":              {Query: remedy.Query{Function: "f", Since: t0}},
		"SEARCH records USING INDEX records_account (account=? AND received>? AND received<?)": {Account: "1", Query: remedy.Query{Since: t0, Until: t0}},
		"SEARCH records USING INDEX records_actor (actor=?)":                                   {Actor: "ann"},
		"SEARCH records USING INDEX records_resource (resource=?)":                             {Resource: "T|r"},
		"SCAN records USING INDEX records_words":                                               {Text: "word"},
	} {
		query, args, err := s.sql()
		if err != nil {
			t.Fatal(err)
		}
		if got := plan(t, l, query, args...); got != want {
			t.Errorf("%+v is answered by\n %q, want\n %q", s, got, want)
		}
	}
	if got := plan(t, l, countQuery, stored.Time(t0)); !strings.Contains(got, "USING COVERING INDEX records_counts") || strings.Contains(got, "TEMP B-TREE") {
		t.Errorf("counts are answered by %q", got)
	}
	if got := plan(t, l, dayQuery, "f", stored.Time(t0)); !strings.Contains(got, "USING COVERING INDEX records_counts (function=?") {
		t.Errorf("days are answered by %q", got)
	}
}

// BenchmarkSearch shows what a page of the console costs on a large ledger: the
// first, one by actor, one by a word that is rare, and the counts beside them.
func BenchmarkSearch(b *testing.B) {
	const records = 100_000
	l := openTest(b, filepath.Join(b.TempDir(), "ledger.db"))
	tx, err := l.writer.BeginTx(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	for i := range records {
		rec := record(fmt.Sprintf("%020x", i*7919))
		rec.Function, rec.Outcome = fmt.Sprintf("function-%d", i%30), []remedy.Outcome{remedy.Observed, remedy.Held, remedy.Failed}[i%3]
		rec.Resource.ID = fmt.Sprintf("arn:aws:ec2:eu-west-1:111122223333:security-group/sg-%08x", i%5000)
		rec.Event.Actor.ID = fmt.Sprintf("arn:aws:iam::111122223333:user/user-%d", i%400)
		rec.Reason = "Port 22 is open to 0.0.0.0/0. In enforce mode Ebb would make 1 call to the nearest compliant state."
		rec.Before = []byte(strings.Repeat(`{"rules":[{"port":22,"cidr":"0.0.0.0/0"}]}`, 40))
		rec.Times.Received = t0.Add(time.Duration(i) * time.Second)
		row, err := encodeRecord(rec)
		if err != nil {
			b.Fatal(err)
		}
		if err := putRecord(b.Context(), tx, row); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	page := remedy.Query{Limit: 50}
	for name, s := range map[string]Search{
		"first page": {Query: page}, "actor": {Query: page, Actor: "arn:aws:iam::111122223333:user/user-7"},
		"rare word": {Query: page, Text: fmt.Sprintf("%020x", 50_000*7919)},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := l.Search(b.Context(), s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("counts of a week", func(b *testing.B) {
		for b.Loop() {
			if _, err := l.Counts(b.Context(), t0); err != nil {
				b.Fatal(err)
			}
		}
	})
}
