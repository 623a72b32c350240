package sqlite

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ebb-ops/ebb/pkg/ledger/internal/stored"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Search selects records by more than a [remedy.Query]. Zero fields select everything.
type Search struct {
	remedy.Query
	Account  string // of the resource
	Actor    string // as [remedy.Actor.String] gives it
	Resource string // [remedy.Ref.Key]
	Text     string // words that must all be somewhere in the record's names and sentences, in any case
}

// Search gives a page of records as [remedy.Ledger.Records] does.
func (l *Ledger) Search(ctx context.Context, s Search) ([]remedy.Record, string, error) {
	page, next, err := l.search(ctx, s)
	if err != nil {
		return nil, "", fmt.Errorf("ledger: search records: %w", err)
	}
	return page, next, nil
}

func (l *Ledger) search(ctx context.Context, s Search) (page []remedy.Record, next string, err error) {
	query, args, err := s.sql()
	if err != nil {
		return nil, "", err
	}
	rows, err := l.readers.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		if len(page) == stored.PageSize(s.Query) {
			return page, stored.PositionOf(page[len(page)-1]).Cursor(), nil
		}
		var (
			undoneBy string
			body     []byte
		)
		if err := rows.Scan(&undoneBy, &body); err != nil {
			return nil, "", err
		}
		rec, err := decodeRecord(body, undoneBy)
		if err != nil {
			return nil, "", err
		}
		page = append(page, rec)
	}
	return page, "", rows.Err()
}

// sql selects one record more than the page holds, to tell whether there is a
// next one.
func (s Search) sql() (string, []any, error) {
	var (
		where []string
		args  []any
	)
	also := func(condition string, values ...any) {
		where = append(where, condition)
		args = append(args, values...)
	}
	for _, c := range []struct{ condition, value string }{
		{"outcome = ?", string(s.Outcome)}, {"function = ?", s.Function},
		{"account = ?", s.Account}, {"actor = ?", s.Actor}, {"resource = ?", s.Resource},
	} {
		if c.value != "" {
			also(c.condition, c.value)
		}
	}
	if !s.Since.IsZero() {
		also("received >= ?", stored.Time(s.Since))
	}
	// Of the two ends only the earlier is asked for: of two, SQLite may search by
	// the later, and read all before the page once more.
	until := ""
	if !s.Until.IsZero() {
		until = stored.Time(s.Until)
	}
	if s.After != "" {
		p, err := stored.ParseCursor(s.After)
		if err != nil {
			return "", nil, err
		}
		if until == "" || p.Received < until {
			also("(received, id) < (?, ?)", p.Received, p.ID)
			until = ""
		}
	}
	if until != "" {
		also("received < ?", until)
	}
	query := "SELECT undone_by, body FROM records"
	if asked := strings.Fields(strings.ToLower(s.Text)); len(asked) > 0 {
		// The words stand in the index, so that only the records found are read.
		query += " INDEXED BY records_words"
		for _, w := range asked {
			also("instr(words, ?) > 0", w)
		}
	}
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	return query + " ORDER BY received DESC, id DESC LIMIT ?", append(args, stored.PageSize(s.Query)+1), nil
}

// maxWords is the most bytes of a record that can be searched: the names come
// first, long sentences end early.
const maxWords = 1000

// words gives what a record can be found by.
func words(rec remedy.Record) string {
	a := rec.Event.Actor
	parts := []string{
		rec.ID, rec.Resource.ID, rec.Resource.Type, rec.Resource.Account, rec.Resource.Region, rec.Function,
		rec.Event.Name, rec.Event.ID, a.ID, a.Name, a.Session, a.IP, rec.TraceID,
	}
	for _, v := range rec.Violations {
		parts = append(parts, v.Rule)
	}
	s := strings.ToLower(strings.Join(append(parts, rec.Reason, rec.Error), " "))
	if len(s) > maxWords {
		s = strings.ToValidUTF8(s[:maxWords], "")
	}
	return s
}

// Count is how many records of a function ended in one way, and when the last of
// them was received.
type Count struct {
	Function string
	Outcome  remedy.Outcome
	Records  int
	Last     time.Time
}

// Counts counts the records received since a time by function and outcome.
func (l *Ledger) Counts(ctx context.Context, since time.Time) ([]Count, error) {
	counts, err := l.counts(ctx, since)
	if err != nil {
		return nil, fmt.Errorf("ledger: count records: %w", err)
	}
	return counts, nil
}

const countQuery = `
SELECT function, outcome, count(*), max(received) FROM records WHERE received >= ?
GROUP BY function, outcome ORDER BY function, outcome`

func (l *Ledger) counts(ctx context.Context, since time.Time) (out []Count, err error) {
	rows, err := l.readers.QueryContext(ctx, countQuery, stored.Time(since))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c Count
		var last string
		if err := rows.Scan(&c.Function, &c.Outcome, &c.Records, &last); err != nil {
			return nil, err
		}
		if c.Last, err = stored.ParseTime(last); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// Day is how many of a function's records a day in UTC has, by outcome.
type Day struct {
	Date    string // "2026-11-27"
	Outcome remedy.Outcome
	Records int
}

// Days counts a function's records received since a time, by day and outcome.
func (l *Ledger) Days(ctx context.Context, function string, since time.Time) ([]Day, error) {
	days, err := l.days(ctx, function, since)
	if err != nil {
		return nil, fmt.Errorf("ledger: count the records of %s: %w", function, err)
	}
	return days, nil
}

const dayQuery = `
SELECT substr(received, 1, 10), outcome, count(*) FROM records INDEXED BY records_counts WHERE function = ? AND received >= ?
GROUP BY 1, 2 ORDER BY 1, 2`

func (l *Ledger) days(ctx context.Context, function string, since time.Time) (out []Day, err error) {
	rows, err := l.readers.QueryContext(ctx, dayQuery, function, stored.Time(since))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d Day
		if err := rows.Scan(&d.Date, &d.Outcome, &d.Records); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, rows.Err()
}
