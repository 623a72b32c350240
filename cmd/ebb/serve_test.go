package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas/gitea/giteatest"
	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
)

// serving is a running ebb serve.
type serving struct {
	url  string
	stop func() (code int)
}

// serve starts ebb serve on the world's data folder and waits until it listens.
func (w *world) serve(args ...string) serving {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	out, said := io.Pipe()
	d := w.deps
	d.Stdout, d.Stderr = said, io.Discard
	ended := make(chan int, 1)
	go func() {
		ended <- execute(ctx, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...), d)
		_ = said.Close()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "ebb serves on ")
	if err != nil || !ok {
		cancel()
		w.t.Fatalf("ebb serve said %q (%v)", line, err)
	}
	s := serving{url, func() int { cancel(); return <-ended }}
	w.t.Cleanup(cancel)
	return s
}

// await polls until there is a record of the event with that outcome.
func (w *world) await(event string, outcome remedy.Outcome) {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		recs := w.decode(w.must("records", "--all", "-o", "json").stdout)
		if slices.ContainsFunc(recs, func(r remedy.Record) bool { return r.Event.ID == event && r.Outcome == outcome }) {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("records = %+v, want event %s %s", recs, event, outcome)
		}
		select {
		case <-w.t.Context().Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bury(w.letter("11aa", "shelf-labels", w.event("e2", "shelf.moved", "b")))
	s := w.serve("--policy", w.enforcing())
	res, err := http.Post(s.url+"/events", "application/json", strings.NewReader(w.event("e1", "shelf.put", "a")))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusAccepted {
		t.Fatalf("POST /events: %s", res.Status)
	}
	w.await("e1", remedy.Reverted)
	w.wantShelf("a", map[string]string{"x": "good"})

	if r := w.run("serve", "--listen", "127.0.0.1:0"); r.code != exitFailed || !strings.Contains(r.stderr, "in use by another ebb serve") {
		t.Errorf("a second ebb serve: exit code %d: %s", r.code, r.stderr)
	}

	w.mu.Lock()
	w.shelves["b"] = map[string]string{"z": "bad"}
	w.mu.Unlock()
	w.must("dead-letters", "replay", "11aa")
	w.await("e2", remedy.Reverted)
	if diff := cmp.Diff([]string{}, w.left()); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
	if code := s.stop(); code != exitDone {
		t.Errorf("exit code %d, want %d", code, exitDone)
	}
}

func TestServeAsksForTheToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["EBB_DATA"], w.env["EBB_TOKEN"] = w.dir+"/data", "s3cret"
	s := w.serve()
	for token, want := range map[string]int{"": http.StatusUnauthorized, "wrong": http.StatusUnauthorized, "s3cret": http.StatusOK} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/api/records", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("token %q: status %d, want %d", token, res.StatusCode, want)
		}
	}
	if code := s.stop(); code != exitDone {
		t.Errorf("exit code %d, want %d", code, exitDone)
	}
	if help := w.must("serve", "--help").stdout; strings.Contains(help, "s3cret") {
		t.Error("the help shows the token")
	}
}

func TestServeTakesTheWebhooksSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["EBB_DATA"] = w.dir + "/data"
	for _, product := range []string{"GITHUB", "GITEA"} {
		w.env["EBB_"+product+"_WEBHOOK_SECRET"] = "new " + product
		w.env["EBB_"+product+"_WEBHOOK_SECRET_PREVIOUS"] = "old " + product
	}
	s := w.serve()
	for _, tt := range []struct {
		path, key string
		deliver   func(url string, body []byte, event, delivery, secret string) (*http.Request, error)
		want      int
	}{
		{"/webhooks/github", "new GITHUB", githubtest.Deliver, http.StatusAccepted},
		{"/webhooks/github", "old GITHUB", githubtest.Deliver, http.StatusAccepted},
		{"/webhooks/github", "new GITEA", githubtest.Deliver, http.StatusUnauthorized},
		{"/webhooks/gitea", "new GITEA", giteatest.Deliver, http.StatusAccepted},
		{"/webhooks/gitea", "old GITEA", giteatest.Deliver, http.StatusAccepted},
		{"/webhooks/gitea", "new GITHUB", giteatest.Deliver, http.StatusUnauthorized},
	} {
		req, err := tt.deliver(s.url+tt.path, []byte(`{"action":"created"}`), "repository", "d1", tt.key)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req.WithContext(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != tt.want {
			t.Errorf("%s signed with %q: status %d, want %d", tt.path, tt.key, res.StatusCode, tt.want)
		}
	}
}

func TestServeWithoutItsPort(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.run("serve", "--listen", "127.0.0.1:99999")
	if r.code != exitFailed {
		t.Errorf("exit code %d, want %d", r.code, exitFailed)
	}
	contains(t, "stderr", r.stderr, "ebb: listen on 127.0.0.1:99999")
}
