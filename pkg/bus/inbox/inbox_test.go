package inbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// clock is a clock that moves when told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// open opens an inbox that is closed with the test and looks around often.
func open(t testing.TB, dir string, opts Options) *Inbox {
	t.Helper()
	opts.Poll = 2 * time.Millisecond
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	in, err := Open(t.Context(), dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	})
	return in
}

func accept(t *testing.T, in *Inbox, ds ...Delivery) {
	t.Helper()
	if err := in.Accept(t.Context(), ds...); err != nil {
		t.Fatal(err)
	}
}

func stats(t *testing.T, in *Inbox) Stats {
	t.Helper()
	s, err := in.Stats(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// until polls until ok holds.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still waiting for %s", what)
		}
	}
}

func delivery(event string) Delivery {
	return NewDelivery("fn", "github", event, []byte("payload of "+event))
}

func TestNewDeliveryID(t *testing.T) {
	t.Parallel()
	base := NewDelivery("fn", "github", "1", []byte("x"))
	if again := NewDelivery("fn", "github", "1", []byte("x")); again.ID != base.ID {
		t.Errorf("a copy has ID %s, want %s", again.ID, base.ID)
	}
	for name, other := range map[string]Delivery{
		"function":             NewDelivery("fn2", "github", "1", []byte("x")),
		"event":                NewDelivery("fn", "github", "2", []byte("x")),
		"payload":              NewDelivery("fn", "github", "1", []byte("y")),
		"where the words part": NewDelivery("fn1", "github", "", []byte("x")),
	} {
		if other.ID == base.ID {
			t.Errorf("another %s has the same ID", name)
		}
	}
}

