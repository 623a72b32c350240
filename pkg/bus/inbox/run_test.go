package inbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// recorder is a handler and a sink that remember what they were given. Their
// answers are nil where no function for them is set.
type recorder struct {
	mu     sync.Mutex
	seen   []Delivery
	dead   []remedy.DeadLetter
	handle func(context.Context, Delivery) error
	sink   func(remedy.DeadLetter) error
}

func (r *recorder) Handle(ctx context.Context, d Delivery) error {
	r.mu.Lock()
	r.seen = append(r.seen, d)
	r.mu.Unlock()
	if r.handle == nil {
		return nil
	}
	return r.handle(ctx, d)
}

func (r *recorder) Sink(_ context.Context, l remedy.DeadLetter) error {
	r.mu.Lock()
	r.dead = append(r.dead, l)
	r.mu.Unlock()
	if r.sink == nil {
		return nil
	}
	return r.sink(l)
}

func (r *recorder) handled() []Delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Delivery(nil), r.seen...)
}

func (r *recorder) letters() []remedy.DeadLetter {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]remedy.DeadLetter(nil), r.dead...)
}

// events gives the ids of the events handled, in order.
func (r *recorder) events() []string {
	var out []string
	for _, d := range r.handled() {
		out = append(out, d.EventID)
	}
	return out
}

// serve runs the inbox until stop is called, at the latest with the test.
func serve(t *testing.T, in *Inbox, workers int, h *recorder) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- in.Run(ctx, workers, h.Handle, h.Sink) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func TestRunKeepsTheOrderOfArrival(t *testing.T) {
	t.Parallel()
	in := open(t, t.TempDir(), Options{})
	h := &recorder{}
	var want []string
	for i := range 40 {
		want = append(want, fmt.Sprint(i))
		if i == 20 {
			serve(t, in, 1, h)
		}
		accept(t, in, delivery(fmt.Sprint(i)))
	}
	until(t, "all to be removed", func() bool { return stats(t, in).Pending == 0 })
	if d := cmp.Diff(want, h.events()); d != "" {
		t.Errorf("handled (-want +got):\n%s", d)
	}
}

