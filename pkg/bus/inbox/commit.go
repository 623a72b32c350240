package inbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Bounds of one transaction.
const (
	maxBatchCount = 512
	maxBatchBytes = 8 << 20
)

// maxSettled is how many settlements may wait for the disk before workers do.
const maxSettled = 1024

// gather is how long the committer lets callers come together, after a
// transaction that had several: a webhook can wait that long, and a flush for
// each costs more than it.
const gather = time.Millisecond

// commitPause is how long the committer waits after a failed transaction.
const commitPause = 100 * time.Millisecond

// perDelivery is what a waiting delivery takes beside its payload, about.
const perDelivery = 1 << 10

// acceptance is one call of Accept on its way to the disk.
type acceptance struct {
	ds       []Delivery
	carriers []string // JSON
	size     int64
	result   chan error // takes one without blocking
}

func newAcceptance(ds []Delivery, now time.Time) (*acceptance, error) {
	a := &acceptance{ds: make([]Delivery, len(ds)), carriers: make([]string, len(ds)), result: make(chan error, 1)}
	copy(a.ds, ds)
	for i := range a.ds {
		d := &a.ds[i]
		switch {
		case d.ID == "":
			return nil, errors.New("it has no ID")
		case len(d.Payload) > MaxPayload:
			return nil, fmt.Errorf("its payload has %d bytes, and at most %d are stored", len(d.Payload), MaxPayload)
		}
		if d.Received.IsZero() {
			d.Received = now
		}
		if d.Payload == nil {
			d.Payload = []byte{}
		}
		carrier, err := json.Marshal(d.Carrier)
		if err != nil {
			return nil, fmt.Errorf("encode carrier: %w", err)
		}
		a.carriers[i] = string(carrier)
		a.size += int64(len(d.Payload)) + perDelivery
	}
	return a, nil
}

// settlement is what became of a row: it goes, or waits for another attempt.
type settlement struct {
	seq      int64
	size     int64 // of the payload
	remove   bool
	attempts int
	nextAt   time.Time
	reason   *string // of a dead letter that could not be handed over yet
}

// settle queues what became of a row. It waits while too many are queued.
func (in *Inbox) settle(s settlement) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.settled) >= maxSettled && !in.closed {
		in.changed.Wait()
	}
	in.settled = append(in.settled, s)
	in.changed.Broadcast()
}

// flush waits until what was settled is on disk, or ctx ends.
func (in *Inbox) flush(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		in.mu.Lock()
		defer in.mu.Unlock()
		in.changed.Broadcast()
	})
	defer stop()
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.settled)+in.settling > 0 {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%d handled deliveries are not removed, and will be delivered again: %w", len(in.settled)+in.settling, err)
		}
		in.changed.Wait()
	}
	return nil
}

// committer is the one writer: it puts all that is waiting into one transaction.
type committer struct {
	in                     *Inbox
	conn                   *sql.Conn
	insert, remove, retry  *sql.Stmt
	readTotals, saveTotals *sql.Stmt
	err                    error // of close; to be read once in.committed is closed
}

// close lets go of the connection. With a statement left open, SQLite would not
// clear its log away.
func (c *committer) close() error {
	var errs []error
	for _, s := range []*sql.Stmt{c.insert, c.remove, c.retry, c.readTotals, c.saveTotals} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(append(errs, c.conn.Close())...)
}

func newCommitter(ctx context.Context, in *Inbox) (*committer, error) {
	conn, err := in.write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	c := &committer{in: in, conn: conn}
	for _, s := range []struct {
		stmt **sql.Stmt
		sql  string
	}{
		{&c.insert, `INSERT INTO deliveries (id, function, source, event, received, carrier, payload) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`},
		{&c.remove, `DELETE FROM deliveries WHERE seq = ?`},
		{&c.retry, `UPDATE deliveries SET attempts = ?, next_at = ?, reason = ? WHERE seq = ?`},
		{&c.readTotals, `SELECT count, bytes FROM totals`},
		{&c.saveTotals, `UPDATE totals SET count = ?, bytes = ?`},
	} {
		if *s.stmt, err = conn.PrepareContext(ctx, s.sql); err != nil {
			return nil, errors.Join(fmt.Errorf("prepare statement: %w", err), c.close())
		}
	}
	return c, nil
}

// run commits until the inbox is closed and nothing waits.
func (c *committer) run() {
	defer close(c.in.committed)
	for several := false; ; {
		if several {
			// Callers come at once: those on their way share the next flush, too.
			time.Sleep(gather)
		}
		accepted, settled, ok := c.in.take()
		if !ok {
			break
		}
		several = len(accepted) > 1
		c.commit(accepted, settled)
	}
	c.err = c.close()
}

