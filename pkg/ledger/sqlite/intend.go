package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ebb-ops/ebb/pkg/ledger/internal/stored"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Intend implements [remedy.Ledger].
func (l *Ledger) Intend(ctx context.Context, in remedy.Intent) error {
	if err := l.intend(ctx, in); err != nil {
		return fmt.Errorf("ledger: intend record %s: %w", in.Record.ID, err)
	}
	return nil
}

func (l *Ledger) intend(ctx context.Context, in remedy.Intent) error {
	if err := stored.CheckCaps(in.Blast, in.Fight); err != nil {
		return err
	}
	row, err := encodeRecord(in.Record)
	if err != nil {
		return err
	}
	revert, err := json.Marshal(stored.RevertOf(in))
	if err != nil {
		return fmt.Errorf("encode revert: %w", err)
	}
	key := in.Record.Resource.Key()
	return l.write(ctx, func(tx *sql.Tx) error {
		if err := asKnown(ctx, tx, in); err != nil {
			return err
		}
		// All caps are asked before any is counted: the first that is reached
		// is told, and then nothing is written.
		caps := []counted{{"fight", key, in.Fight}, {"blast", stored.BlastKey(in.Record), in.Blast}}
		for _, c := range caps {
			if err := c.check(ctx, tx, in); err != nil {
				return err
			}
		}
		for _, c := range caps {
			if err := c.count(ctx, tx, in, revert); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM reverts WHERE at <= ?`, stored.Time(in.Now.Add(-remedy.MaxCapWindow))); err != nil {
			return err
		}
		if err := putRecord(ctx, tx, row); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
INSERT INTO resources (key, version, lease_record, lease_owner, lease_expires) VALUES (?, 1, ?, ?, ?)
ON CONFLICT DO UPDATE SET version = version + 1, lease_record = excluded.lease_record,
	lease_owner = excluded.lease_owner, lease_expires = excluded.lease_expires`,
			key, in.Lease.Record, in.Lease.Owner, stored.Time(in.Lease.Expires))
		return err
	})
}

// asKnown checks that the entries of the resource and of the record are still
// as in.Known has them, and that nobody else holds the resource.
func asKnown(ctx context.Context, tx *sql.Tx, in remedy.Intent) error {
	var (
		version                          sql.NullInt64
		leaseRecord, leaseOwner, expires sql.NullString
		form, undoneBy                   sql.NullString
	)
	err := tx.QueryRowContext(ctx, `
SELECT e.version, e.lease_record, e.lease_owner, e.lease_expires, r.form, r.undone_by
FROM (SELECT ?1 AS key) k
LEFT JOIN resources e ON e.key = k.key
LEFT JOIN records   r ON r.id = ?2`,
		in.Record.Resource.Key(), in.Record.ID).Scan(&version, &leaseRecord, &leaseOwner, &expires, &form, &undoneBy)
	if err != nil {
		return err
	}
	var knownForm, knownUndoneBy sql.NullString
	if rec := in.Known.Record; rec != nil {
		knownForm = sql.NullString{String: stored.Form(*rec), Valid: true}
		knownUndoneBy = sql.NullString{String: rec.UndoneBy, Valid: true}
	}
	if version.Int64 != in.Known.Version || form != knownForm || undoneBy != knownUndoneBy {
		return remedy.ErrStale
	}
	own := leaseRecord.String == in.Lease.Record && leaseOwner.String == in.Lease.Owner
	if leaseOwner.Valid && !own && expires.String > stored.Time(in.Now) {
		return remedy.ErrBusy
	}
	return nil
}

// counted is a cap and what it counts.
type counted struct {
	kind, key string
	cap       remedy.Cap
}

