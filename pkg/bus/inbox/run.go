package inbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Waits at the end of Run.
const (
	abortGrace   = 2 * time.Second // for handlers whose context was cancelled
	flushTimeout = 5 * time.Second // for the removal of what was handled
)

// Run hands deliveries to handle, in order of arrival, by so many workers at
// once, until ctx ends. What handle returns decides:
//   - nil: the delivery is removed;
//   - a [remedy.Permanent] error: it becomes a dead letter at once;
//   - any other error, or a panic: another attempt follows after a growing
//     wait, in which others take their turn; after the last one it becomes a
//     dead letter.
//
// A dead letter is removed once sink has taken it, which is tried until it
// does; the letter's ID is the delivery's. handle's context ends after the
// handle timeout.
//
// When ctx ends nothing new is started, and running attempts have the drain
// timeout to finish before their contexts are cancelled; an attempt cut short
// does not count. The error says what was still running after that. Only one
// Run at a time may serve a folder: see [Lock].
func (in *Inbox) Run(ctx context.Context, workers int, handle func(context.Context, Delivery) error, sink func(context.Context, remedy.DeadLetter) error) error {
	if workers < 1 {
		return fmt.Errorf("run inbox: %d workers: at least one is needed", workers)
	}
	if !in.running.CompareAndSwap(false, true) {
		return errors.New("run inbox: it is running already")
	}
	defer in.running.Store(false)
	base, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	r := &runner{in: in, handle: handle, sink: sink, rows: make(chan row), limit: 2 * workers}
	var busy sync.WaitGroup
	for range workers {
		busy.Go(func() {
			for j := range r.rows {
				r.work(base, j)
			}
		})
	}
	r.dispatch(ctx)
	close(r.rows)

	done := make(chan struct{})
	go func() {
		busy.Wait()
		close(done)
	}()
	if !closesWithin(done, in.opts.DrainTimeout) {
		in.opts.Log.Warn("inbox: attempts are cut short", slog.Int64("running", in.inFlight.Load()))
		if abort(); !closesWithin(done, abortGrace) {
			return fmt.Errorf("stop inbox: %d attempts go on although they were told to stop", in.inFlight.Load())
		}
	}
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	if err := in.flush(flush); err != nil {
		return fmt.Errorf("stop inbox: %w", err)
	}
	return nil
}

func closesWithin(done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// runner is one Run.
type runner struct {
	in     *Inbox
	handle func(context.Context, Delivery) error
	sink   func(context.Context, remedy.DeadLetter) error
	rows   chan row
	limit  int   // rows read at once
	cursor int64 // all rows up to this seq were handed out, or wait in late

	mu   sync.Mutex
	late schedule
}

// dispatch hands rows to the workers until ctx ends.
func (r *runner) dispatch(ctx context.Context) {
	for ctx.Err() == nil {
		rows, err := r.next(ctx)
		if err != nil && ctx.Err() == nil {
			r.in.opts.Log.Error("inbox: read deliveries", slog.Any("error", err))
		}
		for _, j := range rows {
			select {
			case r.rows <- j:
			case <-ctx.Done():
				return
			}
		}
		if len(rows) > 0 {
			continue
		}
		timer := time.NewTimer(r.pause())
		select {
		case <-ctx.Done():
		case <-r.in.arrived:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// pause is how long there is nothing to do, unless something arrives.
func (r *runner) pause() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	wait := r.in.opts.Poll
	if len(r.late) > 0 {
		wait = min(wait, max(0, r.late[0].at.Sub(r.in.opts.Now())))
	}
	return wait
}

// work makes one attempt at a row.
func (r *runner) work(base context.Context, j row) {
	r.in.inFlight.Add(1)
	defer r.in.inFlight.Add(-1)
	if j.reason == nil {
		err := r.guard(base, j, func(ctx context.Context) error { return r.handle(ctx, j.Delivery) })
		if err == nil {
			r.in.settle(settlement{seq: j.seq, size: int64(len(j.Payload)), remove: true})
			return
		}
		if base.Err() != nil {
			return // cut short: it stays as it was
		}
		j.attempts++
		final := remedy.IsPermanent(err) || j.attempts >= r.in.opts.MaxAttempts
		r.log(j, slog.LevelWarn, "inbox: attempt failed", slog.Any("error", err), slog.Bool("final", final))
		if !final {
			r.again(j)
			return
		}
		reason := err.Error()
		j.reason = &reason
	}
	r.bury(base, j)
}

// bury hands a dead letter over and removes its row.
func (r *runner) bury(base context.Context, j row) {
	err := r.guard(base, j, func(ctx context.Context) error {
		return r.sink(ctx, remedy.DeadLetter{
			ID:       j.ID,
			Function: j.Function,
			Source:   j.Source,
			Event:    j.EventID,
			Reason:   *j.reason,
			Attempts: j.attempts,
			At:       r.in.opts.Now(),
			Carrier:  j.Carrier,
			Payload:  j.Payload,
		})
	})
	switch {
	case err == nil:
		r.in.settle(settlement{seq: j.seq, size: int64(len(j.Payload)), remove: true})
	case base.Err() == nil:
		r.log(j, slog.LevelError, "inbox: dead letter not taken, it stays in the inbox", slog.Any("error", err))
		r.again(j)
	}
}

// again schedules another attempt.
func (r *runner) again(j row) {
	at := r.in.opts.Now().Add(r.in.backoff(j.attempts))
	r.in.settle(settlement{seq: j.seq, attempts: j.attempts, nextAt: at, reason: j.reason})
	r.mu.Lock()
	r.late.add(lateRow{at: at, seq: j.seq, attempts: j.attempts, reason: j.reason})
	r.mu.Unlock()
	r.in.wake()
}

// backoff gives the wait after so many failed attempts: doubling, and between
// half and all of that, so that what failed together does not return together.
func (in *Inbox) backoff(attempts int) time.Duration {
	d := in.opts.MinBackoff
	for i := 1; i < attempts && d < in.opts.MaxBackoff; i++ {
		d *= 2
	}
	d = min(d, in.opts.MaxBackoff)
	return d - rand.N(d/2+1)
}

// guard runs f under the handle timeout and makes an error of a panic.
func (r *runner) guard(base context.Context, j row, f func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(base, r.in.opts.HandleTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			r.log(j, slog.LevelError, "inbox: panic", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f(ctx)
}

func (r *runner) log(j row, level slog.Level, msg string, attrs ...slog.Attr) {
	attrs = append(attrs,
		slog.String("function", j.Function),
		slog.String("event", j.EventID),
		slog.String("delivery", j.ID),
		slog.Int("attempts", j.attempts))
	r.in.opts.Log.LogAttrs(context.Background(), level, msg, attrs...)
}
