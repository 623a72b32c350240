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

// ErrNoOverride means that no override has the id.
var ErrNoOverride = errors.New("there is no such override")

// SaveOverride keeps an override, over an earlier form of it.
func (l *Ledger) SaveOverride(ctx context.Context, o remedy.Override) error {
	err := l.writeJSON(ctx, o, `INSERT INTO overrides (id, created, body) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body`,
		o.ID, stored.Time(o.Created))
	if err != nil {
		return fmt.Errorf("ledger: save override %s: %w", o.ID, err)
	}
	return nil
}

// Override gives one, or [ErrNoOverride].
func (l *Ledger) Override(ctx context.Context, id string) (remedy.Override, error) {
	list, err := readJSON[remedy.Override](ctx, l.readers, `SELECT body FROM overrides WHERE id = ?`, id)
	if err == nil && len(list) == 0 {
		err = ErrNoOverride
	}
	if err != nil {
		return remedy.Override{}, fmt.Errorf("ledger: override %s: %w", id, err)
	}
	return list[0], nil
}

// Overrides lists them, newest first, those that no longer hold included.
func (l *Ledger) Overrides(ctx context.Context) ([]remedy.Override, error) {
	list, err := readJSON[remedy.Override](ctx, l.readers, `SELECT body FROM overrides ORDER BY created DESC, id DESC`)
	if err != nil {
		return nil, fmt.Errorf("ledger: list overrides: %w", err)
	}
	return list, nil
}

// SaveAction keeps an operator's action, over an earlier form of it. Nothing
// removes one.
func (l *Ledger) SaveAction(ctx context.Context, a remedy.Action) error {
	err := l.writeJSON(ctx, a, `INSERT INTO actions (id, at, body) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body`,
		a.ID, stored.Time(a.At))
	if err != nil {
		return fmt.Errorf("ledger: save action %s: %w", a.ID, err)
	}
	return nil
}

// Action gives one, or false.
func (l *Ledger) Action(ctx context.Context, id string) (remedy.Action, bool, error) {
	list, err := readJSON[remedy.Action](ctx, l.readers, `SELECT body FROM actions WHERE id = ?`, id)
	if err != nil {
		return remedy.Action{}, false, fmt.Errorf("ledger: action %s: %w", id, err)
	}
	if len(list) == 0 {
		return remedy.Action{}, false, nil
	}
	return list[0], true, nil
}

// Actions gives a page of operators' actions, newest first: at most limit of
// them, after the one with the id that after names, if it names one.
func (l *Ledger) Actions(ctx context.Context, after string, limit int) ([]remedy.Action, error) {
	list, err := readJSON[remedy.Action](ctx, l.readers, `
SELECT body FROM actions
WHERE ?1 = '' OR (at, id) < (SELECT at, id FROM actions WHERE id = ?1)
ORDER BY at DESC, id DESC LIMIT ?2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("ledger: list actions: %w", err)
	}
	return list, nil
}

// Held is a resource that a function leaves alone after an undo.
type Held struct {
	Resource string // [remedy.Ref.Key]
	Function string
	Hold     remedy.Hold
}

// Holds lists what undos have set, those that are over included.
func (l *Ledger) Holds(ctx context.Context) ([]Held, error) {
	list, err := l.holds(ctx)
	if err != nil {
		return nil, fmt.Errorf("ledger: list holds: %w", err)
	}
	return list, nil
}

func (l *Ledger) holds(ctx context.Context) (list []Held, err error) {
	rows, err := l.readers.QueryContext(ctx, `SELECT resource, function, body FROM holds ORDER BY resource, function`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var h Held
		var body []byte
		if err := rows.Scan(&h.Resource, &h.Function, &body); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(body, &h.Hold); err != nil {
			return nil, fmt.Errorf("decode hold: %w", err)
		}
		list = append(list, h)
	}
	return list, rows.Err()
}

// writeJSON runs a statement whose last argument is v's JSON form.
func (l *Ledger) writeJSON(ctx context.Context, v any, query string, args ...any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return l.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, query, append(args, body)...)
		return err
	})
}

// readJSON decodes the one column that a query gives.
func readJSON[T any](ctx context.Context, db *sql.DB, query string, args ...any) (list []T, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		var v T
		if err := json.Unmarshal(body, &v); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}
