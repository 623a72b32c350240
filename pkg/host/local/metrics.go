package local

import (
	"context"
	"fmt"
	"time"

	"github.com/ebb-ops/ebb/pkg/metrics"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// measure makes the host's instruments: what it counts, and what is looked up
// in the inbox whenever the metrics are read.
func (h *Host) measure() (err error) {
	h.counts = metrics.NewHost(h.cfg.Meters)
	h.inboxMeter, err = metrics.ObserveInbox(h.cfg.Meters, func(ctx context.Context) (int64, time.Duration, error) {
		stats, err := h.inbox.Stats(ctx)
		return stats.Pending, stats.Oldest, err
	})
	if err != nil {
		return fmt.Errorf("measure the inbox: %w", err)
	}
	return nil
}

// bury keeps a dead letter, and counts it.
func (h *Host) bury(ctx context.Context, d remedy.DeadLetter) error {
	if err := h.ledger.SaveDeadLetter(ctx, d); err != nil {
		return err
	}
	h.counts.DeadLetter(ctx, d.Function)
	return nil
}
