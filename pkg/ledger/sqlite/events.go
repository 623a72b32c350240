package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/ebb-ops/ebb/pkg/ledger/internal/stored"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// EventFor is how long the event that a record came from is kept.
const EventFor = 30 * 24 * time.Hour

// maxExpired is how many events that are too old one transaction removes: the
// next remediation must not wait for a month of them.
const maxExpired = 100

// ErrNoEvent means that the event of a record is not kept, or no longer.
var ErrNoEvent = errors.New("the record's event is not kept")

// Handled is what the handling of one delivery leaves beside its records.
type Handled struct {
	Records []remedy.Record // as the engine gave them, kept or not
	Event   []byte          // the delivery's payload, as received; nil for what has none, such as an undo
	Now     time.Time       // from which the event is kept for [EventFor]
	TraceID string          // of Spans
	Spans   []Span          // the steps; may be none
}

// SaveHandled keeps the event of a delivery beside the records that came from
// it, and the delivery's spans, in one transaction. A record has the event that
// it was first made of: that of a copy, which came in later, is not kept, and
// neither is that of a no-op. Doing it again changes nothing.
func (l *Ledger) SaveHandled(ctx context.Context, h Handled) error {
	made := h.made()
	if len(made) == 0 && len(h.Spans) == 0 {
		return nil
	}
	err := l.write(ctx, func(tx *sql.Tx) error {
		if err := putEvent(ctx, tx, h, made); err != nil {
			return fmt.Errorf("the event: %w", err)
		}
		return putSpans(ctx, tx, h.TraceID, h.Spans)
	})
	if err != nil {
		return fmt.Errorf("ledger: save what was handled: %w", err)
	}
	return nil
}

// made gives the records that the event may have made. A duplicate is among
// them, for its event may be the very one: redelivered after a crash.
func (h Handled) made() (recs []remedy.Record) {
	if h.Event == nil {
		return nil
	}
	for _, r := range h.Records {
		if r.ID != "" && (r.Kept() || r.Attempt > 0 || r.Outcome == remedy.Duplicate) {
			recs = append(recs, r)
		}
	}
	return recs
}

// putEvent keeps an event if it is that of a record in the table: both were
// received at the same moment, which tells it from a copy.
func putEvent(ctx context.Context, tx *sql.Tx, h Handled, made []remedy.Record) error {
	sum := sha256.Sum256(h.Event)
	id := hex.EncodeToString(sum[:])
	var linked int64
	for _, r := range made {
		res, err := tx.ExecContext(ctx, `
INSERT INTO origins (record, event) SELECT id, ? FROM records WHERE id = ? AND received = ?
ON CONFLICT DO NOTHING`, id, r.ID, stored.Time(r.Times.Received))
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		linked += n
	}
	if linked == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `
INSERT INTO events (id, at, payload) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET at = max(at, excluded.at)`, id, stored.Time(h.Now), h.Event)
	if err != nil {
		return err
	}
	const expired = `(SELECT id FROM events WHERE at <= ? ORDER BY at LIMIT ?)`
	for _, statement := range []string{`DELETE FROM origins WHERE event IN ` + expired, `DELETE FROM events WHERE id IN ` + expired} {
		if _, err := tx.ExecContext(ctx, statement, stored.Time(h.Now.Add(-EventFor)), maxExpired); err != nil {
			return err
		}
	}
	return nil
}

// Event gives the event that a record came from, as it was received, or
// [ErrNoEvent]: also for one that is older than [EventFor] and not removed yet.
func (l *Ledger) Event(ctx context.Context, record string, now time.Time) ([]byte, error) {
	var payload []byte
	err := l.readers.QueryRowContext(ctx, `
SELECT e.payload FROM origins o JOIN events e ON e.id = o.event WHERE o.record = ? AND e.at > ?`,
		record, stored.Time(now.Add(-EventFor))).Scan(&payload)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoEvent
	}
	if err != nil {
		return nil, fmt.Errorf("ledger: event of record %s: %w", record, err)
	}
	return payload, nil
}
