// Package sqlite keeps an outbox in a file of one local process.
package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ebb-ops/ebb/pkg/notify"
	"github.com/ebb-ops/ebb/pkg/notify/outbox"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Store is an [outbox.Store] in a file. Its leases are between those who share
// the Store: of the processes that have the file open, one may send. It is safe
// for concurrent use.
type Store struct {
	db *sql.DB

	mu     sync.Mutex
	leases map[string]outbox.Lease // by channel
}

var _ outbox.Store = (*Store)(nil)

// Open opens the outbox in folder dir, and makes both if need be.
func Open(ctx context.Context, dir string) (*Store, error) {
	db, err := openFile(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("open outbox: %w", err)
	}
	return &Store{db: db, leases: map[string]outbox.Lease{}}, nil
}

// Close closes the file. Nobody must use the store any more.
func (s *Store) Close() error { return s.db.Close() }

// Add implements [outbox.Store].
func (s *Store) Add(ctx context.Context, entries ...outbox.Entry) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		for _, e := range entries {
			if err := add(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

func add(ctx context.Context, tx *sql.Tx, e outbox.Entry) error {
	at := e.At.UnixNano()
	if _, err := tx.ExecContext(ctx, `DELETE FROM told WHERE at < ?`, e.At.Add(-outbox.ToldFor).UnixNano()); err != nil {
		return err
	}
	res, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO told VALUES (?, ?, ?, ?)`, e.Channel, e.ID, e.Outcome, at)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	if e.Notice != nil && !e.Ready {
		return message(ctx, tx, e.Channel, e.Notice, e.At)
	}
	if e.Notice != nil {
		body, err := json.Marshal(e.Notice)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO ready (channel, notice) VALUES (?, ?)`, e.Channel, body)
		return err
	}
	item, err := json.Marshal(e.Item)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO items (channel, at, severity, item) VALUES (?, ?, ?, ?)`, e.Channel, at, e.Item.Severity, item)
	return err
}

// Channels implements [outbox.Store].
func (s *Store) Channels(ctx context.Context) ([]string, error) {
	return all(ctx, s.db, func(rows *sql.Rows) (ch string, err error) { return ch, rows.Scan(&ch) },
		`SELECT channel FROM items UNION SELECT channel FROM messages UNION SELECT channel FROM ready`)
}

// Pending implements [outbox.Store].
func (s *Store) Pending(ctx context.Context) (n int64, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM items) + (SELECT count(*) FROM messages) + (SELECT count(*) FROM ready)`).Scan(&n)
	return n, err
}

// Take implements [outbox.Store].
func (s *Store) Take(_ context.Context, l outbox.Lease, now time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.leases[l.Channel]; other.Owner != "" && other.Owner != l.Owner && other.Until.After(now) {
		return false, nil
	}
	s.leases[l.Channel] = l
	return true, nil
}

// Release implements [outbox.Store].
func (s *Store) Release(_ context.Context, l outbox.Lease) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leases[l.Channel].Owner == l.Owner {
		delete(s.leases, l.Channel)
	}
	return nil
}

func (s *Store) holds(l outbox.Lease) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leases[l.Channel].Owner == l.Owner
}

// Next implements [outbox.Store].
func (s *Store) Next(ctx context.Context, channel string) (*outbox.Message, error) {
	var (
		m    outbox.Message
		due  int64
		body []byte
	)
	err := s.db.QueryRowContext(ctx, `SELECT seq, attempts, next_at, reason, notice FROM messages WHERE channel = ? ORDER BY seq LIMIT 1`, channel).
		Scan(&m.Key, &m.Attempts, &due, &m.Reason, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(body, &m.Notice)
	}
	m.Due = time.Unix(0, due)
	return &m, err
}

// Ready implements [outbox.Store].
func (s *Store) Ready(ctx context.Context, channel string) ([]outbox.Message, error) {
	return all(ctx, s.db, func(rows *sql.Rows) (m outbox.Message, err error) {
		var body []byte
		if err := rows.Scan(&m.Key, &body); err != nil {
			return m, err
		}
		return m, json.Unmarshal(body, &m.Notice)
	}, `SELECT seq, notice FROM ready WHERE channel = ? ORDER BY seq`, channel)
}

