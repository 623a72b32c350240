package local_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/host/local"
)

func TestServe_pushes_back_when_the_inbox_is_full(t *testing.T) {
	t.Parallel()
	hs := newHouse("a", "b")
	hs.hold = make(chan struct{})
	cfg := config(t, hs.function())
	cfg.Inbox.MaxCount = 1
	r := serve(t, cfg)
	t.Cleanup(func() { close(hs.hold) }) // before the host is stopped
	if status, body := r.do(http.MethodPost, "/events", event("e1", "a")); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, body)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/events", strings.NewReader(event("e2", "b")))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("%d with Retry-After %q, want 503 with one", res.StatusCode, res.Header.Get("Retry-After"))
	}
}

func TestServe_bounds_the_bodies_in_memory(t *testing.T) {
	t.Parallel()
	r := serve(t, config(t, newHouse("a").function()))
	addr := strings.TrimPrefix(r.url, "http://")
	var senders []net.Conn
	for range local.MaxBodies / bus.MaxBody {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		// It promises a long body and sends none of it.
		if _, err := fmt.Fprintf(c, "POST /events HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n", addr, bus.MaxBody); err != nil {
			t.Fatal(err)
		}
		senders = append(senders, c)
	}
	try := func() string {
		status, body := r.do(http.MethodPost, "/events", event("e1", "a"))
		return fmt.Sprint(status, " ", body)
	}
	waitFor(t, func() string {
		if got := try(); !strings.HasPrefix(got, "503 ") {
			return got + ", want it turned away"
		}
		return ""
	})
	for _, c := range senders {
		_ = c.Close()
	}
	waitFor(t, func() string {
		if got := try(); !strings.HasPrefix(got, "202 ") {
			return got + ", want it accepted"
		}
		return ""
	})
}
