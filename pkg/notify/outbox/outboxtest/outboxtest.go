// Package outboxtest holds an outbox's store to what notifications promise.
package outboxtest

import (
	"context"
	"errors"
	"fmt"
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

// Open opens a store. Each call is as a process that starts, and ends the one
// before it.
type Open func() outbox.Store

// Run runs the suite. fresh gives the way to open a store that holds nothing.
func Run(t *testing.T, fresh func(*testing.T) Open) {
	for name, test := range map[string]func(*testing.T, Open){
		"Burst is one message":                            testBurstIsOneMessage,
		"Most pressing are shown":                         testMostPressingAreShown,
		"Copies are told once":                            testCopiesAreToldOnce,
		"Limit holds back and the next message counts it": testLimitHoldsBackAndTheNextMessageCountsIt,
		"Quiet hours end in one message":                  testQuietHoursEndInOneMessage,
		"Threads are kept by resource":                    testThreadsAreKeptByResource,
		"Incidents open once and are resolved":            testIncidentsOpenOnceAndAreResolved,
		"Failure is sent again with the same id":          testFailureIsSentAgainWithTheSameID,
		"Refused message is a dead letter":                testRefusedMessageIsADeadLetter,
		"Used up attempts are a dead letter":              testUsedUpAttemptsAreADeadLetter,
		"Replay refuses other dead letters":               testReplayRefusesOtherDeadLetters,
		"Crash loses nothing":                             testCrashLosesNothing,
		"Many results are one message":                    testManyResultsAreOneMessage,
		"Last record counts in whatever order":            testLastRecordCountsInWhateverOrder,
		"Wait elsewhere counts for the window":            testWaitElsewhereCountsForTheWindow,
		"Message goes to each channel once":               testMessageGoesToEachChannelOnce,
		"Message waits in quiet hours":                    testMessageWaitsInQuietHours,
		"Message counts against the limit":                testMessageCountsAgainstTheLimit,
		"Message outlives the process":                    testMessageOutlivesTheProcess,
		"Message becomes a dead letter":                   testMessageBecomesADeadLetter,
		"Message is refused":                              testMessageIsRefused,
		"One process at a time works for a channel":       testOneProcessAtATimeWorksForAChannel,
		"Several processes send each result once":         testSeveralProcessesSendEachResultOnce,
		"Dead process is succeeded":                       testDeadProcessIsSucceeded,
		"No time no attempt":                              testNoTimeNoAttempt,
		"Run sends and stops":                             testRunSendsAndStops,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, fresh(t))
		})
	}
}

// world is an outbox with a clock, and a channel that answers as told.
type world struct {
	*outbox.Outbox
	t     *testing.T
	start Open
	store outbox.Store
	c     *notify.Config

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

func newWorld(t *testing.T, open Open, src string) *world {
	t.Helper()
	c, err := notify.Load([]byte(src), "notify.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, start: open, c: c, now: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), counted: map[string]int{}}
	w.open()
	return w
}

// open starts the process anew.
func (w *world) open() {
	w.store = w.start()
	w.Outbox = w.another()
}

// another gives an outbox of another process on the same store.
func (w *world) another() *outbox.Outbox {
	return outbox.New(w.store, w.c, outbox.Options{
		Now: w.time,
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
}

func (w *world) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
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

func testBurstIsOneMessage(t *testing.T, open Open) {
	w := newWorld(t, open, routes)
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

func testMostPressingAreShown(t *testing.T, open Open) {
	w := newWorld(t, open, routes)
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

func testCopiesAreToldOnce(t *testing.T, open Open) {
	w := newWorld(t, open, routes)
	w.put("a", "1", remedy.Reverted, remedy.High)
	w.put("a", "1", remedy.Reverted, remedy.High)
	w.pass(30 * time.Second)
	w.put("a", "1", remedy.Reverted, remedy.High)
	w.pass(30 * time.Second)
	w.got("ops: 1")
}

func testLimitHoldsBackAndTheNextMessageCountsIt(t *testing.T, open Open) {
	w := newWorld(t, open, routes)
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

func testQuietHoursEndInOneMessage(t *testing.T, open Open) {
	w := newWorld(t, open, routes)
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

func testThreadsAreKeptByResource(t *testing.T, open Open) {
	w := newWorld(t, open, strings.Replace(routes, "messages: 2", "messages: 9", 1))
	w.put("a", "1", remedy.Reverted, remedy.High)
	w.pass(30 * time.Second)
	w.open()
	w.put("b", "1", remedy.Reverted, remedy.High)
	w.pass(30 * time.Second)
	w.put("c", "2", remedy.Reverted, remedy.High)
	w.put("d", "1", remedy.Reverted, remedy.High)
	w.pass(30 * time.Second)
	w.got("ops: 1", "ops: 1 in thread of msg_", "ops: 2")
	w.put("e", "1", remedy.Reverted, remedy.High)
	w.pass(8 * 24 * time.Hour) // the thread is over
	w.put("f", "1", remedy.Reverted, remedy.High)
	w.pass(30 * time.Second)
	w.got("ops: 1 late 192h0m0s", "ops: 1 in thread of msg_")
}

func testIncidentsOpenOnceAndAreResolved(t *testing.T, open Open) {
	w := newWorld(t, open, strings.Replace(routes, "  - channels: [ops]\n", "", 1))
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

func testFailureIsSentAgainWithTheSameID(t *testing.T, open Open) {
	w := newWorld(t, open, routes)
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

func testRefusedMessageIsADeadLetter(t *testing.T, open Open) {
	testDeadLetter(t, open, []error{remedy.Permanent(errors.New("boom"))}, 1)
}

func testUsedUpAttemptsAreADeadLetter(t *testing.T, open Open) {
	testDeadLetter(t, open, slices.Repeat([]error{errors.New("boom")}, outbox.MaxAttempts), outbox.MaxAttempts)
}

func testDeadLetter(t *testing.T, open Open, errs []error, attempts int) {
	w := newWorld(t, open, routes)
	w.errs = errs
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
	if d.Function != "notify/ops" || d.Attempts != attempts || !strings.Contains(d.Reason, "boom") {
		t.Errorf("got %+v", d)
	}
	if n, err := w.Pending(t.Context()); n != 0 || err != nil {
		t.Errorf("%d pending, %v", n, err)
	}
	// Another process may put it back, and again when the letter was not removed.
	other := outbox.New(w.store, &notify.Config{}, outbox.Options{Now: w.time})
	for range 2 {
		if err := other.Replay(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
	}
	w.got("ops: 1")
	if w.notices[0].ID != d.ID {
		t.Errorf("sent as %s, was %s", w.notices[0].ID, d.ID)
	}
	// It may die a second time.
	d.At = w.time()
	if err := other.Replay(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	w.got("ops: 1 in thread of msg_")
}

func testReplayRefusesOtherDeadLetters(t *testing.T, open Open) {
	w := newWorld(t, open, routes)
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

func testCrashLosesNothing(t *testing.T, open Open) {
	w := newWorld(t, open, routes)
	w.put("a", "1", remedy.Reverted, remedy.High)
	w.errs = []error{errors.New("boom")}
	w.pass(30 * time.Second) // it is a message now
	w.put("b", "2", remedy.Reverted, remedy.High)
	w.open()
	w.pass(time.Second)
	w.pass(30 * time.Second)
	w.got("ops: 1", "ops: 1")
}

func testRunSendsAndStops(t *testing.T, open Open) {
	w := newWorld(t, open, strings.Replace(routes, "window: 30s", "window: 1s", 1))
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
