package outboxtest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/notify/digest"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// tell puts word of the report that ends at until into the outbox.
func (w *world) tell(until time.Time) {
	w.t.Helper()
	channels, n := w.c.Digest(digest.Digest{
		ID: digest.ID("daily", until), Report: "daily", Since: until.AddDate(0, 0, -1), Until: until,
		Parts: []digest.Part{{Text: "Nothing happened."}}, Where: "/reports/daily.html",
	})
	if err := w.Message(w.t.Context(), channels, n); err != nil {
		w.t.Fatal(err)
	}
}

// told compares the ids of the digests that were sent since it was last asked.
func (w *world) told(want ...string) {
	w.t.Helper()
	var got []string
	for _, n := range w.notices {
		if n.Digest != nil {
			got = append(got, n.ID)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("digests (-want +got):\n%s", diff)
	}
	w.notices, w.sent = nil, nil
}

const digests = routes + "digests:\n  - {channels: [ops]}\n"

// A digest waits for the end of quiet hours, and holds up nothing that they let through.
func testMessageWaitsInQuietHours(t *testing.T, open Open) {
	w := newWorld(t, open, digests)
	w.pass(14 * time.Hour) // 23:00
	w.tell(w.time())
	w.pass(time.Minute)
	w.got()
	w.put("c", "c", remedy.Reverted, remedy.Critical)
	w.pass(time.Minute)
	w.got("ops: 1")
	w.pass(7*time.Hour + 57*time.Minute)
	w.told()
	w.pass(time.Minute)
	w.told("msg_report-daily-20261121T2300Z-ops")
	if n, err := w.Pending(t.Context()); n != 0 || err != nil {
		t.Errorf("%d pending, %v", n, err)
	}
}

func testMessageCountsAgainstTheLimit(t *testing.T, open Open) {
	w := newWorld(t, open, digests)
	for n := range 3 {
		w.tell(w.time().AddDate(0, 0, n))
	}
	w.pass(0)
	w.told("msg_report-daily-20261121T0900Z-ops", "msg_report-daily-20261122T0900Z-ops")
	w.put("a", "a", remedy.Reverted, remedy.Critical)
	w.pass(9 * time.Minute)
	w.got()
	w.pass(2 * time.Minute)
	slices.Sort(w.sent) // both were made at once
	w.got("ops: 0", "ops: 1 late 11m0s")
	w.told("msg_report-daily-20261123T0900Z-ops")
}

func testMessageOutlivesTheProcess(t *testing.T, open Open) {
	w := newWorld(t, open, digests)
	w.pass(14 * time.Hour)
	w.tell(w.time())
	w.open()
	w.tell(w.time())
	w.pass(8 * time.Hour)
	w.told("msg_report-daily-20261121T2300Z-ops")
}

// What a channel refuses is a dead letter of its own in each, and a replay sends it.
func testMessageIsADeadLetterAndComesBack(t *testing.T, open Open) {
	w := newWorld(t, open, strings.Replace(strings.Replace(digests, "channels: [ops]}\n", "channels: [ops, desk]}\n", 1),
		"  pager:", "  desk: {slack: {webhook: DESK}}\n  pager:", 1))
	refusal := remedy.Permanent(errors.New("refused"))
	w.errs = []error{refusal, refusal}
	w.tell(w.time())
	w.pass(0)
	got := map[string]string{}
	for _, d := range w.letters {
		got[d.ID] = d.Function
	}
	want := map[string]string{"msg_report-daily-20261121T0900Z-ops": "notify/ops", "msg_report-daily-20261121T0900Z-desk": "notify/desk"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
	for _, d := range w.letters {
		if err := w.Replay(t.Context(), d); err != nil {
			t.Error(err)
		}
	}
	w.pass(0)
	w.told("msg_report-daily-20261121T0900Z-desk", "msg_report-daily-20261121T0900Z-ops")
}
