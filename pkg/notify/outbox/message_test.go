package outbox_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/notify"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// digests is a file in which two channels are told of reports.
var digests = strings.Replace(routes, "  pager:", "  mail: {sns: {topic: \"arn:aws:sns:us-east-1:111122223333:ebb\"}}\n  pager:", 1) +
	"digests:\n  - {channels: [ops, mail]}\n"

// tell puts word of the report that ends at until into the outbox.
func (w *world) tell(until time.Time) {
	w.t.Helper()
	channels, n := w.c.Digest(notify.Digest{
		ID: notify.DigestID("daily", until), Report: "daily", Since: until.AddDate(0, 0, -1), Until: until,
		Parts: []notify.Part{{Text: "Nothing happened."}}, Where: "/reports/daily.html",
	})
	if err := w.Message(w.t.Context(), channels, n); err != nil {
		w.t.Fatal(err)
	}
}

// later lets time pass, and both workers look.
func (w *world) later(d time.Duration) {
	w.t.Helper()
	w.mu.Lock()
	w.now = w.now.Add(d)
	w.mu.Unlock()
	if err := w.Release(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.pass(0)
}

// told gives the ids of the digests that were sent since it was last asked.
func (w *world) told() []string {
	ids := []string{}
	for _, n := range w.notices {
		if n.Digest != nil {
			ids = append(ids, n.ID)
		}
	}
	w.notices = nil
	return ids
}

func TestMessage_goes_to_each_channel_once(t *testing.T) {
	t.Parallel()
	w := newWorld(t, digests)
	w.tell(w.now)
	w.tell(w.now)
	w.later(0)
	w.tell(w.now)
	w.later(time.Second)
	got := map[string]bool{}
	for _, id := range w.told() {
		got[id] = true
	}
	want := map[string]bool{"msg_report-daily-20261121T0900Z-ops": true, "msg_report-daily-20261121T0900Z-mail": true}
	if diff := cmp.Diff(want, got); diff != "" || len(w.sent) != 2 {
		t.Errorf("%d sent (-want +got):\n%s", len(w.sent), diff)
	}
	w.tell(w.now.AddDate(0, 0, 1))
	w.later(0)
	if got := w.told(); len(got) != 2 {
		t.Errorf("of the next day's report %v", got)
	}
	if n, err := w.Pending(t.Context()); n != 0 || err != nil {
		t.Errorf("%d pending, %v", n, err)
	}
}

// A digest waits for the end of quiet hours, and holds up nothing that they let through.
func TestMessage_waits_in_quiet_hours(t *testing.T) {
	t.Parallel()
	w := newWorld(t, strings.Replace(digests, "[ops, mail]", "[ops]", 1))
	w.later(14 * time.Hour) // 23:00
	w.tell(w.now)
	w.later(time.Minute)
	w.got()
	w.put("c", "c", remedy.Reverted, remedy.Critical)
	w.later(time.Minute)
	w.got("ops: 1")
	w.later(7*time.Hour + 57*time.Minute)
	w.got()
	w.notices = nil
	w.later(time.Minute)
	if diff := cmp.Diff([]string{"msg_report-daily-20261121T2300Z-ops"}, w.told()); diff != "" {
		t.Errorf("at the end (-want +got):\n%s", diff)
	}
}

func TestMessage_counts_against_the_limit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, strings.Replace(digests, "[ops, mail]", "[ops]", 1))
	for n := range 3 {
		w.tell(w.now.AddDate(0, 0, n))
	}
	w.later(0)
	if got := w.told(); len(got) != 2 {
		t.Errorf("sent %v, want the two that the limit allows", got)
	}
	w.later(9 * time.Minute)
	if got := w.told(); len(got) != 0 {
		t.Errorf("sent %v before the limit's time is over", got)
	}
	w.later(2 * time.Minute)
	if got := w.told(); len(got) != 1 {
		t.Errorf("sent %v, want the one that waited", got)
	}
}

func TestMessage_outlives_the_process(t *testing.T) {
	t.Parallel()
	w := newWorld(t, strings.Replace(digests, "[ops, mail]", "[ops]", 1))
	w.later(14 * time.Hour)
	w.tell(w.now)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w.open()
	w.tell(w.now)
	w.later(8 * time.Hour)
	if got := w.told(); len(got) != 1 {
		t.Errorf("sent %v, want one", got)
	}
}

// What a channel refuses is a dead letter of its own in each.
func TestMessage_becomes_a_dead_letter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, digests)
	refusal := remedy.Permanent(errors.New("refused"))
	w.errs = []error{refusal, refusal}
	w.tell(w.now)
	w.later(0)
	got := map[string]string{}
	for _, d := range w.letters {
		got[d.ID] = d.Function
	}
	want := map[string]string{"msg_report-daily-20261121T0900Z-ops": "notify/ops", "msg_report-daily-20261121T0900Z-mail": "notify/mail"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
}
