package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ebb-ops/ebb/pkg/ledger/internal/stored"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// SaveDeadLetter implements [remedy.Ledger].
func (l *Ledger) SaveDeadLetter(ctx context.Context, d remedy.DeadLetter) error {
	payload := d.Payload
	d.Payload = nil
	body, err := json.Marshal(d)
	if err == nil {
		err = l.write(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO dead_letters (id, at, body, payload) VALUES (?, ?, ?, ?)`,
				d.ID, stored.Time(d.At), body, payload)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("ledger: save dead letter %s: %w", d.ID, err)
	}
	return nil
}

// DeadLetters implements [remedy.Ledger].
func (l *Ledger) DeadLetters(ctx context.Context) ([]remedy.DeadLetter, error) {
	list, err := l.deadLetters(ctx)
	if err != nil {
		return nil, fmt.Errorf("ledger: list dead letters: %w", err)
	}
	return list, nil
}

func (l *Ledger) deadLetters(ctx context.Context) (list []remedy.DeadLetter, err error) {
	rows, err := l.readers.QueryContext(ctx, `SELECT body FROM dead_letters ORDER BY at DESC, id DESC`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		var d remedy.DeadLetter
		if err := json.Unmarshal(body, &d); err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, rows.Err()
}

// DeadLetter implements [remedy.Ledger].
func (l *Ledger) DeadLetter(ctx context.Context, id string) (remedy.DeadLetter, error) {
	var (
		d             remedy.DeadLetter
		body, payload []byte
	)
	err := l.readers.QueryRowContext(ctx, `SELECT body, payload FROM dead_letters WHERE id = ?`, id).Scan(&body, &payload)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		err = remedy.ErrNoDeadLetter
	case err == nil:
		err = json.Unmarshal(body, &d)
	}
	if err != nil {
		return remedy.DeadLetter{}, fmt.Errorf("ledger: dead letter %s: %w", id, err)
	}
	d.Payload = payload
	return d, nil
}

// RemoveDeadLetter implements [remedy.Ledger].
func (l *Ledger) RemoveDeadLetter(ctx context.Context, id string) error {
	err := l.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM dead_letters WHERE id = ?`, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("ledger: remove dead letter %s: %w", id, err)
	}
	return nil
}
