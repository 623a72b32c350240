package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/notify"
	"github.com/ebb-ops/ebb/pkg/notify/outbox"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas"
)

// world is an outbox with a clock, and a channel that answers as told.
type world struct {
	*outbox.Outbox
	t   *testing.T
	dir string
	c   *notify.Config

	mu      sync.Mutex
	now     time.Time
	errs    []error // what the next sends give
	sent    []string
	notices []notify.Notice
	letters []remedy.DeadLetter
	counted map[string]int
}

const routes = `version: 1
channels:
  ops: {slack: {webhook: HOOK}, limit: {messages: 2, per: 10m}}
  pager: {pagerduty: {routing_key: KEY}}
grouping: {window: 30s, show: 2}
quiet_hours:
  - {from: "22:00", to: "07:00", timezone: UTC, channels: [ops], except: critical}
routes:
  - channels: [ops]
  - channels: [pager]
    outcomes: [held, failed]
`

func newWorld(t *testing.T, src string) *world {
	t.Helper()
	c, err := notify.Load([]byte(src), "notify.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: t.TempDir(), c: c, now: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), counted: map[string]int{}}
	w.open()
	t.Cleanup(func() { _ = w.Close() })
	return w
}

func (w *world) open() {
	w.t.Helper()
	b, err := outbox.Open(w.t.Context(), w.dir, w.c, outbox.Options{
		Now: func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now },
		Send: func(_ context.Context, channel string, n notify.Notice, thread string) (string, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if len(w.errs) > 0 {
				err := w.errs[0]
				if w.errs = w.errs[1:]; err != nil {
					return "", err
				}
			}
			what := fmt.Sprintf("%s: %d", channel, n.Total)
			if n.Resolve {
				what += " resolve"
			}
			if n.Late > 0 {
				what += " late " + n.Late.String()
			}
			if thread != "" {
				what += " in " + thread
			}
			w.sent, w.notices = append(w.sent, what), append(w.notices, n)
			if thread == "" && channel == "ops" {
				thread = "thread of " + n.ID[:4]
			}
			return thread, nil
		},
		Bury: func(_ context.Context, d remedy.DeadLetter) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.letters = append(w.letters, d)
			return nil
		},
		Count: func(_ context.Context, channel, result string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.counted[channel+" "+result]++
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Outbox = b
}

// put keeps a result of record id about a resource.
func (w *world) put(id, resource string, outcome remedy.Outcome, severity remedy.Severity) {
	w.t.Helper()
	if err := w.Put(w.t.Context(), remedy.Record{
		ID: id, Function: "f", Outcome: outcome, Severity: severity, Resource: remedy.Ref{Type: "T", ID: resource},
	}); err != nil {
		w.t.Fatal(err)
	}
}

// pass lets time pass, and the worker look.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	w.mu.Lock()
	w.now = w.now.Add(d)
	w.mu.Unlock()
	if err := w.Step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// got compares what was sent since it was last asked.
func (w *world) got(want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.sent); diff != "" {
		w.t.Errorf("sent (-want +got):\n%s", diff)
	}
	w.sent = nil
}

func TestBurst_is_one_message(t *testing.T) {
	t.Parallel()
	w := newWorld(t, routes)
	for n := range 50 {
		w.put(fmt.Sprint("r", n), fmt.Sprint("bucket", n), remedy.Reverted, remedy.High)
	}
	w.pass(29 * time.Second)
	w.got()
	w.pass(time.Second)
	w.got("ops: 50")
	if n := w.notices[0]; len(n.Items) != 2 || n.Counts[remedy.Reverted] != 50 {
		t.Errorf("got %d items, counts %v", len(n.Items), n.Counts)
	}
	if n, err := w.Pending(t.Context()); n != 0 || err != nil {
		t.Errorf("%d pending, %v", n, err)
	}
}

func TestMost_pressing_are_shown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, routes)
	w.put("a", "1", remedy.Reverted, remedy.Critical)
	w.put("b", "2", remedy.Failed, remedy.Low)
	w.put("c", "3", remedy.Held, remedy.Low)
	w.pass(30 * time.Second)
	for _, n := range w.notices {
		if n.Total == 3 && (n.Items[0].Record != "b" || n.Items[1].Record != "c") {
			t.Errorf("shows %s and %s", n.Items[0].Record, n.Items[1].Record)
		}
	}
}