// Waiting implements [outbox.Store].
func (s *Store) Waiting(ctx context.Context, channel string, of []remedy.Severity) ([]outbox.Result, error) {
	args := []any{channel}
	for _, severity := range of {
		args = append(args, string(severity))
	}
	return all(ctx, s.db, func(rows *sql.Rows) (r outbox.Result, err error) {
		var (
			at   int64
			body []byte
		)
		if err := rows.Scan(&r.Key, &at, &body); err != nil {
			return r, err
		}
		r.At = time.Unix(0, at)
		return r, json.Unmarshal(body, &r.Item)
	}, `SELECT seq, at, item FROM items WHERE channel = ? AND severity IN (`+strings.TrimSuffix(strings.Repeat("?,", len(of)), ",")+`)
		ORDER BY at, seq LIMIT `+strconv.Itoa(outbox.MaxGathered), args...)
}

// Made implements [outbox.Store].
func (s *Store) Made(ctx context.Context, channel string, since time.Time) (n int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM made WHERE channel = ? AND at > ?`, channel, since.UnixNano()).Scan(&n)
	return n, err
}

// Thread implements [outbox.Store].
func (s *Store) Thread(ctx context.Context, channel, key string) (outbox.Thread, error) {
	t := outbox.Thread{Key: key}
	var at int64
	err := s.db.QueryRowContext(ctx, `SELECT value, at FROM threads WHERE channel = ? AND key = ?`, channel, key).Scan(&t.Value, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return outbox.Thread{}, nil
	}
	t.At = time.Unix(0, at)
	return t, err
}

// Commit implements [outbox.Store].
func (s *Store) Commit(ctx context.Context, l outbox.Lease, c outbox.Change) error {
	if !s.holds(l) {
		return outbox.ErrLost
	}
	return s.tx(ctx, func(tx *sql.Tx) error { return commit(ctx, tx, l.Channel, c) })
}

func commit(ctx context.Context, tx *sql.Tx, channel string, c outbox.Change) error {
	var errs []error
	do := func(query string, args ...any) {
		_, err := tx.ExecContext(ctx, query, args...)
		errs = append(errs, err)
	}
	if c.Made != nil {
		errs = append(errs, message(ctx, tx, channel, c.Made, c.At))
	}
	if m := c.Released; m != nil {
		do(`DELETE FROM ready WHERE seq = ?`, m.Key)
	}
	for _, r := range c.Dropped {
		do(`DELETE FROM items WHERE seq = ?`, r.Key)
	}
	if m := c.Ended; m != nil {
		do(`DELETE FROM messages WHERE seq = ?`, m.Key)
	}
	if m := c.Delayed; m != nil {
		do(`UPDATE messages SET attempts = ?, next_at = ?, reason = ? WHERE seq = ?`, m.Attempts, m.Due.UnixNano(), m.Reason, m.Key)
	}
	switch t := c.Thread; {
	case t.Value != "":
		do(`INSERT OR REPLACE INTO threads VALUES (?, ?, ?, ?)`, channel, t.Key, t.Value, t.At.UnixNano())
	case t.Key != "":
		do(`DELETE FROM threads WHERE channel = ? AND key = ?`, channel, t.Key)
	}
	do(`DELETE FROM made WHERE at < ?`, c.At.Add(-outbox.MadeFor).UnixNano())
	do(`DELETE FROM threads WHERE value <> ? AND at < ?`, outbox.Open, c.At.Add(-outbox.ThreadFor).UnixNano())
	return errors.Join(errs...)
}

// message keeps a new message.
func message(ctx context.Context, tx *sql.Tx, channel string, n *notify.Notice, at time.Time) error {
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO messages (id, channel, notice) VALUES (?, ?, ?)`, n.ID, channel, body); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO made VALUES (?, ?)`, channel, at.UnixNano())
	return err
}

// tx does work in one transaction.
func (s *Store) tx(ctx context.Context, work func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := work(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// all reads what a query gives.
func all[T any](ctx context.Context, db *sql.DB, read func(*sql.Rows) (T, error), query string, args ...any) (out []T, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		v, err := read(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}
