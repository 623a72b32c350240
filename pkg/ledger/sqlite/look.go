package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ebb-ops/ebb/pkg/ledger/internal/stored"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// One statement is one snapshot: what it gives was true together.
const lookQuery = `
SELECT e.version, e.lease_record, e.lease_owner, e.lease_expires, e.released, e.last,
	h.body, b.at, b.event, b.state, r.undone_by, r.body
FROM (SELECT ?1 AS key) k
LEFT JOIN resources e ON e.key = k.key
LEFT JOIN holds     h ON h.resource = k.key AND h.function = ?2
LEFT JOIN baselines b ON b.resource = k.key AND b.function = ?2
LEFT JOIN records   r ON r.id = ?3`

// Look implements [remedy.Ledger].
func (l *Ledger) Look(ctx context.Context, function string, r remedy.Ref, recordID string) (remedy.Known, error) {
	known, err := l.look(ctx, function, r, recordID)
	if err != nil {
		return remedy.Known{}, fmt.Errorf("ledger: look at %s: %w", r.Key(), err)
	}
	return known, nil
}

func (l *Ledger) look(ctx context.Context, function string, r remedy.Ref, recordID string) (known remedy.Known, err error) {
	var (
		version                                  sql.NullInt64
		leaseRecord, leaseOwner, expires, gaveUp sql.NullString
		last, baseAt, baseEvent, undoneBy        sql.NullString
		hold, state, body                        []byte
	)
	err = l.readers.QueryRowContext(ctx, lookQuery, r.Key(), function, recordID).Scan(
		&version, &leaseRecord, &leaseOwner, &expires, &gaveUp, &last,
		&hold, &baseAt, &baseEvent, &state, &undoneBy, &body)
	if err != nil {
		return known, err
	}
	known.Version, known.Last = version.Int64, last.String
	if leaseOwner.Valid {
		known.Lease = &remedy.Lease{Record: leaseRecord.String, Owner: leaseOwner.String}
		if known.Lease.Expires, err = stored.ParseTime(expires.String); err != nil {
			return known, err
		}
	}
	if gaveUp.Valid {
		if known.Released, err = stored.ParseTime(gaveUp.String); err != nil {
			return known, err
		}
	}
	if hold != nil {
		known.Hold = new(remedy.Hold)
		if err := json.Unmarshal(hold, known.Hold); err != nil {
			return known, fmt.Errorf("decode hold: %w", err)
		}
	}
	if baseAt.Valid {
		known.Baseline = &remedy.StoredState{State: state, Event: baseEvent.String}
		if known.Baseline.At, err = stored.ParseTime(baseAt.String); err != nil {
			return known, err
		}
	}
	if body != nil {
		rec, err := decodeRecord(body, undoneBy.String)
		if err != nil {
			return known, err
		}
		known.Record = &rec
	}
	return known, nil
}

// SaveBaseline implements [remedy.Ledger].
func (l *Ledger) SaveBaseline(ctx context.Context, function string, r remedy.Ref, state remedy.StoredState) error {
	err := l.write(ctx, func(tx *sql.Tx) error { return putBaseline(ctx, tx, function, r, state) })
	if err != nil {
		return fmt.Errorf("ledger: save the baseline of %s: %w", r.Key(), err)
	}
	return nil
}

func putBaseline(ctx context.Context, tx *sql.Tx, function string, r remedy.Ref, s remedy.StoredState) error {
	_, err := tx.ExecContext(ctx, `
INSERT INTO baselines (resource, function, at, event, state) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET at = excluded.at, event = excluded.event, state = excluded.state WHERE excluded.at >= at`,
		r.Key(), function, stored.Time(s.At), s.Event, []byte(s.State))
	return err
}

func nullTime(t time.Time) sql.NullString {
	return sql.NullString{String: stored.Time(t), Valid: !t.IsZero()}
}