func TestCopies_are_told_once(t *testing.T) {
	t.Parallel()
	w := newWorld(t, routes)
	w.put("a", "1", remedy.Reverted, remedy.High)
	w.put("a", "1", remedy.Reverted, remedy.High)
	w.pass(30 * time.Second)
	w.put("a", "1", remedy.Reverted, remedy.High)
	w.pass(30 * time.Second)
	w.got("ops: 1")
}

func TestLimit_holds_back_and_the_next_message_counts_it(t *testing.T) {
	t.Parallel()
	w := newWorld(t, routes)
	for n := range 4 {
		w.put(fmt.Sprint("a", n), "1", remedy.Reverted, remedy.High)
		w.put(fmt.Sprint("b", n), "2", remedy.Reverted, remedy.High)
		w.pass(time.Minute)
	}
	w.got("ops: 2", "ops: 2") // at 9:01 and 9:02
	w.pass(6 * time.Minute)
	w.got()
	w.pass(time.Minute + time.Second)
	w.got("ops: 4 late 9m0s")
}

func TestQuiet_hours_end_in_one_message(t *testing.T) {
	t.Parallel()
	w := newWorld(t, routes)
	w.pass(14 * time.Hour) // 23:00
	for n := range 30 {
		w.put(fmt.Sprint("r", n), fmt.Sprint(n), remedy.Reverted, remedy.High)
	}
	w.put("c", "c", remedy.Reverted, remedy.Critical)
	w.pass(time.Minute)
	w.got("ops: 1")
	w.pass(7*time.Hour + 58*time.Minute)
	w.got()
	w.pass(time.Minute)
	w.got("ops: 30 late 8h0m0s")
}

func TestThreads_are_kept_by_resource(t *testing.T) {
	t.Parallel()
	w := newWorld(t, strings.Replace(routes, "messages: 2", "messages: 9", 1))
	w.put("a", "1", remedy.Reverted, remedy.High)
	w.pass(30 * time.Second)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w.open()
	w.put("b", "1", remedy.Reverted, remedy.High)
	w.pass(30 * time.Second)
	w.put("c", "2", remedy.Reverted, remedy.High)
	w.put("d", "1", remedy.Reverted, remedy.High)
	w.pass(30 * time.Second)
	w.got("ops: 1", "ops: 1 in thread of msg_", "ops: 2")
	w.put("e", "1", remedy.Reverted, remedy.High)
	w.pass(8 * 24 * time.Hour) // it is forgotten after this look
	w.put("f", "1", remedy.Reverted, remedy.High)
	w.pass(30 * time.Second)
	w.got("ops: 1 late 192h0m0s in thread of msg_", "ops: 1 in thread of msg_")
}

func TestIncidents_open_once_and_are_resolved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, strings.Replace(routes, "  - channels: [ops]\n", "", 1))
	w.put("a", "1", remedy.Reverted, remedy.High) // nothing is open
	w.pass(time.Second)
	w.got()
	w.put("b", "1", remedy.Failed, remedy.High)
	w.put("c", "2", remedy.Held, remedy.High)
	w.put("d", "1", remedy.Held, remedy.High) // of one resource the last counts
	w.pass(time.Second)
	w.got("pager: 1", "pager: 1")
	w.put("e", "1", remedy.Reverted, remedy.High)
	w.pass(time.Second)
	w.got("pager: 1 resolve")
	w.put("f", "1", remedy.Reverted, remedy.High)
	w.put("g", "2", remedy.Held, remedy.High)
	w.put("h", "2", remedy.Reverted, remedy.High)
	w.pass(time.Second)
	w.got("pager: 1 resolve")
	if n, err := w.Pending(t.Context()); n != 0 || err != nil {
		t.Errorf("%d pending, %v", n, err)
	}
}

