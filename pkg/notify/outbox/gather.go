package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ebb-ops/ebb/pkg/notify"
)

// row is a result that waits.
type row struct {
	seq  int64
	at   time.Time
	item notify.Item
}

// gather makes the messages of a channel that are due, from what waits for it.
func (b *Outbox) gather(ctx context.Context, channel string) error {
	err := b.tx(ctx, func(tx *sql.Tx) error {
		// While a message waits, so does what would follow it: a channel that is
		// down gets one message for all of that.
		var waiting int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM messages WHERE channel = ?`, channel).Scan(&waiting); err != nil || waiting > 0 {
			return err
		}
		now := b.opts.Now()
		rows, err := b.waiting(ctx, tx, channel, now)
		if err != nil || len(rows) == 0 {
			return err
		}
		ch, known := b.c.Channels[channel]
		if !known { // the sender will say so, in a dead letter
			ch.Limit = notify.Limit{Messages: 1, Per: time.Nanosecond}
		}
		var made int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM made WHERE channel = ? AND at > ?`, channel, now.Add(-ch.Limit.Per).UnixNano()).Scan(&made); err != nil {
			return err
		}
		budget := ch.Limit.Messages - made
		if ch.PagerDuty != nil {
			return b.incidents(ctx, tx, channel, rows, budget, now)
		}
		if budget < 1 || now.Sub(rows[0].at) < b.c.Grouping.Window {
			return nil
		}
		items := make([]notify.Item, len(rows))
		for i, r := range rows {
			items[i] = r.item
		}
		return b.message(ctx, tx, channel, b.c.Gather(newID(), items, rows[0].at, rows[len(rows)-1].at, now), now, rows...)
	})
	if err != nil {
		return fmt.Errorf("gather for %s: %w", channel, err)
	}
	return nil
}

// waiting gives the results of a channel that no quiet time holds back, oldest first.
func (b *Outbox) waiting(ctx context.Context, tx *sql.Tx, channel string, now time.Time) (out []row, err error) {
	args := []any{channel}
	for _, s := range append(notify.Severities(), "") {
		held := any(nil)
		if b.c.QuietFor(channel, s, now) {
			held = string(s)
		}
		args = append(args, held)
	}
	rows, err := tx.QueryContext(ctx, `SELECT seq, at, item FROM items WHERE channel = ?
		AND severity IS NOT ? AND severity IS NOT ? AND severity IS NOT ? AND severity IS NOT ? AND severity IS NOT ?
		ORDER BY seq LIMIT ?`, append(args, MaxGathered)...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var (
			r    row
			at   int64
			body []byte
		)
		if err := rows.Scan(&r.seq, &at, &body); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(body, &r.item); err != nil {
			return nil, err
		}
		r.at = time.Unix(0, at)
		out = append(out, r)
	}
	return out, rows.Err()
}

// incidents makes a message for each function and resource: of several results
// the last counts. A result that would resolve what is not open makes none.
func (b *Outbox) incidents(ctx context.Context, tx *sql.Tx, channel string, rows []row, budget int, now time.Time) error {
	byKey := map[string][]row{}
	var keys []string
	for _, r := range rows {
		if byKey[r.item.Key] == nil {
			keys = append(keys, r.item.Key)
		}
		byKey[r.item.Key] = append(byKey[r.item.Key], r)
	}
	for _, key := range keys {
		of := byKey[key]
		last := of[len(of)-1]
		var open int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM threads WHERE channel = ? AND key = ?`, channel, key).Scan(&open); err != nil {
			return err
		}
		resolve := notify.Resolves(last.item.Outcome)
		if resolve && open == 0 {
			if err := remove(ctx, tx, of); err != nil {
				return err
			}
			continue
		}
		if budget--; budget < 0 {
			continue // its turn comes
		}
		n := b.c.Gather(newID(), []notify.Item{last.item}, of[0].at, last.at, now)
		n.Resolve = resolve
		if err := b.message(ctx, tx, channel, n, now, of...); err != nil {
			return err
		}
		change, args := `DELETE FROM threads WHERE channel = ? AND key = ?`, []any{channel, key}
		if !resolve {
			change, args = `INSERT OR REPLACE INTO threads VALUES (?, ?, 'open', ?)`, append(args, now.UnixNano())
		}
		if _, err := tx.ExecContext(ctx, change, args...); err != nil {
			return err
		}
	}
	return nil
}

// message puts a notice in the place of the results that it tells of.
func (b *Outbox) message(ctx context.Context, tx *sql.Tx, channel string, n notify.Notice, now time.Time, of ...row) error {
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO messages (id, channel, notice) VALUES (?, ?, ?)`, n.ID, channel, body); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO made VALUES (?, ?)`, channel, now.UnixNano()); err != nil {
		return err
	}
	return remove(ctx, tx, of)
}

func remove(ctx context.Context, tx *sql.Tx, of []row) error {
	for _, r := range of {
		if _, err := tx.ExecContext(ctx, `DELETE FROM items WHERE seq = ?`, r.seq); err != nil {
			return err
		}
	}
	return nil
}
