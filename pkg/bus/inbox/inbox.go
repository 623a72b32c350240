// Package inbox is the durable inbox of one local process: what it has accepted
// is on disk, and stays there until it was handled or became a dead letter.
//
// It lives in a SQLite file of its own. Callers of [Inbox.Accept] share
// transactions, so that many of them pay for one disk flush; a handled delivery
// is removed the same way. A crash between the handling and the removal delivers
// again, which is why handlers must be idempotent.
package inbox

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Delivery is one event for one function.
type Delivery struct {
	ID       string            // what makes two deliveries the same; [NewDelivery] sets it
	Function string            // which function is to handle it
	Source   string            // the event's source
	EventID  string            // the event's id
	Payload  []byte            // the event's envelope
	Carrier  map[string]string // trace headers
	Received time.Time         // when Ebb took it in; zero means when it is accepted
}

// NewDelivery makes a delivery whose ID stands for the function, the event's id
// and the payload: a copy of it gets the same ID. Carrier and Received are left
// to the caller.
func NewDelivery(function, source, eventID string, payload []byte) Delivery {
	body := sha256.Sum256(payload)
	h := sha256.New()
	for _, part := range []string{function, eventID, string(body[:])} {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return Delivery{
		ID:       hex.EncodeToString(h.Sum(nil)[:16]),
		Function: function,
		Source:   source,
		EventID:  eventID,
		Payload:  payload,
	}
}

// Options are the inbox's settings. A zero field means the default that its
// comment names.
type Options struct {
	MaxWaiting    int64         // bytes of deliveries waiting in memory for the disk: 64 MiB
	MaxCount      int64         // deliveries stored: 1,000,000
	MaxBytes      int64         // bytes of payload stored: 4 GiB
	MinBackoff    time.Duration // wait after a first failed attempt; it doubles with each: 1 s
	MaxBackoff    time.Duration // the longest wait: 15 min
	MaxAttempts   int           // attempts before a dead letter: 20, about three hours with the waits above
	HandleTimeout time.Duration // for one attempt: 2 min
	DrainTimeout  time.Duration // for running attempts when Run is to stop: 20 s
	Poll          time.Duration // how often to look for what other processes stored: 500 ms
	Now           func() time.Time
	Log           *slog.Logger // slog.Default
}

func (o Options) withDefaults() Options {
	setDefault(&o.MaxWaiting, 64<<20)
	setDefault(&o.MaxCount, 1_000_000)
	setDefault(&o.MaxBytes, 4<<30)
	setDefault(&o.MinBackoff, time.Second)
	setDefault(&o.MaxBackoff, 15*time.Minute)
	setDefault(&o.MaxAttempts, 20)
	setDefault(&o.HandleTimeout, 2*time.Minute)
	setDefault(&o.DrainTimeout, 20*time.Second)
	setDefault(&o.Poll, 500*time.Millisecond)
	setDefault(&o.Log, slog.Default())
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// MaxPayload is the most bytes that one delivery's payload may have.
const MaxPayload = 4 << 20

// Waits that a [FullError] asks for.
const (
	retryWaiting = time.Second      // the disk is behind
	retryStored  = 10 * time.Second // the workers are behind
)

// FullError says that the inbox takes nothing for now: nothing was stored.
type FullError struct {
	Limit string        // which limit was reached, in words
	Wait  time.Duration // how long to wait before trying again
}

// Error says which limit was reached.
func (e *FullError) Error() string {
	return fmt.Sprintf("the inbox is full: %s; try again in %s", e.Limit, e.Wait)
}

// RetryAfter gives the wait, for a Retry-After header.
func (e *FullError) RetryAfter() time.Duration { return e.Wait }

// ErrClosed is returned after [Inbox.Close].
var ErrClosed = errors.New("the inbox is closed")

// Inbox is an open inbox. It is safe for concurrent use, and by several
// processes on one folder, of which one at a time may Run: see [Lock].
type Inbox struct {
	opts  Options
	write *sql.DB // one connection, the committer's
	read  *sql.DB

	committer *committer

	mu       sync.Mutex
	changed  *sync.Cond // queue, settled or closed has changed
	queue    []*acceptance
	waiting  int64 // bytes in queue and in the running transaction
	settled  []settlement
	settling int // settlements in the running transaction
	closed   bool

	committed chan struct{} // closed when the committer has stopped
	arrived   chan struct{} // holds a token when something was stored
	running   atomic.Bool
	inFlight  atomic.Int64
}

// Open opens the inbox in folder dir, and makes both if need be. Call Close
// when done with it. The folder is not locked: see [Lock].
func Open(ctx context.Context, dir string, opts Options) (*Inbox, error) {
	write, read, err := openFile(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("open inbox: %w", err)
	}
	in := &Inbox{
		opts:      opts.withDefaults(),
		write:     write,
		read:      read,
		committed: make(chan struct{}),
		arrived:   make(chan struct{}, 1),
	}
	in.changed = sync.NewCond(&in.mu)
	c, err := newCommitter(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("open inbox: %w", errors.Join(err, write.Close(), read.Close()))
	}
	in.committer = c
	go c.run()
	return in, nil
}

// Close stores what is waiting and closes the file. Stop Run first.
func (in *Inbox) Close() error {
	in.mu.Lock()
	in.closed = true
	in.changed.Broadcast()
	in.mu.Unlock()
	<-in.committed
	if err := errors.Join(in.committer.err, in.read.Close(), in.write.Close()); err != nil {
		return fmt.Errorf("close inbox: %w", err)
	}
	return nil
}

// Accept stores deliveries, all or none. It returns nil only when they are
// durable: committed, and flushed to the disk. A delivery whose ID is stored
// already, waiting or being handled, is accepted and not stored again.
//
// It fails fast with a [*FullError] past the limits. When ctx ends first, its
// error is returned, and the deliveries may or may not have been stored. A
// delivery without an ID or over [MaxPayload] is a [remedy.Permanent] error.
func (in *Inbox) Accept(ctx context.Context, ds ...Delivery) error {
	if len(ds) == 0 {
		return nil
	}
	a, err := newAcceptance(ds, in.opts.Now())
	if err != nil {
		return remedy.Permanent(fmt.Errorf("accept delivery: %w", err))
	}
	if err := in.enqueue(a); err != nil {
		return fmt.Errorf("accept delivery: %w", err)
	}
	select {
	case err = <-a.result:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("accept delivery: %w", err)
	}
	return nil
}

func (in *Inbox) enqueue(a *acceptance) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.closed:
		return ErrClosed
	case in.waiting > 0 && in.waiting+a.size > in.opts.MaxWaiting:
		return &FullError{fmt.Sprintf("%d bytes wait for the disk, and at most %d may", in.waiting, in.opts.MaxWaiting), retryWaiting}
	}
	in.waiting += a.size
	in.queue = append(in.queue, a)
	in.changed.Broadcast()
	return nil
}

// Stats is how full the inbox is.
type Stats struct {
	Pending  int64         // deliveries stored, those being handled included
	Bytes    int64         // of their payloads
	Oldest   time.Duration // since the oldest of them was received; 0 when there is none
	InFlight int64         // being handled by this process
}

// Stats counts what is stored, also by other processes.
func (in *Inbox) Stats(ctx context.Context) (Stats, error) {
	s := Stats{InFlight: in.inFlight.Load()}
	var oldest sql.NullInt64
	err := in.read.QueryRowContext(ctx,
		`SELECT count, bytes, (SELECT received FROM deliveries ORDER BY seq LIMIT 1) FROM totals`,
	).Scan(&s.Pending, &s.Bytes, &oldest)
	if err != nil {
		return Stats{}, fmt.Errorf("count the inbox: %w", err)
	}
	if oldest.Valid {
		s.Oldest = max(0, in.opts.Now().Sub(time.Unix(0, oldest.Int64)))
	}
	return s, nil
}
