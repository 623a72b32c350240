package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ebb-ops/ebb/pkg/notify"
)

// readySchema keeps notices that are whole until a channel may get them: in a table of
// their own, so that none holds up the results that quiet hours let through.
const readySchema = `CREATE TABLE IF NOT EXISTS ready (
	seq     INTEGER PRIMARY KEY AUTOINCREMENT,
	channel TEXT NOT NULL,
	notice  BLOB NOT NULL                -- JSON
) STRICT`

// Message keeps a ready-made notice for each of the channels. It returns nil only
// when that is durable. A notice of the same ID is kept for a channel once. Its
// ID in a channel is its own and the channel's name, since each has its attempts.
func (b *Outbox) Message(ctx context.Context, channels []string, n notify.Notice) error {
	now := b.opts.Now().UnixNano()
	err := b.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, readySchema); err != nil {
			return err
		}
		for _, ch := range channels {
			res, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO told VALUES (?, ?, 'message', ?)`, ch, n.ID, now)
			if err != nil {
				return err
			}
			if added, err := res.RowsAffected(); err != nil || added == 0 {
				if err != nil {
					return err
				}
				continue
			}
			own := n
			own.ID += "-" + ch
			body, err := json.Marshal(own)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO ready (channel, notice) VALUES (?, ?)`, ch, body); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("put message %s in the outbox: %w", n.ID, err)
	}
	return b.Release(ctx)
}

// Release hands what [Outbox.Message] kept to the worker, as far as quiet hours
// and the channels' limits let it.
func (b *Outbox) Release(ctx context.Context) error {
	moved := false
	err := b.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, readySchema); err != nil {
			return err
		}
		waiting, err := b.ready(ctx, tx)
		if err != nil {
			return err
		}
		now := b.opts.Now()
		for _, m := range waiting {
			limit := b.c.Channels[m.channel].Limit
			var made int
			if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM made WHERE channel = ? AND at > ?`, m.channel, now.Add(-limit.Per).UnixNano()).Scan(&made); err != nil {
				return err
			}
			// A channel that the file no longer has gets it: the sender says so, in a dead letter.
			if limit.Messages > 0 && made >= limit.Messages || b.c.QuietFor(m.channel, "", now) {
				continue
			}
			if err := json.Unmarshal(m.body, &m.notice); err != nil {
				return err
			}
			if err := b.message(ctx, tx, m.channel, m.notice, now); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `DELETE FROM ready WHERE seq = ?`, m.seq); err != nil {
				return err
			}
			moved = true
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("hand messages over: %w", err)
	}
	if moved {
		b.nudge()
	}
	return nil
}

// RunMessages releases until ctx ends, beside [Outbox.Run].
func (b *Outbox) RunMessages(ctx context.Context) {
	tick := time.NewTicker(Poll)
	defer tick.Stop()
	for {
		if err := b.Release(ctx); err != nil && ctx.Err() == nil {
			b.opts.Log.ErrorContext(ctx, "messages wait", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// ready gives what is kept, oldest first.
func (b *Outbox) ready(ctx context.Context, tx *sql.Tx) (out []message, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT seq, channel, notice FROM ready ORDER BY seq`)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var m message
		if err := rows.Scan(&m.seq, &m.channel, &m.body); err != nil {
			_ = rows.Close()
			return nil, err
		}
		out = append(out, m)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return out, rows.Close()
}
