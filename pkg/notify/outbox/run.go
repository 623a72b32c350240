package outbox

import (
	"context"
	"crypto/rand"
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
// with the store is logged, and tried again: it must not end remediations.
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
// hangs does not hold up the others. A channel at which another process is at
// work is left to that one. When ctx has not the time for another attempt, what
// is left is for the next step. Its error is about the store, never a channel.
func (b *Outbox) Step(ctx context.Context) error {
	channels, err := b.store.Channels(ctx)
	if err != nil {
		return fmt.Errorf("look into the outbox: %w", err)
	}
	errs := make([]error, len(channels))
	var all sync.WaitGroup
	for i, ch := range channels {
		all.Go(func() { errs[i] = b.serve(ctx, ch) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// serve does what is due for one channel.
func (b *Outbox) serve(ctx context.Context, channel string) error {
	l := Lease{Channel: channel, Owner: rand.Text()}
	held, err := b.take(ctx, &l)
	if err != nil || !held {
		return err
	}
	err = b.gather(ctx, l)
	if err == nil {
		err = b.release(ctx, l)
	}
	if err == nil {
		err = b.flush(ctx, &l)
	}
	// The next one is not to wait until the lease ends, also when this process is to stop.
	return errors.Join(err, b.store.Release(context.WithoutCancel(ctx), l))
}

// take has the lease for long enough that an attempt fits in.
func (b *Outbox) take(ctx context.Context, l *Lease) (bool, error) {
	now := b.opts.Now()
	if l.Until.Sub(now) > LeaseFor/2 {
		return true, nil
	}
	l.Until = now.Add(LeaseFor)
	held, err := b.store.Take(ctx, *l, now)
	if err != nil {
		return false, fmt.Errorf("take the lease on %s: %w", l.Channel, err)
	}
	return held, nil
}

// flush sends the messages of a channel in their order, as far as they are due.
func (b *Outbox) flush(ctx context.Context, l *Lease) error {
	for ctx.Err() == nil && timely(ctx) {
		if held, err := b.take(ctx, l); err != nil || !held {
			return err
		}
		m, err := b.store.Next(ctx, l.Channel)
		if err != nil {
			return fmt.Errorf("look for messages to %s: %w", l.Channel, err)
		}
		if m == nil || m.Due.After(b.opts.Now()) {
			return nil
		}
		if err := b.attempt(ctx, *l, *m); err != nil {
			return fmt.Errorf("note what became of a message to %s: %w", l.Channel, err)
		}
	}
	return nil
}

// timely reports whether there is the time for an attempt. One that is cut off
// may have reached the channel, which would get the message twice.
func timely(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > notify.SendFor
}

// attempt sends a message once, and notes what became of it.
func (b *Outbox) attempt(ctx context.Context, l Lease, m Message) error {
	var thread Thread
	if m.Notice.Thread != "" {
		var err error
		if thread, err = b.store.Thread(ctx, l.Channel, m.Notice.Thread); err != nil {
			return err
		}
		if b.opts.Now().Sub(thread.At) > ThreadFor {
			thread = Thread{}
		}
	}
	next, err := b.opts.Send(ctx, l.Channel, m.Notice, thread.Value)
	if ctx.Err() != nil && err != nil {
		return nil // the process is to stop: the next one sends it
	}
	// It was sent, so this must be noted also when the process is to stop.
	ctx = context.WithoutCancel(ctx)
	log := b.opts.Log.With("channel", l.Channel, "message", m.Notice.ID, "results", m.Notice.Total)
	now := b.opts.Now()
	m.Attempts++
	later, asked := errors.AsType[*saas.RetryLater](err)
	switch {
	case err == nil:
		b.opts.Count(ctx, l.Channel, "sent")
		log.InfoContext(ctx, "notification sent", "attempts", m.Attempts)
		change := Change{At: now, Ended: &m}
		if next != "" && m.Notice.Thread != "" {
			change.Thread = Thread{m.Notice.Thread, next, now}
		}
		return b.store.Commit(ctx, l, change)
	case remedy.IsPermanent(err) || m.Attempts >= MaxAttempts:
		if err := b.bury(ctx, l.Channel, m, err, now); err != nil {
			return err
		}
		b.opts.Count(ctx, l.Channel, "dead")
		log.ErrorContext(ctx, "notification is a dead letter", "attempts", m.Attempts, "error", err.Error())
		return b.store.Commit(ctx, l, Change{At: now, Ended: &m})
	}
	wait := min(MinBackoff<<(m.Attempts-1), MaxBackoff)
	if asked {
		wait = max(wait, min(time.Until(later.At), MaxWait))
	}
	b.opts.Count(ctx, l.Channel, "failed")
	log.WarnContext(ctx, "notification failed, it is sent again", "attempts", m.Attempts, "wait", wait.String(), "error", err.Error())
	m.Due, m.Reason = now.Add(wait), err.Error()
	return b.store.Commit(ctx, l, Change{At: now, Delayed: &m})
}

// bury keeps a message as a dead letter.
func (b *Outbox) bury(ctx context.Context, channel string, m Message, cause error, now time.Time) error {
	body, err := json.Marshal(m.Notice)
	if err != nil {
		return err
	}
	return b.opts.Bury(ctx, remedy.DeadLetter{
		ID: m.Notice.ID, Function: LetterPrefix + channel, Source: "ebb", Event: m.Notice.ID,
		Reason: cause.Error(), Attempts: m.Attempts, At: now, Payload: body,
	})
}
