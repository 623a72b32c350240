package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ebb-ops/ebb/pkg/notify"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas"
)

// Run gathers and sends until ctx ends. What is not sent by then stays. Trouble
// with the file is logged, and tried again: it must not end remediations.
func (b *Outbox) Run(ctx context.Context) {
	tick := time.NewTicker(Poll)
	defer tick.Stop()
	for {
		if err := b.Step(ctx); err != nil && ctx.Err() == nil {
			b.opts.Log.ErrorContext(ctx, "notifications wait", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
		case <-tick.C:
		}
	}
}

// Step gathers and sends what is due now, all channels side by side: one that
// hangs does not hold up the others.
func (b *Outbox) Step(ctx context.Context) error {
	channels, err := b.channels(ctx)
	if err != nil {
		return fmt.Errorf("look into the outbox: %w", err)
	}
	errs := make([]error, len(channels))
	var all sync.WaitGroup
	for i, ch := range channels {
		all.Go(func() {
			if errs[i] = b.gather(ctx, ch); errs[i] == nil {
				errs[i] = b.flush(ctx, ch)
			}
		})
	}
	all.Wait()
	return errors.Join(append(errs, b.forget(ctx))...)
}

// channels gives those for which something waits.
func (b *Outbox) channels(ctx context.Context) (out []string, err error) {
	rows, err := b.db.QueryContext(ctx, `SELECT channel FROM items UNION SELECT channel FROM messages`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var ch string
		if err := rows.Scan(&ch); err != nil {
			return nil, err
		}
		out = append(out, ch)
	}
	return out, rows.Err()
}

// forget drops what no longer tells anything.
func (b *Outbox) forget(ctx context.Context) error {
	now := b.opts.Now()
	for _, old := range []struct {
		query string
		age   time.Duration
	}{
		{`DELETE FROM told WHERE at < ?`, toldFor},
		{`DELETE FROM made WHERE at < ?`, notify.MaxPer},
		// An open incident is kept until it is resolved.
		{`DELETE FROM threads WHERE value <> 'open' AND at < ?`, threadFor},
	} {
		if _, err := b.db.ExecContext(ctx, old.query, now.Add(-old.age).UnixNano()); err != nil {
			return fmt.Errorf("clean the outbox: %w", err)
		}
	}
	return nil
}

// message is one that waits.
type message struct {
	seq      int64
	channel  string
	attempts int
	notice   notify.Notice
	body     []byte
}

// flush sends the messages of a channel in their order, as far as they are due.
func (b *Outbox) flush(ctx context.Context, channel string) error {
	for ctx.Err() == nil {
		m := message{channel: channel}
		var due int64
		err := b.db.QueryRowContext(ctx, `SELECT seq, attempts, next_at, notice FROM messages WHERE channel = ? ORDER BY seq LIMIT 1`, channel).
			Scan(&m.seq, &m.attempts, &due, &m.body)
		if errors.Is(err, sql.ErrNoRows) || err == nil && due > b.opts.Now().UnixNano() {
			return nil
		}
		if err == nil {
			err = json.Unmarshal(m.body, &m.notice)
		}
		if err != nil {
			return fmt.Errorf("look for messages to %s: %w", channel, err)
		}
		if err := b.attempt(ctx, m); err != nil {
			return fmt.Errorf("note what became of a message to %s: %w", channel, err)
		}
	}
	return nil
}

// attempt sends a message once, and notes what became of it.
func (b *Outbox) attempt(ctx context.Context, m message) error {
	var thread string
	if m.notice.Thread != "" {
		err := b.db.QueryRowContext(ctx, `SELECT value FROM threads WHERE channel = ? AND key = ?`, m.channel, m.notice.Thread).Scan(&thread)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	next, err := b.opts.Send(ctx, m.channel, m.notice, thread)
	if ctx.Err() != nil && err != nil {
		return nil // the process is to stop: the next one sends it
	}
	// It was sent, so this must be noted also when the process is to stop.
	ctx = context.WithoutCancel(ctx)
	log := b.opts.Log.With("channel", m.channel, "message", m.notice.ID, "results", m.notice.Total)
	m.attempts++
	later, asked := errors.AsType[*saas.RetryLater](err)
	switch {
	case err == nil:
		b.opts.Count(ctx, m.channel, "sent")
		log.InfoContext(ctx, "notification sent", "attempts", m.attempts)
		return b.tx(ctx, func(tx *sql.Tx) error {
			if next != "" && m.notice.Thread != "" {
				if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO threads VALUES (?, ?, ?, ?)`,
					m.channel, m.notice.Thread, next, b.opts.Now().UnixNano()); err != nil {
					return err
				}
			}
			_, err := tx.ExecContext(ctx, `DELETE FROM messages WHERE seq = ?`, m.seq)
			return err
		})
	case remedy.IsPermanent(err) || m.attempts >= MaxAttempts:
		letter := remedy.DeadLetter{
			ID: m.notice.ID, Function: LetterPrefix + m.channel, Source: "ebb", Event: m.notice.ID,
			Reason: err.Error(), Attempts: m.attempts, At: b.opts.Now(), Payload: m.body,
		}
		if err := b.opts.Bury(ctx, letter); err != nil {
			return err
		}
		b.opts.Count(ctx, m.channel, "dead")
		log.ErrorContext(ctx, "notification is a dead letter", "attempts", m.attempts, "error", err.Error())
		_, err := b.db.ExecContext(ctx, `DELETE FROM messages WHERE seq = ?`, m.seq)
		return err
	}
	wait := min(MinBackoff<<(m.attempts-1), MaxBackoff)
	if asked {
		wait = max(wait, min(time.Until(later.At), MaxWait))
	}
	b.opts.Count(ctx, m.channel, "failed")
	log.WarnContext(ctx, "notification failed, it is sent again", "attempts", m.attempts, "wait", wait.String(), "error", err.Error())
	_, err = b.db.ExecContext(ctx, `UPDATE messages SET attempts = ?, next_at = ?, reason = ? WHERE seq = ?`,
		m.attempts, b.opts.Now().Add(wait).UnixNano(), err.Error(), m.seq)
	return err
}
