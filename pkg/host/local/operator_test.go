package local_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/host/local"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// withConsole gives the parts of a host that has a console.
func withConsole(cfg *local.Config) <-chan local.Parts {
	parts := make(chan local.Parts, 1)
	cfg.Console = func(p local.Parts) (http.Handler, error) {
		parts <- p
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("the console")) }), nil
	}
	return parts
}

func TestConsoleHasWhatNothingElseHas(t *testing.T) {
	t.Parallel()
	cfg := config(t, newHouse().function())
	parts := withConsole(&cfg)
	r := serve(t, cfg)
	for path, want := range map[string]bool{"/": true, "/records/1": true, "/webhooks/none": true, "/healthz": false, "/api/records": false, "/webhooks/github": false} {
		if _, body := r.do(http.MethodGet, path, ""); (body == "the console") != want {
			t.Errorf("%s is answered with %q", path, body)
		}
	}
	if _, body := r.do(http.MethodPost, "/", "{}"); body == "the console" {
		t.Error("PutEvents reaches the console")
	}
	p := <-parts
	for host, want := range map[string]bool{"127.0.0.1:1": true, "ebb.example.com": false} {
		if req := (&http.Request{Host: host, Header: http.Header{}}); p.Direct(req) != want || p.Open(req) != want {
			t.Errorf("a request for %s: direct %t, open %t", host, p.Direct(req), p.Open(req))
		}
	}
	proxied := &http.Request{Host: "127.0.0.1:1", Header: http.Header{"X-Forwarded-For": {"192.0.2.7"}}}
	if p.Direct(proxied) {
		t.Error("a request through a proxy counts as direct")
	}
}

func TestATokenClosesTheConsole(t *testing.T) {
	t.Parallel()
	cfg := config(t, newHouse().function())
	cfg.Token = "a token"
	parts := withConsole(&cfg)
	serve(t, cfg)
	p := <-parts
	if req := (&http.Request{Host: "127.0.0.1:1", Header: http.Header{}}); !p.Direct(req) || p.Open(req) {
		t.Errorf("direct %t, open %t", p.Direct(req), p.Open(req))
	}
}

func TestConsoleThatCannotBeMade(t *testing.T) {
	t.Parallel()
	cfg := config(t, newHouse().function())
	cfg.Console = func(local.Parts) (http.Handler, error) { return nil, errors.New("no key") }
	h, err := local.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	if err := h.Run(t.Context(), nil); err == nil || err.Error() != "no key" {
		t.Errorf("got error %v", err)
	}
}

func TestOperatorUndoesAndReplays(t *testing.T) {
	t.Parallel()
	hs := newHouse("a")
	cfg := config(t, hs.function())
	parts := withConsole(&cfg)
	r := serve(t, cfg)
	p := <-parts
	r.do(http.MethodPost, "/events", event("e1", "a"))
	r.await(map[string]remedy.Outcome{"e1": remedy.Reverted})
	recs, _, err := p.Ledger.Records(t.Context(), remedy.Query{})
	if err != nil || len(recs) != 1 {
		t.Fatalf("records = %v, %v", recs, err)
	}
	undo, err := p.Host.Undo(t.Context(), recs[0].ID, remedy.Actor{ID: "ann"}, "It was wanted.")
	if err != nil || undo.Outcome != remedy.Undone || undo.Event.Actor.ID != "ann" || !hs.on["a"] {
		t.Errorf("undo = %+v, %v", undo, err)
	}
	if _, err := p.Host.Undo(t.Context(), "none", remedy.Actor{ID: "ann"}, "x"); !errors.Is(err, remedy.ErrNoRecord) {
		t.Errorf("got error %v, want ErrNoRecord", err)
	}

	letter := remedy.DeadLetter{ID: "d1", Source: "test", Event: "e2", At: time.Now(), Payload: []byte(event("e2", "b"))}
	if err := p.Ledger.SaveDeadLetter(t.Context(), letter); err != nil {
		t.Fatal(err)
	}
	hs.mu.Lock()
	hs.on["b"] = true
	hs.mu.Unlock()
	names, err := p.Host.Replay(t.Context(), "d1")
	if diff := cmp.Diff([]string{"lamps"}, names); diff != "" || err != nil {
		t.Errorf("replay (-want +got):\n%s%v", diff, err)
	}
	waitFor(t, func() string {
		if got := r.outcomes()["e2"]; got != remedy.Reverted {
			return "e2 is " + string(got)
		}
		return ""
	})
	if _, err := p.Host.Replay(t.Context(), "d1"); !errors.Is(err, remedy.ErrNoDeadLetter) {
		t.Errorf("a second time: %v", err)
	}
}

// What operators decided holds from the first event on.
func TestOverridesOutliveTheProcess(t *testing.T) {
	t.Parallel()
	hs := newHouse("a")
	cfg := config(t, hs.function())
	parts := withConsole(&cfg)
	first := serve(t, cfg)
	p := <-parts
	off := remedy.Override{ID: "m1", Function: "lamps", Mode: remedy.Off, Reason: "Quiet.", Created: time.Now(), Expires: time.Now().Add(time.Hour)}
	if err := p.Ledger.SaveOverride(t.Context(), off); err != nil {
		t.Fatal(err)
	}
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	parts = withConsole(&cfg)
	serve(t, cfg)
	p = <-parts
	if got := p.Policy.Decide("lamps", remedy.Ref{}).Mode; got != remedy.Off {
		t.Errorf("mode = %s, want off", got)
	}
}
