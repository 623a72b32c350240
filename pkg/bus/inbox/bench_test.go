package inbox

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// BenchmarkAccept stores webhooks of 8 KB from 64 callers at once.
func BenchmarkAccept(b *testing.B) {
	in := open(b, b.TempDir(), Options{})
	acceptAll(b, in)
}

// BenchmarkAcceptWhileHandling does the same while four workers take them out again.
func BenchmarkAcceptWhileHandling(b *testing.B) {
	in := open(b, b.TempDir(), Options{})
	ctx, cancel := context.WithCancel(context.Background())
	h := func(context.Context, Delivery) error { return nil }
	sink := func(context.Context, remedy.DeadLetter) error { return nil }
	done := make(chan error, 1)
	go func() { done <- in.Run(ctx, 4, h, sink) }()
	acceptAll(b, in)
	cancel()
	if err := <-done; err != nil {
		b.Error(err)
	}
}

func acceptAll(b *testing.B, in *Inbox) {
	const callers, size = 64, 8 << 10
	body := bytes.Repeat([]byte(`{"k":"v"},`), size/10)
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range callers {
		wg.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				d := NewDelivery("github-repository-visibility", "github", fmt.Sprint(n), body)
				if err := in.Accept(context.Background(), d); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
}
