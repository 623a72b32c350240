package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/ebb-ops/ebb/pkg/ledger/internal/stored"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// recordRow is a record as the table has it.
type recordRow struct {
	id, received, outcome, function, form, undoneBy string
	account, actor, resource, words                 string
	body                                            []byte
}

func encodeRecord(rec remedy.Record) (recordRow, error) {
	body, err := stored.EncodeRecord(rec)
	if err != nil {
		return recordRow{}, err
	}
	return recordRow{
		id: rec.ID, received: stored.Time(rec.Times.Received), outcome: string(rec.Outcome),
		function: rec.Function, form: stored.Form(rec), undoneBy: rec.UndoneBy, body: body,
		account: rec.Resource.Account, actor: rec.Event.Actor.String(), resource: rec.Resource.Key(), words: words(rec),
	}, nil
}

func decodeRecord(body []byte, undoneBy string) (remedy.Record, error) {
	rec, err := stored.DecodeRecord(body)
	rec.UndoneBy = undoneBy
	return rec, err
}

func putRecord(ctx context.Context, tx *sql.Tx, r recordRow) error {
	_, err := tx.ExecContext(ctx, `
INSERT INTO records (id, received, outcome, function, form, undone_by, account, actor, resource, words, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET received = excluded.received, outcome = excluded.outcome, function = excluded.function,
	form = excluded.form, undone_by = excluded.undone_by, account = excluded.account, actor = excluded.actor,
	resource = excluded.resource, words = excluded.words, body = excluded.body`,
		r.id, r.received, r.outcome, r.function, r.form, r.undoneBy, r.account, r.actor, r.resource, r.words, r.body)
	return err
}

// SaveRecord implements [remedy.Ledger].
func (l *Ledger) SaveRecord(ctx context.Context, rec remedy.Record) error {
	row, err := encodeRecord(rec)
	if err == nil {
		err = l.write(ctx, func(tx *sql.Tx) error {
			var outcome string
			err := tx.QueryRowContext(ctx, `SELECT outcome FROM records WHERE id = ?`, rec.ID).Scan(&outcome)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			closed := stored.Closed()
			if slices.Contains(closed[:], remedy.Outcome(outcome)) {
				return remedy.ErrStale
			}
			return putRecord(ctx, tx, row)
		})
	}
	if err != nil {
		return fmt.Errorf("ledger: save record %s: %w", rec.ID, err)
	}
	return nil
}

// Record implements [remedy.Ledger].
func (l *Ledger) Record(ctx context.Context, id string) (remedy.Record, error) {
	var (
		rec      remedy.Record
		undoneBy string
		body     []byte
	)
	err := l.readers.QueryRowContext(ctx, `SELECT undone_by, body FROM records WHERE id = ?`, id).Scan(&undoneBy, &body)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		err = remedy.ErrNoRecord
	case err == nil:
		rec, err = decodeRecord(body, undoneBy)
	}
	if err != nil {
		return remedy.Record{}, fmt.Errorf("ledger: record %s: %w", id, err)
	}
	return rec, nil
}

// Records implements [remedy.Ledger].
func (l *Ledger) Records(ctx context.Context, q remedy.Query) ([]remedy.Record, string, error) {
	page, next, err := l.records(ctx, q)
	if err != nil {
		return nil, "", fmt.Errorf("ledger: list records: %w", err)
	}
	return page, next, nil
}

func (l *Ledger) records(ctx context.Context, q remedy.Query) (page []remedy.Record, next string, err error) {
	return l.search(ctx, Search{Query: q})
}
