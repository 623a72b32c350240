// Package outbox keeps notifications until they were sent: a result is durable
// before anything is sent, and a worker beside the remediations gathers results
// into messages and sends those.
//
// Nothing is dropped: what a quiet time or a limit holds back waits, and is
// part of the next message. A crash between the sending and its note sends
// again, with the same message id.
package outbox

import (
	"context"
	"crypto/rand"
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
	Poll        = time.Second      // how often Run looks for what is due
	MinBackoff  = time.Second      // after a first failed attempt; it doubles with each
	MaxBackoff  = 15 * time.Minute // the longest wait that the channel did not ask for
	MaxWait     = 24 * time.Hour   // the longest wait that it did ask for
	MaxAttempts = 15               // before a dead letter: about an hour and a half
	MaxGathered = 1000             // results in one message
	// LeaseFor is how long a process has a channel to itself before another one
	// may take it to be dead. Half of it is longer than an attempt may take.
	LeaseFor = 4 * notify.SendFor
)

// LetterPrefix begins the function's name in the dead letter of a notification;
// the channel follows.
const LetterPrefix = "notify/"

// Send sends a notice once: see [notify.Sender.Send].
type Send func(ctx context.Context, channel string, n notify.Notice, thread string) (next string, err error)

// Options are the outbox's parts. Send, Bury and Count are needed by [Outbox.Step] only.
type Options struct {
	Send  Send
	Bury  func(context.Context, remedy.DeadLetter) error    // keeps a dead letter
	Count func(ctx context.Context, channel, result string) // told of "sent", "failed" and "dead"; may be nil
	Now   func() time.Time                                  // nil means [time.Now]
	Log   *slog.Logger                                      // nil means none
}

// Outbox is an outbox over a store. It is safe for concurrent use, and so are
// several on one store.
type Outbox struct {
	store Store
	c     *notify.Config
	opts  Options
	wake  chan struct{}
}

// New gives the outbox in a store. It makes no call.
func New(s Store, c *notify.Config, o Options) *Outbox {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Count == nil {
		o.Count = func(context.Context, string, string) {}
	}
	return &Outbox{s, c, o, make(chan struct{}, 1)}
}

// Put keeps a result for each channel that it goes to. It returns nil only when
// that is durable. Copies of a result are kept once.
func (b *Outbox) Put(ctx context.Context, rec remedy.Record) error {
	return b.PutAt(ctx, rec, b.opts.Now())
}

// PutAt is [Outbox.Put] for a result that has waited elsewhere since at: the
// time counts for the window.
func (b *Outbox) PutAt(ctx context.Context, rec remedy.Record, at time.Time) error {
	var entries []Entry
	item := b.c.Item(rec)
	for _, ch := range b.c.Route(rec) {
		entries = append(entries, Entry{Channel: ch, ID: rec.ID, Outcome: string(rec.Outcome), At: at, Item: &item})
	}
	if err := b.add(ctx, entries); err != nil {
		return fmt.Errorf("put result %s in the outbox: %w", rec.ID, err)
	}
	return nil
}

// Message keeps a ready-made notice for each of the channels. It waits for the
// end of quiet hours, whatever they let through, and for the channel's limit;
// nothing waits for it. It returns nil only when that is durable. A notice of the
// same ID is kept for a channel once, also when the first was sent. Its ID in a
// channel is its own and the channel's name, since each has its attempts.
func (b *Outbox) Message(ctx context.Context, channels []string, n notify.Notice) error {
	if n.ID == "" {
		return errors.New("put a message in the outbox: it has no id")
	}
	var entries []Entry
	for _, ch := range channels {
		if _, ok := b.c.Channels[ch]; !ok {
			return fmt.Errorf("put message %s in the outbox: the notify file has no channel %s", n.ID, ch)
		}
		own := n
		own.ID += "-" + ch
		entries = append(entries, Entry{Channel: ch, ID: n.ID, Outcome: "message", At: b.opts.Now(), Notice: &own, Ready: true})
	}
	if err := b.add(ctx, entries); err != nil {
		return fmt.Errorf("put message %s in the outbox: %w", n.ID, err)
	}
	return nil
}

// Replay puts a dead letter of this outbox back, to be sent anew. It may be
// repeated.
func (b *Outbox) Replay(ctx context.Context, d remedy.DeadLetter) error {
	var n notify.Notice
	channel, err := Channel(d)
	if err == nil {
		err = json.Unmarshal(d.Payload, &n)
	}
	if err == nil && (n.ID == "" || len(n.Items) == 0 && n.Digest == nil) {
		err = errors.New("its payload is no notification")
	}
	if err == nil {
		// It may die and be replayed again: the burial tells one time from the next.
		burial := "replay of " + d.At.UTC().Format(time.RFC3339Nano)
		err = b.add(ctx, []Entry{{Channel: channel, ID: n.ID, Outcome: burial, At: b.opts.Now(), Notice: &n}})
	}
	if err != nil {
		return fmt.Errorf("replay notification %s: %w", d.ID, err)
	}
	return nil
}

func (b *Outbox) add(ctx context.Context, entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	if err := b.store.Add(ctx, entries...); err != nil {
		return err
	}
	select { // Run is to look at once
	case b.wake <- struct{}{}:
	default:
	}
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
func (b *Outbox) Pending(ctx context.Context) (int64, error) { return b.store.Pending(ctx) }

// newID gives the id of a message.
func newID() string { return "msg_" + rand.Text() }