// check fails with a *remedy.CapReached when there is no room for one more.
func (c counted) check(ctx context.Context, tx *sql.Tx, in remedy.Intent) error {
	if c.cap.Limit <= 0 {
		return nil
	}
	rows, err := tx.QueryContext(ctx, `SELECT body FROM reverts WHERE cap = ? AND key = ? AND at > ?`,
		c.kind, c.key, stored.Time(in.Now.Add(-c.cap.Window)))
	if err != nil {
		return err
	}
	defer rows.Close()
	var reverts []remedy.Revert
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return err
		}
		var r remedy.Revert
		if err := json.Unmarshal(body, &r); err != nil {
			return fmt.Errorf("decode revert: %w", err)
		}
		reverts = append(reverts, r)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if reached := stored.Reached(c.kind, c.cap, in.Now, in.Record.ID, reverts); reached != nil {
		return reached
	}
	return nil
}

// count counts the record's revert, from now on and once.
func (c counted) count(ctx context.Context, tx *sql.Tx, in remedy.Intent, revert []byte) error {
	if c.cap.Limit <= 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO reverts (cap, key, record, at, body) VALUES (?, ?, ?, ?, ?)`,
		c.kind, c.key, in.Record.ID, stored.Time(in.Now), revert)
	return err
}

// Finish implements [remedy.Ledger].
func (l *Ledger) Finish(ctx context.Context, f remedy.Finish) error {
	if err := l.finish(ctx, f); err != nil {
		return fmt.Errorf("ledger: finish record %s: %w", f.Record.ID, err)
	}
	return nil
}

func (l *Ledger) finish(ctx context.Context, f remedy.Finish) error {
	row, err := encodeRecord(f.Record)
	if err != nil {
		return err
	}
	rec := f.Record
	return l.write(ctx, func(tx *sql.Tx) error {
		err := changeOne(ctx, tx, remedy.ErrLeaseLost, `
UPDATE resources SET version = version + 1, released = ?, last = iif(?, ?, last),
	lease_record = NULL, lease_owner = NULL, lease_expires = NULL
WHERE key = ? AND lease_record = ? AND lease_owner = ?`,
			nullTime(f.Now), f.Changed, rec.ID, rec.Resource.Key(), rec.ID, f.Owner)
		if err != nil {
			return err
		}
		if err := putRecord(ctx, tx, row); err != nil {
			return err
		}
		if f.Baseline != nil {
			if err := putBaseline(ctx, tx, rec.Function, rec.Resource, *f.Baseline); err != nil {
				return err
			}
		}
		if f.Hold != nil {
			if err := putHold(ctx, tx, rec, *f.Hold); err != nil {
				return err
			}
		}
		if f.Undone == "" {
			return nil
		}
		err = changeOne(ctx, tx, remedy.ErrNoRecord, `UPDATE records SET undone_by = ? WHERE id = ?`, rec.ID, f.Undone)
		if err != nil {
			return fmt.Errorf("mark record %s as undone: %w", f.Undone, err)
		}
		return nil
	})
}

func putHold(ctx context.Context, tx *sql.Tx, rec remedy.Record, h remedy.Hold) error {
	body, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("encode hold: %w", err)
	}
	_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO holds (resource, function, body) VALUES (?, ?, ?)`,
		rec.Resource.Key(), rec.Function, body)
	return err
}

// BreakLeases removes the leases whose owner begins with ownerPrefix, and says
// how many they were. Only a process that knows those owners to be dead may
// call it: `ebb serve`, which holds its data folder's lock, of its predecessor.
func (l *Ledger) BreakLeases(ctx context.Context, ownerPrefix string) (int, error) {
	if ownerPrefix == "" {
		return 0, errors.New("ledger: break leases: no owner is named, and so every lease would be broken")
	}
	var n int64
	err := l.write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `
UPDATE resources SET version = version + 1, lease_record = NULL, lease_owner = NULL, lease_expires = NULL
WHERE substr(lease_owner, 1, length(?1)) = ?1`, ownerPrefix)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("ledger: break leases of %s: %w", ownerPrefix, err)
	}
	return int(n), nil
}

// changeOne runs a statement that must change one row; it fails with none when
// it changed nothing.
func changeOne(ctx context.Context, tx *sql.Tx, none error, query string, args ...any) error {
	res, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return none
	}
	return err
}
