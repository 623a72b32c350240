package local_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/host/local"
	"github.com/ebb-ops/ebb/pkg/notify"
	"github.com/ebb-ops/ebb/pkg/notify/digest"
)

// TestTell has a report told while the host serves, and none without a notify file.
func TestTell(t *testing.T) {
	t.Parallel()
	c, err := notify.Load([]byte("version: 1\nchannels: {ops: {slack: {webhook: OPS}}}\nroutes: [{channels: [ops]}]\ndigests: [{channels: [ops], reports: [daily]}]\n"), "notify.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sent := make(chan notify.Notice, 10)
	cfg := config(t, newHouse().function())
	cfg.Notify, cfg.Send = c, func(_ context.Context, _ string, n notify.Notice, _ string) (string, error) {
		sent <- n
		return "", nil
	}
	h, err := local.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	run(t, h)
	until := time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)
	var daily digest.Digest
	for _, report := range []string{"weekly", "daily"} {
		daily = digest.Digest{
			ID: digest.ID(report, until), Report: report, Since: until.AddDate(0, 0, -1), Until: until,
			Parts: []digest.Part{{Text: "Nothing happened."}}, Where: "/reports/daily.html",
		}
		if err := h.Tell(t.Context(), daily); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case n := <-sent:
		if diff := cmp.Diff(notify.Notice{ID: daily.ID + "-ops", First: until, Last: until, Digest: &daily}, n); diff != "" {
			t.Errorf("notice (-want +got):\n%s", diff)
		}
	case <-time.After(60 * time.Second):
		t.Fatal("nothing was sent")
	}

	silent, err := local.Open(t.Context(), config(t, newHouse().function()))
	if err != nil {
		t.Fatal(err)
	}
	run(t, silent)
	if err := silent.Tell(t.Context(), daily); err != nil {
		t.Errorf("without a notify file: %v", err)
	}
}
