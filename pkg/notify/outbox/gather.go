package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/ebb-ops/ebb/pkg/notify"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// gather makes the messages of a channel that are due, from what waits for it.
func (b *Outbox) gather(ctx context.Context, l Lease) error {
	if err := b.gatherDue(ctx, l); err != nil {
		return fmt.Errorf("gather for %s: %w", l.Channel, err)
	}
	return nil
}

func (b *Outbox) gatherDue(ctx context.Context, l Lease) error {
	// While a message waits, so does what would follow it: a channel that is
	// down gets one message for all of that.
	if m, err := b.store.Next(ctx, l.Channel); err != nil || m != nil {
		return err
	}
	now := b.opts.Now()
	ch, known := b.c.Channels[l.Channel]
	if !known { // the sender will say so, in a dead letter
		ch.Limit = notify.Limit{Messages: 1, Per: time.Nanosecond}
	}
	made, err := b.store.Made(ctx, l.Channel, now.Add(-ch.Limit.Per))
	budget := ch.Limit.Messages - made
	if err != nil || budget < 1 && ch.PagerDuty == nil {
		return err
	}
	results, err := b.store.Waiting(ctx, l.Channel, b.awake(l.Channel, now))
	switch {
	case err != nil || len(results) == 0:
		return err
	case ch.PagerDuty != nil:
		return b.incidents(ctx, l, results, budget, now)
	case now.Sub(results[0].At) < b.c.Grouping.Window:
		return nil
	}
	items := make([]notify.Item, len(results))
	for i, r := range results {
		items[i] = r.Item
	}
	n := b.c.Gather(newID(), items, results[0].At, results[len(results)-1].At, now)
	return b.store.Commit(ctx, l, Change{At: now, Made: &n, Dropped: results})
}

// release makes messages of the ready-made notices of a channel, as far as quiet
// hours and the limit let it.
func (b *Outbox) release(ctx context.Context, l Lease) error {
	now := b.opts.Now()
	if b.c.QuietFor(l.Channel, "", now) {
		return nil
	}
	ready, err := b.store.Ready(ctx, l.Channel)
	if err != nil || len(ready) == 0 {
		return err
	}
	// A channel that the file no longer has gets them: the sender says so, in a dead letter.
	limit := b.c.Channels[l.Channel].Limit
	made, err := b.store.Made(ctx, l.Channel, now.Add(-limit.Per))
	if err != nil {
		return fmt.Errorf("release for %s: %w", l.Channel, err)
	}
	for _, m := range ready {
		if made++; limit.Messages > 0 && made > limit.Messages {
			break
		}
		if err := b.store.Commit(ctx, l, Change{At: now, Made: &m.Notice, Released: &m}); err != nil {
			return fmt.Errorf("release for %s: %w", l.Channel, err)
		}
	}
	return nil
}

// awake gives the severities that no quiet time of the channel holds back.
func (b *Outbox) awake(channel string, now time.Time) (out []remedy.Severity) {
	for _, s := range append(notify.Severities(), "") {
		if !b.c.QuietFor(channel, s, now) {
			out = append(out, s)
		}
	}
	return out
}

// incidents makes a message for each function and resource: of several results
// the last counts. A result that would resolve what is not open makes none.
func (b *Outbox) incidents(ctx context.Context, l Lease, results []Result, budget int, now time.Time) error {
	byKey := map[string][]Result{}
	var keys []string
	for _, r := range results {
		if byKey[r.Item.Key] == nil {
			keys = append(keys, r.Item.Key)
		}
		byKey[r.Item.Key] = append(byKey[r.Item.Key], r)
	}
	var needless []Result
	for _, key := range keys {
		of := byKey[key]
		thread, err := b.store.Thread(ctx, l.Channel, key)
		if err != nil {
			return err
		}
		last := latest(of)
		resolve := notify.Resolves(last.Item.Outcome)
		if resolve && thread.Value == "" {
			needless = append(needless, of...)
			continue
		}
		if budget--; budget < 0 {
			continue // its turn comes
		}
		n := b.c.Gather(newID(), []notify.Item{last.Item}, of[0].At, of[len(of)-1].At, now)
		n.Resolve = resolve
		change := Change{At: now, Made: &n, Dropped: of, Thread: Thread{Key: key, At: now}}
		if !resolve {
			change.Thread.Value = Open
		}
		if err := b.store.Commit(ctx, l, change); err != nil {
			return err
		}
	}
	if len(needless) == 0 {
		return nil
	}
	return b.store.Commit(ctx, l, Change{At: now, Dropped: needless})
}

// latest gives the result that was recorded last: a queue may have changed the
// order in which they came.
func latest(of []Result) Result {
	last := of[0]
	for _, r := range of[1:] {
		if !r.Item.Recorded.Before(last.Item.Recorded) {
			last = r
		}
	}
	return last
}
