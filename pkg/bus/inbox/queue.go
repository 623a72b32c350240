package inbox

import (
	"container/heap"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"
)

// maxReadBytes is about how many bytes of payload are read ahead of the workers.
const maxReadBytes = 16 << 20

// row is a stored delivery.
type row struct {
	Delivery
	seq      int64
	attempts int
	nextAt   int64
	reason   *string // why it is a dead letter; nil while it is none
}

const columns = `SELECT seq, id, function, source, event, received, attempts, next_at, reason, carrier, payload FROM deliveries `

func scan(rows *sql.Rows) (row, error) {
	var j row
	var received int64
	var carrier string
	err := rows.Scan(&j.seq, &j.ID, &j.Function, &j.Source, &j.EventID, &received, &j.attempts, &j.nextAt, &j.reason, &carrier, &j.Payload)
	if err != nil {
		return row{}, err
	}
	if json.Unmarshal([]byte(carrier), &j.Carrier) != nil {
		j.Carrier = nil // a lost trace must not hold up the deliveries behind it
	}
	j.Received = time.Unix(0, received).UTC()
	return j, nil
}

// next gives rows that are ready, a few at a time: of those whose wait is over
// at most half, so that they and the new ones do not hold each other up.
func (r *runner) next(ctx context.Context) ([]row, error) {
	ready, err := r.nextLate(ctx, r.limit/2)
	if err != nil {
		return ready, err
	}
	fresh, err := r.nextFresh(ctx, r.limit-len(ready))
	return append(ready, fresh...), err
}

// nextFresh gives the oldest rows past the cursor, and moves it on.
func (r *runner) nextFresh(ctx context.Context, limit int) (ready []row, err error) {
	now := r.in.opts.Now()
	rows, err := r.in.read.QueryContext(ctx, columns+`WHERE seq > ? ORDER BY seq LIMIT ?`, r.cursor, limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for bytes := 0; bytes < maxReadBytes && rows.Next(); {
		j, err := scan(rows)
		if err != nil {
			return ready, err
		}
		r.cursor = j.seq
		bytes += len(j.Payload)
		if at := time.Unix(0, j.nextAt); at.After(now) { // left by an earlier Run
			r.mu.Lock()
			r.late.add(lateRow{at: at, seq: j.seq, attempts: j.attempts, reason: j.reason})
			r.mu.Unlock()
			continue
		}
		ready = append(ready, j)
	}
	return ready, rows.Err()
}

// nextLate gives rows whose wait is over.
func (r *runner) nextLate(ctx context.Context, limit int) (ready []row, err error) {
	for len(ready) < limit {
		l, ok := r.popLate()
		if !ok {
			break
		}
		j, found, err := r.load(ctx, l)
		if err != nil {
			r.mu.Lock()
			r.late.add(l)
			r.mu.Unlock()
			return ready, err
		}
		if found {
			ready = append(ready, j)
		}
	}
	return ready, nil
}

func (r *runner) popLate() (lateRow, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.late) == 0 || r.late[0].at.After(r.in.opts.Now()) {
		return lateRow{}, false
	}
	return heap.Pop(&r.late).(lateRow), true
}

// load reads a row again. What memory knows of its attempts is newer than the file.
func (r *runner) load(ctx context.Context, l lateRow) (j row, found bool, err error) {
	rows, err := r.in.read.QueryContext(ctx, columns+`WHERE seq = ?`, l.seq)
	if err != nil {
		return row{}, false, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if !rows.Next() {
		return row{}, false, rows.Err()
	}
	if j, err = scan(rows); err != nil {
		return row{}, false, err
	}
	j.attempts, j.reason = l.attempts, l.reason
	return j, true, nil
}

// lateRow is a row that waits for its next attempt. Its payload stays on disk.
type lateRow struct {
	at       time.Time
	seq      int64
	attempts int
	reason   *string
}

// schedule is a heap of waiting rows, the first to be ready on top.
type schedule []lateRow

func (s *schedule) add(l lateRow) { heap.Push(s, l) }

func (s schedule) Len() int { return len(s) }
func (s schedule) Less(i, j int) bool {
	if s[i].at.Equal(s[j].at) {
		return s[i].seq < s[j].seq
	}
	return s[i].at.Before(s[j].at)
}
func (s schedule) Swap(i, j int) { s[i], s[j] = s[j], s[i] }
func (s *schedule) Push(x any)   { *s = append(*s, x.(lateRow)) }
func (s *schedule) Pop() any {
	last := len(*s) - 1
	l := (*s)[last]
	*s = (*s)[:last]
	return l
}
