package local_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"testing"

	"github.com/ebb-ops/ebb/pkg/host/local"
	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
)

// BenchmarkWebhooks is how many real webhooks a second are accepted durably,
// over HTTP, with their signatures verified; the senders share the machine.
func BenchmarkWebhooks(b *testing.B) {
	body, err := os.ReadFile("../../../events/github-webhook/publicized.json")
	if err != nil {
		b.Fatal(err)
	}
	hs := newHouse("Hello-World")
	hs.hold = make(chan struct{}) // accepting is measured, not handling
	cfg := config(b, hs.function())
	cfg.Workers = 1
	h, err := local.Open(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	addr, done := make(chan net.Addr, 1), make(chan error, 1)
	go func() { done <- h.Run(ctx, func(a net.Addr) { addr <- a }) }()
	at := (<-addr).String()
	req, err := githubtest.Deliver("http://"+at+"/webhooks/github", body, "repository", "ID", secret)
	if err != nil {
		b.Fatal(err)
	}
	var raw bytes.Buffer
	if err := req.Write(&raw); err != nil {
		b.Fatal(err)
	}
	// The delivery's id is not signed, so one signature serves for all.
	before, after, _ := bytes.Cut(raw.Bytes(), []byte("X-Github-Delivery: ID"))
	var n atomic.Int64
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		conn, err := (&net.Dialer{}).DialContext(b.Context(), "tcp", at)
		if err != nil {
			b.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		answers := bufio.NewReader(conn)
		for pb.Next() {
			if _, err := fmt.Fprintf(conn, "%sX-Github-Delivery: %d%s", before, n.Add(1), after); err != nil {
				b.Error(err)
				return
			}
			res, err := http.ReadResponse(answers, nil)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if res.StatusCode != http.StatusAccepted {
				b.Errorf("status %d", res.StatusCode)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "webhooks/s")
	close(hs.hold)
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
	if err := h.Close(); err != nil {
		b.Error(err)
	}
}