func TestAcceptedSurvivesReopening(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a ?#%20 folder")
	c := newClock()
	first, err := Open(t.Context(), dir, Options{Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	want := []Delivery{delivery("1"), delivery("2"), {ID: "bare"}}
	want[0].Carrier = map[string]string{"traceparent": "00-1-2-01"}
	want[0].Received = c.Now().Add(-time.Minute)
	accept(t, first, want...)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := first.Accept(t.Context(), want[0]); !errors.Is(err, ErrClosed) {
		t.Errorf("accept after close: got error %v, want %v", err, ErrClosed)
	}

	in := open(t, dir, Options{Now: c.Now})
	if d := cmp.Diff(Stats{Pending: 3, Bytes: 24, Oldest: time.Minute}, stats(t, in)); d != "" {
		t.Errorf("stats (-want +got):\n%s", d)
	}
	h := &recorder{}
	stop := serve(t, in, 1, h)
	until(t, "the deliveries", func() bool { return stats(t, in).Pending == 0 })
	stop()
	want[1].Received, want[2].Received = c.Now(), c.Now()
	if d := cmp.Diff(want, h.handled()); d != "" {
		t.Errorf("handled (-want +got):\n%s", d)
	}
	if d := cmp.Diff(Stats{}, stats(t, in)); d != "" {
		t.Errorf("stats afterwards (-want +got):\n%s", d)
	}
}

func TestAcceptTakesACopyForDone(t *testing.T) {
	t.Parallel()
	in := open(t, t.TempDir(), Options{})
	accept(t, in, delivery("1"), delivery("1"))
	accept(t, in, delivery("1"), delivery("2"))
	if got := stats(t, in); got.Pending != 2 || got.Bytes != 24 {
		t.Errorf("got %+v, want 2 pending of 24 bytes", got)
	}
}

func TestAcceptRefuses(t *testing.T) {
	t.Parallel()
	in := open(t, t.TempDir(), Options{})
	for says, d := range map[string]Delivery{
		"no ID":           {Payload: []byte("x")},
		"4194305 bytes":   {ID: "1", Payload: make([]byte, MaxPayload+1)},
		"4194304 are sto": {ID: "1", Payload: make([]byte, MaxPayload+1)},
	} {
		err := in.Accept(t.Context(), delivery("good"), d)
		if err == nil || !strings.Contains(err.Error(), says) || !remedy.IsPermanent(err) {
			t.Errorf("got error %v, want a permanent one that says %q", err, says)
		}
	}
	if got := stats(t, in); got.Pending != 0 {
		t.Errorf("%d deliveries were stored beside a refused one", got.Pending)
	}
}

func TestAcceptFromManyCallers(t *testing.T) {
	t.Parallel()
	in := open(t, t.TempDir(), Options{})
	const callers, each = 32, 20
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range each {
				if err := in.Accept(t.Context(), delivery(fmt.Sprintf("%d-%d", c, i)), delivery("the same")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := stats(t, in).Pending; got != callers*each+1 {
		t.Errorf("got %d pending, want %d", got, callers*each+1)
	}
}

func TestFullStore(t *testing.T) {
	t.Parallel()
	tests := map[string]Options{
		"count": {MaxCount: 2},
		"bytes": {MaxBytes: 30},
	}
	for name, opts := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := open(t, t.TempDir(), opts)
			accept(t, in, delivery("1"), delivery("2"))
			err := in.Accept(t.Context(), delivery("3"))
			var full *FullError
			if !errors.As(err, &full) || full.RetryAfter() != retryStored || !strings.Contains(full.Error(), "stored at most") {
				t.Fatalf("got error %v, want a FullError", err)
			}
			if got := stats(t, in).Pending; got != 2 {
				t.Errorf("got %d pending, want 2", got)
			}
			stop := serve(t, in, 1, &recorder{})
			until(t, "room", func() bool { return stats(t, in).Pending == 0 })
			stop()
			accept(t, in, delivery("3"))
		})
	}
}

func TestFullMemory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := open(t, dir, Options{MaxWaiting: 4 * perDelivery})
	unlock := blockWrites(t, dir)
	results := make(chan error)
	for i := range 3 {
		go func() { results <- in.Accept(t.Context(), delivery(fmt.Sprint(i))) }()
	}
	until(t, "three to wait", func() bool {
		in.mu.Lock()
		defer in.mu.Unlock()
		return in.waiting > 3*perDelivery
	})
	var full *FullError
	if err := in.Accept(t.Context(), delivery("one too many")); !errors.As(err, &full) || full.RetryAfter() != retryWaiting {
		t.Errorf("got error %v, want a FullError", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := in.Accept(ctx); err != nil {
		t.Errorf("accept of nothing: %v", err)
	}
	unlock()
	for range 3 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	accept(t, in, delivery("one more"))
	if got := stats(t, in).Pending; got != 4 {
		t.Errorf("got %d pending, want 4", got)
	}
}

func TestAcceptEndsWithItsContext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := open(t, dir, Options{})
	unlock := blockWrites(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := in.Accept(ctx, delivery("1")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want %v", err, context.DeadlineExceeded)
	}
	unlock()
}

// blockWrites keeps every other connection from writing until it is called off.
func blockWrites(t *testing.T, dir string) (unlock func()) {
	t.Helper()
	write, read, err := openFile(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := write.ExecContext(t.Context(), `BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := write.ExecContext(t.Context(), `ROLLBACK`); err != nil {
			t.Error(err)
		}
		if err := errors.Join(write.Close(), read.Close()); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		prepare func(t *testing.T, dir string) string // gives the data folder
		says    string
	}{
		"no_database": {func(t *testing.T, dir string) string {
			write(t, filepath.Join(dir, fileName), bytes.Repeat([]byte("this is no database. "), 1000))
			return dir
		}, "is damaged or no inbox: move it away"},
		"damaged": {func(t *testing.T, dir string) string {
			in, err := Open(t.Context(), dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := in.Close(); err != nil {
				t.Fatal(err)
			}
			f, err := os.OpenFile(filepath.Join(dir, fileName), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.WriteAt(bytes.Repeat([]byte{0xee}, 16000), 100)
			if err := errors.Join(err, f.Close()); err != nil {
				t.Fatal(err)
			}
			return dir
		}, "is damaged or no inbox: move it away"},
		"newer": {func(t *testing.T, dir string) string {
			w, r, err := openFile(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.ExecContext(t.Context(), `PRAGMA user_version = 9`); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(w.Close(), r.Close()); err != nil {
				t.Fatal(err)
			}
			return dir
		}, "a newer ebb wrote it (schema 9, this one knows up to 1): use that version"},
		"a_file_in_the_folders_place": {func(t *testing.T, dir string) string {
			write(t, filepath.Join(dir, "data"), nil)
			return filepath.Join(dir, "data")
		}, "make data folder"},
		"no_room_for_the_file": {func(t *testing.T, dir string) string {
			if err := os.Mkdir(filepath.Join(dir, fileName), 0o700); err != nil {
				t.Fatal(err)
			}
			return dir
		}, "is not writable"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, err := Open(t.Context(), tt.prepare(t, t.TempDir()), Options{})
			if err == nil || !strings.Contains(err.Error(), tt.says) || in != nil {
				t.Errorf("got error %v, want one that says %q", err, tt.says)
			}
		})
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFilesArePrivate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	accept(t, open(t, dir, Options{}), delivery("1"))
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o, want 600", f.Name(), info.Mode().Perm())
		}
	}
	if len(files) < 2 {
		t.Errorf("got %d files, want the inbox and its log", len(files))
	}
}
