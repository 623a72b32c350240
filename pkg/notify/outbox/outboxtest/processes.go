package outboxtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/notify"
	"github.com/ebb-ops/ebb/pkg/notify/outbox"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func testManyResultsAreOneMessage(t *testing.T, open Open) {
	w := newWorld(t, open, strings.Replace(routes, "show: 2", "show: 20", 1))
	for n := range 100 { // more than a transaction of DynamoDB holds
		w.put(fmt.Sprintf("r%03d", n), fmt.Sprint("bucket", n), remedy.Reverted, remedy.High)
	}
	w.pass(30 * time.Second)
	w.got("ops: 100")
	w.pass(time.Hour)
	w.got()
	if n, err := w.Pending(t.Context()); n != 0 || err != nil {
		t.Errorf("%d pending, %v", n, err)
	}
}

func testLastRecordCountsInWhateverOrder(t *testing.T, open Open) {
	w := newWorld(t, open, strings.Replace(routes, "  - channels: [ops]\n", "", 1))
	put := func(id string, outcome remedy.Outcome, recorded time.Duration) {
		t.Helper()
		if err := w.Put(t.Context(), remedy.Record{
			ID: id, Function: "f", Outcome: outcome, Severity: remedy.High, Resource: remedy.Ref{Type: "T", ID: "1"},
			Times: remedy.Times{Recorded: w.time().Add(recorded)},
		}); err != nil {
			t.Fatal(err)
		}
	}
	put("a", remedy.Reverted, 2*time.Second)
	put("b", remedy.Failed, time.Second)
	w.pass(time.Second)
	w.got() // what failed was mended, and nothing was open
	put("c", remedy.Failed, 2*time.Second)
	put("d", remedy.Reverted, time.Second)
	w.pass(time.Second)
	w.got("pager: 1")
}

func testWaitElsewhereCountsForTheWindow(t *testing.T, open Open) {
	w := newWorld(t, open, routes)
	rec := remedy.Record{ID: "a", Function: "f", Outcome: remedy.Reverted, Severity: remedy.High, Resource: remedy.Ref{Type: "T", ID: "1"}}
	if err := w.PutAt(t.Context(), rec, w.time().Add(-30*time.Second)); err != nil {
		t.Fatal(err)
	}
	w.pass(0)
	w.got("ops: 1")
}

func testMessageIsRefused(t *testing.T, open Open) {
	w := newWorld(t, open, routes)
	if err := w.Message(t.Context(), []string{"nowhere"}, notify.Notice{ID: "msg_1"}); err == nil || !strings.Contains(err.Error(), "no channel nowhere") {
		t.Errorf("for a channel that is not there: %v", err)
	}
	if err := w.Message(t.Context(), []string{"ops"}, notify.Notice{}); err == nil {
		t.Error("a message without an id was kept")
	}
}

func testOneProcessAtATimeWorksForAChannel(t *testing.T, open Open) {
	w := newWorld(t, open, routes)
	take := func(owner string, until time.Duration) bool {
		t.Helper()
		got, err := w.store.Take(t.Context(), outbox.Lease{Channel: "ops", Owner: owner, Until: w.time().Add(until)}, w.time())
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	release := func(owner string) {
		t.Helper()
		if err := w.store.Release(t.Context(), outbox.Lease{Channel: "ops", Owner: owner}); err != nil {
			t.Fatal(err)
		}
	}
	got := []bool{take("one", time.Minute), take("two", time.Minute), take("one", 2*time.Minute)}
	w.pass(119 * time.Second)
	got = append(got, take("two", time.Minute))
	w.pass(time.Second)
	got = append(got, take("two", time.Minute), take("one", time.Minute))
	release("one") // it is not one's any more
	got = append(got, take("one", time.Minute))
	release("two")
	got = append(got, take("one", time.Minute))
	if diff := cmp.Diff([]bool{true, false, true, false, true, false, false, true}, got); diff != "" {
		t.Errorf("who got the lease (-want +got):\n%s", diff)
	}
	err := w.store.Commit(t.Context(), outbox.Lease{Channel: "ops", Owner: "two"}, outbox.Change{At: w.time(), Thread: outbox.Thread{Key: "k", Value: "v"}})
	if !errors.Is(err, outbox.ErrLost) {
		t.Errorf("a change without the lease: %v", err)
	}
	if thread, err := w.store.Thread(t.Context(), "ops", "k"); thread.Value != "" || err != nil {
		t.Errorf("it changed all the same: %+v, %v", thread, err)
	}
}

func testSeveralProcessesSendEachResultOnce(t *testing.T, open Open) {
	w := newWorld(t, open, strings.Replace(routes, "  - channels: [ops]\n", "", 1))
	const processes, results = 4, 8
	for n := range results {
		w.put(fmt.Sprint("r", n), fmt.Sprint(n), remedy.Failed, remedy.High)
	}
	var running sync.WaitGroup
	errs := make([]error, processes)
	for i := range processes {
		running.Go(func() {
			// Copies of all results come to each of them.
			b := w.another()
			for n := range results {
				errs[i] = errors.Join(errs[i], b.Put(t.Context(), remedy.Record{
					ID: fmt.Sprint("r", n), Function: "f", Outcome: remedy.Failed, Severity: remedy.High, Resource: remedy.Ref{Type: "T", ID: fmt.Sprint(n)},
				}), b.Step(t.Context()))
			}
		})
	}
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	told := map[string]int{}
	for _, n := range w.notices {
		told[n.Items[0].Record]++
	}
	if len(told) != results || len(w.notices) != results {
		t.Errorf("told of %v in %d messages", told, len(w.notices))
	}
	if n, err := w.Pending(t.Context()); n != 0 || err != nil {
		t.Errorf("%d pending, %v", n, err)
	}
}

// A process hangs while it sends, until another one takes it to be dead. It must
// not undo what its successor did.
func testDeadProcessIsSucceeded(t *testing.T, open Open) {
	w := newWorld(t, open, routes)
	sending, goOn := make(chan struct{}), make(chan struct{})
	hung := outbox.New(w.store, w.c, outbox.Options{
		Now: w.time,
		Send: func(context.Context, string, notify.Notice, string) (string, error) {
			close(sending)
			<-goOn
			return "", errors.New("cut off")
		},
	})
	w.put("a", "1", remedy.Reverted, remedy.High)
	w.mu.Lock()
	w.now = w.now.Add(30 * time.Second)
	w.mu.Unlock()
	ended := make(chan error)
	go func() { ended <- hung.Step(t.Context()) }()
	<-sending
	w.pass(outbox.LeaseFor - time.Second)
	w.got()
	w.pass(time.Second)
	w.got("ops: 1")
	close(goOn)
	if err := <-ended; !errors.Is(err, outbox.ErrLost) {
		t.Errorf("the one that hung: %v", err)
	}
	w.pass(time.Hour)
	w.got()
	if n, err := w.Pending(t.Context()); n != 0 || err != nil {
		t.Errorf("%d pending, %v", n, err)
	}
}

func testNoTimeNoAttempt(t *testing.T, open Open) {
	w := newWorld(t, open, routes)
	w.put("a", "1", remedy.Reverted, remedy.High)
	w.mu.Lock()
	w.now = w.now.Add(30 * time.Second)
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), notify.SendFor-time.Second)
	defer cancel()
	if err := w.Step(ctx); err != nil {
		t.Fatal(err)
	}
	w.got()
	w.pass(0)
	w.got("ops: 1")
}