func TestRunHandlesEachOnceWithManyWorkers(t *testing.T) {
	t.Parallel()
	in := open(t, t.TempDir(), Options{})
	h := &recorder{}
	stop := serve(t, in, 8, h)
	const callers, each = 8, 100
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range each {
				if err := in.Accept(t.Context(), delivery(fmt.Sprintf("%d-%d", c, i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	until(t, "all to be removed", func() bool { return stats(t, in).Pending == 0 })
	stop()
	times := map[string]int{}
	for _, id := range h.events() {
		times[id]++
	}
	if len(times) != callers*each {
		t.Errorf("got %d events, want %d", len(times), callers*each)
	}
	for id, n := range times {
		if n != 1 {
			t.Errorf("event %s was handled %d times", id, n)
		}
	}
}

func TestRunNoticesWhatOthersStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in, other := open(t, dir, Options{}), open(t, dir, Options{})
	h := &recorder{}
	serve(t, in, 1, h)
	accept(t, other, delivery("1"))
	until(t, "the delivery", func() bool { return len(h.handled()) == 1 })
}

func TestRunRetriesWithBackoff(t *testing.T) {
	t.Parallel()
	c := newClock()
	in := open(t, t.TempDir(), Options{Now: c.Now, MinBackoff: time.Minute, MaxBackoff: 3 * time.Minute})
	h := &recorder{}
	failures := 4
	h.handle = func(_ context.Context, d Delivery) error {
		if d.EventID == "bad" && failures > 0 {
			failures--
			return errors.New("not now")
		}
		return nil
	}
	serve(t, in, 1, h)
	accept(t, in, delivery("bad"))
	attempts := func(n int) func() bool {
		return func() bool { return len(h.handled()) == n && in.inFlight.Load() == 0 }
	}
	// Between half and all of 1, 2, 3 and 3 minutes.
	for i, wait := range []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute, 3 * time.Minute} {
		until(t, "an attempt", attempts(2*i+1))
		c.advance(wait/2 - time.Second)
		accept(t, in, delivery(fmt.Sprintf("good %d", i))) // goes through while the other waits
		until(t, "the good one", attempts(2*i+2))
		c.advance(wait/2 + time.Second)
	}
	until(t, "it to be removed", func() bool { return stats(t, in).Pending == 0 })
	want := []string{"bad", "good 0", "bad", "good 1", "bad", "good 2", "bad", "good 3", "bad"}
	if d := cmp.Diff(want, h.events()); d != "" {
		t.Errorf("handled (-want +got):\n%s", d)
	}
	if got := h.letters(); got != nil {
		t.Errorf("got dead letters %v, want none", got)
	}
}

func TestBackoffStaysWithinItsBounds(t *testing.T) {
	t.Parallel()
	in := &Inbox{opts: Options{MinBackoff: time.Second, MaxBackoff: 10 * time.Second}}
	for attempts, most := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 4: 8 * time.Second, 5: 10 * time.Second, 1000: 10 * time.Second} {
		seen := map[time.Duration]bool{}
		for range 100 {
			got := in.backoff(attempts)
			if got < most/2 || got > most {
				t.Errorf("after %d attempts: got %s, want between %s and %s", attempts, got, most/2, most)
			}
			seen[got] = true
		}
		if len(seen) < 10 {
			t.Errorf("after %d attempts: got %d different waits of 100, want more", attempts, len(seen))
		}
	}
}

func TestRunKeepsAttemptsOverARestart(t *testing.T) {
	t.Parallel()
	c, dir := newClock(), t.TempDir()
	opts := Options{Now: c.Now, MinBackoff: time.Hour, MaxBackoff: time.Hour, MaxAttempts: 2}
	fails := func(context.Context, Delivery) error { return errors.New("not now") }

	first := &recorder{handle: fails}
	in := open(t, dir, opts)
	accept(t, in, delivery("1"))
	stop := serve(t, in, 1, first)
	until(t, "the first attempt", func() bool { return len(first.handled()) == 1 })
	stop()

	second := &recorder{handle: fails}
	serve(t, open(t, dir, opts), 1, second)
	accept(t, in, delivery("2"))
	until(t, "another delivery", func() bool { return len(second.handled()) == 1 })
	c.advance(time.Hour)
	until(t, "the last attempts", func() bool { return len(second.letters()) == 2 })
	if d := cmp.Diff([]string{"2"}, second.events()[:1]); d != "" {
		t.Errorf("handled before the wait was over (-want +got):\n%s", d)
	}
	for _, l := range second.letters() {
		if l.Attempts != 2 {
			t.Errorf("dead letter of event %s: got %d attempts, want 2", l.Event, l.Attempts)
		}
	}
}

func TestRunMakesDeadLetters(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		handle       func(context.Context, Delivery) error
		wantReason   string
		wantAttempts int
	}{
		"permanent_at_once": {
			func(context.Context, Delivery) error {
				return fmt.Errorf("handle: %w", remedy.Permanent(errors.New("bad input")))
			},
			"handle: bad input", 1,
		},
		"other_errors_after_the_last_attempt": {
			func(context.Context, Delivery) error { return errors.New("not now") },
			"not now", 3,
		},
		"panics_after_the_last_attempt": {
			func(context.Context, Delivery) error { panic("oh no") },
			"panic: oh no", 3,
		},
		"timeouts_after_the_last_attempt": {
			func(ctx context.Context, _ Delivery) error { <-ctx.Done(); return ctx.Err() },
			"context deadline exceeded", 3,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var logged bytes.Buffer
			in := open(t, t.TempDir(), Options{
				Now: steps(time.Unix(0, 0)), MinBackoff: 1, MaxBackoff: 1,
				MaxAttempts: 3, HandleTimeout: 5 * time.Millisecond,
				Log: slog.New(slog.NewTextHandler(&logged, nil)),
			})
			d := delivery("1")
			d.Carrier = map[string]string{"traceparent": "x"}
			accept(t, in, d)
			h := &recorder{handle: tt.handle}
			stop := serve(t, in, 1, h)
			until(t, "it to be removed", func() bool { return stats(t, in).Pending == 0 })
			stop()
			got := h.letters()
			for i := range got {
				if got[i].At.IsZero() {
					t.Errorf("dead letter %d has no time", i)
				}
				got[i].At = time.Time{}
			}
			want := []remedy.DeadLetter{{
				ID: d.ID, Function: "fn", Source: "github", Event: "1", Reason: tt.wantReason, Attempts: tt.wantAttempts,
				Carrier: d.Carrier, Payload: d.Payload,
			}}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("dead letters (-want +got):\n%s", d)
			}
			if got := len(h.handled()); got != tt.wantAttempts {
				t.Errorf("handled %d times, want %d", got, tt.wantAttempts)
			}
			if strings.Contains(tt.wantReason, "panic") && !strings.Contains(logged.String(), "run_test.go") {
				t.Errorf("the panic's stack was not logged:\n%s", logged.String())
			}
		})
	}
}