func TestFailure_is_sent_again_with_the_same_id(t *testing.T) {
	t.Parallel()
	w := newWorld(t, routes)
	boom := errors.New("boom")
	w.errs = []error{boom, boom, &saas.RetryLater{At: time.Now().Add(time.Hour)}}
	w.put("a", "1", remedy.Reverted, remedy.High)
	w.pass(30 * time.Second) // fails, wait 1 s
	w.put("b", "2", remedy.Reverted, remedy.High)
	w.pass(999 * time.Millisecond)
	w.pass(time.Millisecond) // fails, wait 2 s
	w.pass(2 * time.Second)  // is told to come back in an hour
	w.pass(59 * time.Minute)
	w.got()
	w.pass(time.Minute)
	w.got("ops: 1")
	w.pass(time.Second)
	w.got("ops: 1 late 1h0m0s")
	if diff := cmp.Diff(map[string]int{"ops failed": 3, "ops sent": 2}, w.counted); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}

func TestDead_letters(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for name, tt := range map[string]struct {
		errs     []error
		attempts int
	}{
		"refused":       {[]error{remedy.Permanent(boom)}, 1},
		"attempts used": {slices.Repeat([]error{boom}, outbox.MaxAttempts), outbox.MaxAttempts},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, routes)
			w.errs = tt.errs
			w.put("a", "1", remedy.Reverted, remedy.High)
			w.pass(30 * time.Second)
			for range outbox.MaxAttempts {
				w.pass(outbox.MaxBackoff)
			}
			w.got()
			if len(w.letters) != 1 {
				t.Fatalf("%d dead letters", len(w.letters))
			}
			d := w.letters[0]
			if d.Function != "notify/ops" || d.Attempts != tt.attempts || !strings.Contains(d.Reason, "boom") {
				t.Errorf("got %+v", d)
			}
			if n, err := w.Pending(t.Context()); n != 0 || err != nil {
				t.Errorf("%d pending, %v", n, err)
			}
			// Another process may put it back.
			other, err := outbox.Open(t.Context(), w.dir, &notify.Config{}, outbox.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(other.Replay(t.Context(), d), other.Close()); err != nil {
				t.Fatal(err)
			}
			w.pass(time.Second)
			w.got("ops: 1")
			if w.notices[0].ID != d.ID {
				t.Errorf("sent as %s, was %s", w.notices[0].ID, d.ID)
			}
		})
	}
}

func TestReplay_refuses_other_dead_letters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, routes)
	for _, d := range []remedy.DeadLetter{
		{ID: "a", Function: "s3-bucket-policy", Payload: []byte(`{}`)},
		{ID: "b", Function: "notify/", Payload: []byte(`{}`)},
		{ID: "c", Function: "notify/ops", Payload: []byte(`{}`)},
		{ID: "d", Function: "notify/ops", Payload: []byte(`nonsense`)},
	} {
		if err := w.Replay(t.Context(), d); err == nil || !strings.Contains(err.Error(), "replay notification "+d.ID) {
			t.Errorf("%s: got %v", d.ID, err)
		}
	}
}

func TestCrash_loses_nothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, routes)
	w.put("a", "1", remedy.Reverted, remedy.High)
	w.errs = []error{errors.New("boom")}
	w.pass(30 * time.Second) // it is a message now
	w.put("b", "2", remedy.Reverted, remedy.High)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w.open()
	w.pass(time.Second)
	w.pass(30 * time.Second)
	w.got("ops: 1", "ops: 1")
}

func TestOpen_says_what_is_wrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, routes)
	_ = w.Close()
	if _, err := outbox.Open(t.Context(), filepath.Join(w.dir, outbox.FileName), w.c, outbox.Options{}); err == nil {
		t.Error("a file passed as a folder")
	}
}

func TestRun_sends_and_stops(t *testing.T) {
	t.Parallel()
	w := newWorld(t, strings.Replace(routes, "window: 30s", "window: 1s", 1))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { w.Run(ctx); close(ended) }()
	w.put("a", "1", remedy.Reverted, remedy.High)
	w.mu.Lock()
	w.now = w.now.Add(time.Minute)
	w.mu.Unlock()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		w.mu.Lock()
		n := len(w.sent)
		w.mu.Unlock()
		if n == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing was sent")
		}
	}
	cancel()
	<-ended
}
