// Package outbox keeps the notifications of one local process until they were
// sent: a result is on disk before anything is sent, and a worker beside the
// remediations gathers results into messages and sends those.
//
// Nothing is dropped: what a quiet time or a limit holds back waits, and is
// part of the next message. A crash between the sending and its note sends
// again, with the same message id.
package outbox

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ebb-ops/ebb/pkg/notify"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// The outbox's bounds.
const (
	Poll        = time.Second      // how often to look for what is due
	MinBackoff  = time.Second      // after a first failed attempt; it doubles with each
	MaxBackoff  = 15 * time.Minute // the longest wait that the channel did not ask for
	MaxWait     = 24 * time.Hour   // the longest wait that it did ask for
	MaxAttempts = 15               // before a dead letter: about an hour and a half
	MaxGathered = 1000             // results in one message
	toldFor     = 7 * 24 * time.Hour
	threadFor   = 7 * 24 * time.Hour // after that a resource gets a new thread
)

// LetterPrefix begins the function's name in the dead letter of a notification;
// the channel follows.
const LetterPrefix = "notify/"

// Send sends a notice once: see [notify.Sender.Send].
type Send func(ctx context.Context, channel string, n notify.Notice, thread string) (next string, err error)

// Options are the outbox's parts. Send, Bury and Count are needed by [Outbox.Run] only.
type Options struct {
	Send  Send
	Bury  func(context.Context, remedy.DeadLetter) error    // keeps a dead letter
	Count func(ctx context.Context, channel, result string) // told of "sent", "failed" and "dead"; may be nil
	Now   func() time.Time                                  // nil means [time.Now]
	Log   *slog.Logger                                      // nil means none
}

// Outbox is an open outbox. It is safe for concurrent use.
type Outbox struct {
	db   *sql.DB
	c    *notify.Config
	opts Options
	wake chan struct{}
}

// Open opens the outbox in folder dir, and makes both if need be.
func Open(ctx context.Context, dir string, c *notify.Config, o Options) (*Outbox, error) {
	db, err := openFile(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("open outbox: %w", err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Count == nil {
		o.Count = func(context.Context, string, string) {}
	}
	return &Outbox{db, c, o, make(chan struct{}, 1)}, nil
}

// Close closes the file. Stop Run first.
func (b *Outbox) Close() error { return b.db.Close() }

// Put keeps a result for each channel that it goes to. It returns nil only when
// that is durable. Copies of a result are kept once.
func (b *Outbox) Put(ctx context.Context, rec remedy.Record) error {
	channels := b.c.Route(rec)
	if len(channels) == 0 {
		return nil
	}
	item, err := json.Marshal(b.c.Item(rec))
	if err != nil {
		return fmt.Errorf("put result %s in the outbox: %w", rec.ID, err)
	}
	now := b.opts.Now().UnixNano()
	err = b.tx(ctx, func(tx *sql.Tx) error {
		for _, ch := range channels {
			res, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO told VALUES (?, ?, ?, ?)`, ch, rec.ID, rec.Outcome, now)
			if err != nil {
				return err
			}
			if n, err := res.RowsAffected(); err != nil || n == 0 {
				if err != nil {
					return err
				}
				continue
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO items (channel, at, severity, item) VALUES (?, ?, ?, ?)`, ch, now, rec.Severity, item); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("put result %s in the outbox: %w", rec.ID, err)
	}
	b.nudge()
	return nil
}

// Replay puts a dead letter of this outbox back, to be sent anew.
func (b *Outbox) Replay(ctx context.Context, d remedy.DeadLetter) error {
	var n notify.Notice
	channel, err := Channel(d)
	if err == nil {
		err = json.Unmarshal(d.Payload, &n)
	}
	if err == nil && (n.ID == "" || len(n.Items) == 0) {
		err = errors.New("its payload is no notification")
	}
	if err == nil {
		_, err = b.db.ExecContext(ctx, `INSERT OR IGNORE INTO messages (id, channel, notice) VALUES (?, ?, ?)`, n.ID, channel, d.Payload)
	}
	if err != nil {
		return fmt.Errorf("replay notification %s: %w", d.ID, err)
	}
	b.nudge()
	return nil
}

// Channel gives the channel of a notification's dead letter.
func Channel(d remedy.DeadLetter) (string, error) {
	if len(d.Function) <= len(LetterPrefix) || d.Function[:len(LetterPrefix)] != LetterPrefix {
		return "", errors.New("it is not the dead letter of a notification")
	}
	return d.Function[len(LetterPrefix):], nil
}

// Pending counts what was not sent yet: messages, and results that are in none.
func (b *Outbox) Pending(ctx context.Context) (n int64, err error) {
	err = b.db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM items) + (SELECT count(*) FROM messages)`).Scan(&n)
	return n, err
}

func (b *Outbox) nudge() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// tx does work in one transaction.
func (b *Outbox) tx(ctx context.Context, work func(*sql.Tx) error) error {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := work(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// newID gives the id of a message.
func newID() string { return "msg_" + rand.Text() }