// steps is a clock on which every look is a second after the one before.
func steps(now time.Time) func() time.Time {
	var mu sync.Mutex
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Second)
		return now
	}
}

func TestDeadLetterStaysUntilItIsTaken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opts := Options{Now: steps(time.Unix(0, 0)), MinBackoff: 1, MaxBackoff: 1}
	permanent := func(context.Context, Delivery) error { return remedy.Permanent(errors.New("bad input")) }
	first := &recorder{handle: permanent, sink: func(remedy.DeadLetter) error { return errors.New("ledger is down") }}
	in := open(t, dir, opts)
	accept(t, in, delivery("1"))
	stop := serve(t, in, 1, first)
	until(t, "some tries", func() bool { return len(first.letters()) > 2 })
	stop()
	if got := stats(t, in).Pending; got != 1 {
		t.Errorf("got %d pending while the sink fails, want 1", got)
	}
	if got := len(first.handled()); got != 1 {
		t.Errorf("handled %d times, want once: only the sink is tried again", got)
	}

	second := &recorder{handle: permanent}
	again := open(t, dir, opts)
	serve(t, again, 1, second)
	until(t, "it to be removed", func() bool { return stats(t, again).Pending == 0 })
	if got := second.letters(); len(got) != 1 || got[0].Reason != "bad input" || got[0].Attempts != 1 {
		t.Errorf("got dead letters %+v, want the one", got)
	}
	if got := second.handled(); got != nil {
		t.Errorf("handled again: %v", got)
	}
}

func TestRunDrains(t *testing.T) {
	t.Parallel()
	in := open(t, t.TempDir(), Options{})
	started, finish := make(chan struct{}), make(chan struct{})
	h := &recorder{handle: func(ctx context.Context, _ Delivery) error {
		close(started)
		<-finish
		return ctx.Err()
	}}
	accept(t, in, delivery("1"), delivery("2"), delivery("3"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- in.Run(ctx, 1, h.Handle, h.Sink) }()
	<-started
	if got := stats(t, in).InFlight; got != 1 {
		t.Errorf("got %d in flight, want 1", got)
	}
	cancel()
	select {
	case err := <-done:
		t.Fatalf("run returned %v while a delivery was being handled", err)
	case <-time.After(10 * time.Millisecond):
	}
	close(finish)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if d := cmp.Diff([]string{"1"}, h.events()); d != "" {
		t.Errorf("handled (-want +got):\n%s", d)
	}
	if got := stats(t, in); got.Pending != 2 || got.InFlight != 0 {
		t.Errorf("got %+v, want 2 pending and none in flight", got)
	}
}

func TestRunCutsLongAttemptsShort(t *testing.T) {
	t.Parallel()
	in := open(t, t.TempDir(), Options{DrainTimeout: 5 * time.Millisecond, MaxAttempts: 1})
	started := make(chan struct{})
	h := &recorder{handle: func(ctx context.Context, _ Delivery) error {
		close(started)
		<-ctx.Done()
		return ctx.Err()
	}}
	accept(t, in, delivery("1"))
	stop := serve(t, in, 1, h)
	<-started
	stop()
	if got := stats(t, in).Pending; got != 1 {
		t.Errorf("got %d pending, want 1", got)
	}
	if got := h.letters(); got != nil {
		t.Errorf("got dead letters %v, want none: the attempt does not count", got)
	}
}

func TestRunSaysWhatWouldNotStop(t *testing.T) {
	t.Parallel()
	in := open(t, t.TempDir(), Options{DrainTimeout: time.Millisecond})
	started, finish := make(chan struct{}), make(chan struct{})
	h := &recorder{handle: func(context.Context, Delivery) error {
		close(started)
		<-finish
		return nil
	}}
	accept(t, in, delivery("1"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- in.Run(ctx, 1, h.Handle, h.Sink) }()
	<-started
	cancel()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "1 attempts go on") {
		t.Errorf("got error %v, want one that counts the attempts", err)
	}
	close(finish)
	until(t, "the attempt's end", func() bool { return stats(t, in).Pending == 0 })
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	in := open(t, t.TempDir(), Options{})
	h := &recorder{}
	if err := in.Run(t.Context(), 0, h.Handle, h.Sink); err == nil || !strings.Contains(err.Error(), "0 workers") {
		t.Errorf("no workers: got error %v", err)
	}
	serve(t, in, 1, h)
	until(t, "it to run", in.running.Load)
	if err := in.Run(t.Context(), 1, h.Handle, h.Sink); err == nil || !strings.Contains(err.Error(), "running already") {
		t.Errorf("second run: got error %v", err)
	}
}