// take waits for something to commit. It reports false once the inbox is closed
// and nothing is left.
func (in *Inbox) take() (accepted []*acceptance, settled []settlement, ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.queue) == 0 && len(in.settled) == 0 {
		if in.closed {
			return nil, nil, false
		}
		in.changed.Wait()
	}
	n, count, bytes := 0, 0, int64(0)
	for n < len(in.queue) && (n == 0 || count+len(in.queue[n].ds) <= maxBatchCount && bytes+in.queue[n].size <= maxBatchBytes) {
		count += len(in.queue[n].ds)
		bytes += in.queue[n].size
		n++
	}
	accepted, in.queue = in.queue[:n:n], in.queue[n:]
	settled, in.settled = in.settled, nil
	in.settling = len(settled)
	return accepted, settled, true
}

// commit stores a batch and tells those who wait for it.
func (c *committer) commit(accepted []*acceptance, settled []settlement) {
	full, err := c.transact(accepted, settled)
	if err != nil && len(accepted) > 0 && len(settled) > 0 {
		// On a full disk nothing can come in, but something can go out.
		if _, only := c.transact(nil, settled); only == nil {
			settled = nil
		}
	} else if err == nil {
		settled = nil
	}
	c.in.mu.Lock()
	for _, a := range accepted {
		c.in.waiting -= a.size
	}
	c.in.settling = 0
	lost := len(settled) > 0 && c.in.closed
	if !lost {
		c.in.settled = append(settled, c.in.settled...)
	}
	c.in.changed.Broadcast()
	c.in.mu.Unlock()

	stored := false
	for i, a := range accepted {
		switch {
		case err != nil:
			a.result <- fmt.Errorf("commit: %w", err)
		case full[i] != nil:
			a.result <- full[i]
		default:
			stored = true
			a.result <- nil
		}
	}
	if stored {
		c.in.wake()
	}
	if err != nil {
		c.in.opts.Log.Error("inbox: commit", slog.Any("error", err), slog.Bool("lost", lost))
		time.Sleep(commitPause)
	}
}

// wake tells Run that there is something to do.
func (in *Inbox) wake() {
	select {
	case in.arrived <- struct{}{}:
	default:
	}
}

// transact does all in one transaction. The error at an index of full says that
// this acceptance was past a limit, and left out.
func (c *committer) transact(accepted []*acceptance, settled []settlement) (full []error, err error) {
	ctx := context.Background() // callers may give up, the transaction is shared
	if _, err := c.conn.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	defer func() {
		if err != nil {
			if _, back := c.conn.ExecContext(ctx, `ROLLBACK`); back != nil {
				c.in.opts.Log.Debug("inbox: rollback", slog.Any("error", back)) // SQLite rolls back by itself on some errors
			}
		}
	}()
	var count, bytes int64
	if err := c.readTotals.QueryRowContext(ctx).Scan(&count, &bytes); err != nil {
		return nil, fmt.Errorf("read totals: %w", err)
	}
	for _, s := range settled {
		gone, err := c.apply(ctx, s)
		if err != nil {
			return nil, err
		}
		count -= gone
		bytes -= gone * s.size
	}
	full = make([]error, len(accepted))
	for i, a := range accepted {
		if full[i] = c.in.room(count+int64(len(a.ds)), bytes+a.size-int64(len(a.ds))*perDelivery); full[i] != nil {
			continue
		}
		for j, d := range a.ds {
			res, err := c.insert.ExecContext(ctx, d.ID, d.Function, d.Source, d.EventID, d.Received.UnixNano(), a.carriers[j], d.Payload)
			if err != nil {
				return nil, fmt.Errorf("insert: %w", err)
			}
			if n, err := res.RowsAffected(); err != nil {
				return nil, fmt.Errorf("insert: %w", err)
			} else if n == 1 {
				count++
				bytes += int64(len(d.Payload))
			}
		}
	}
	if _, err := c.saveTotals.ExecContext(ctx, count, bytes); err != nil {
		return nil, fmt.Errorf("save totals: %w", err)
	}
	if _, err := c.conn.ExecContext(ctx, `COMMIT`); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	return full, nil
}

// apply settles one row and gives how many were removed: 0 or 1.
func (c *committer) apply(ctx context.Context, s settlement) (gone int64, err error) {
	if !s.remove {
		if _, err := c.retry.ExecContext(ctx, s.attempts, s.nextAt.UnixNano(), s.reason, s.seq); err != nil {
			return 0, fmt.Errorf("keep for a retry: %w", err)
		}
		return 0, nil
	}
	res, err := c.remove.ExecContext(ctx, s.seq)
	if err != nil {
		return 0, fmt.Errorf("remove: %w", err)
	}
	return res.RowsAffected()
}

// room says what is in the way of count deliveries with that many bytes.
func (in *Inbox) room(count, bytes int64) error {
	switch {
	case count > in.opts.MaxCount:
		return &FullError{fmt.Sprintf("%d deliveries are stored at most", in.opts.MaxCount), retryStored}
	case bytes > in.opts.MaxBytes:
		return &FullError{fmt.Sprintf("%d bytes are stored at most", in.opts.MaxBytes), retryStored}
	}
	return nil
}
