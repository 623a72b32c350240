package giteawebhook_test

import (
	"context"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/functions/giteawebhook"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas/gitea/giteatest"
	"github.com/ebb-ops/ebb/pkg/webhook"
)

const secret = "s3cret of the test"

var received = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// What a receiver does is tested with GitHub's; here is what Gitea words in its
// own way.
func TestReceiver(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file, event string
		want        remedy.Event // beside what all have
	}{
		{"created.json", "repository", remedy.Event{Name: "repository.created", Time: time.Date(2026, 3, 2, 10, 53, 21, 0, time.UTC)}},
		{"deleted.json", "repository", remedy.Event{Name: "repository.deleted", Time: time.Date(2026, 3, 2, 10, 53, 25, 0, time.UTC)}},
		{"push.json", "push", remedy.Event{Name: "push", Time: received}},
		{"release.json", "release", remedy.Event{Name: "release.published", Time: received}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile("../../events/gitea-webhook/" + tt.file)
			if err != nil {
				t.Fatal(err)
			}
			status, _, got := deliver(t, body, tt.event, secret, "application/json")
			want := tt.want
			want.ID, want.Source, want.Account, want.Received, want.Detail = "d-1", "gitea", "acme", received, body
			want.Actor = remedy.Actor{ID: "jane", Name: "jane", Via: "gitea"}
			if diff := cmp.Diff([]remedy.Event{want}, got); status != 202 || diff != "" {
				t.Errorf("%d, events (-want +got):\n%s", status, diff)
			}
		})
	}
}

func TestReceiverRefuses(t *testing.T) {
	t.Parallel()
	const body = `{"action":"created","repository":{"id":7}}`
	for name, tt := range map[string]struct {
		key, kind string
		status    int
		answer    string
	}{
		"another key": {"an0ther", "application/json", 401, "X-Gitea-Signature doesn't match the body"},
		"a form":      {secret, "application/x-www-form-urlencoded", 415, "set the webhook to application/json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, answer, got := deliver(t, []byte(body), "repository", tt.key, tt.kind)
			if status != tt.status || !strings.Contains(answer, tt.answer) || len(got) > 0 {
				t.Errorf("got %d %s and %d events, want %d with %q", status, answer, len(got), tt.status, tt.answer)
			}
		})
	}
}

// deliver gives the receiver's answer, and the events that it handed on.
func deliver(t *testing.T, body []byte, event, key, kind string) (status int, answer string, got []remedy.Event) {
	t.Helper()
	r, err := giteatest.Deliver("http://localhost/webhooks/gitea", body, event, "d-1", key)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	webhook.Receiver{
		Forge: giteawebhook.Forge(), Verify: webhook.Signed(webhook.Gitea(secret)), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Now:    func() time.Time { return received },
		Accept: func(_ context.Context, ev remedy.Event) error { got = append(got, ev); return nil },
	}.ServeHTTP(w, r)
	return w.Code, w.Body.String(), got
}
