package local

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ebb-ops/ebb/pkg/notify/digest"
	"github.com/ebb-ops/ebb/pkg/notify/outbox"
	notifydb "github.com/ebb-ops/ebb/pkg/notify/outbox/sqlite"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// outboxFor bounds how long a remediation that has ended waits for its result
// to be in the outbox. Past it the engine logs that nobody is told of it.
const outboxFor = 2 * time.Second

// openOutbox makes the outbox ready, and measures it.
func (h *Host) openOutbox(ctx context.Context) (err error) {
	if h.notes, err = notifydb.Open(ctx, h.cfg.Data); err != nil {
		return err
	}
	h.outbox = outbox.New(h.notes, h.cfg.Notify, outbox.Options{
		Send: h.cfg.Send, Bury: h.ledger.SaveDeadLetter, Count: h.counts.Notification, Log: h.log,
	})
	if h.outboxMeter, err = h.counts.ObserveOutbox(h.outbox.Pending); err != nil {
		return fmt.Errorf("measure the outbox: %w", err)
	}
	return nil
}

// publish puts a result into the outbox, without its images.
func (h *Host) publish(ctx context.Context, rec remedy.Record) error {
	ctx, cancel := context.WithTimeout(ctx, outboxFor)
	defer cancel()
	return h.outbox.Put(ctx, rec)
}

// Tell puts word of a report into the outbox, for the channels that are to know.
// It returns nil only when that is durable, and where nobody is told of anything.
func (h *Host) Tell(ctx context.Context, d digest.Digest) error {
	if h.outbox == nil {
		return nil
	}
	channels, n := h.cfg.Notify.Digest(d)
	return h.outbox.Message(ctx, channels, n)
}

// startTelling sends what is in the outbox until stop is called, which waits for
// what is being sent to be noted.
func (h *Host) startTelling(ctx context.Context) (stop func()) {
	if h.outbox == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { h.outbox.Run(ctx) })
	return func() { cancel(); running.Wait() }
}
