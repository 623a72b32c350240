// Package sqlite is the ledger in one SQLite file, for a single machine.
//
// Several processes may use the file at once: a writer's transaction takes
// SQLite's write lock before it reads, and every commit is synced to disk.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// busyTimeout is how long, in milliseconds, a transaction waits for another
// process's to end.
const busyTimeout = "10000"

// Ledger is a [remedy.Ledger] in one SQLite file. It is safe for concurrent use.
type Ledger struct {
	writer  *sql.DB // one connection: writers of this process take turns without polling
	readers *sql.DB // read-only; in WAL mode they wait for nobody
}

var _ remedy.Ledger = (*Ledger)(nil)

// Open opens the ledger in the file at path, and makes the file when there is
// none; its folder must exist. The caller must Close the ledger.
func Open(ctx context.Context, path string) (*Ledger, error) {
	l, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("ledger: open %s: %w", path, err)
	}
	return l, nil
}

func open(ctx context.Context, path string) (*Ledger, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := checkFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	l := new(Ledger)
	l.writer, err = sql.Open("sqlite", dsn(path, url.Values{
		"_txlock": {"immediate"}, "_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_busy_timeout": {busyTimeout},
	}))
	if err != nil {
		return nil, err
	}
	l.writer.SetMaxOpenConns(1)
	if err := l.migrate(ctx); err != nil {
		return nil, errors.Join(err, l.writer.Close())
	}
	l.readers, err = sql.Open("sqlite", dsn(path, url.Values{"_query_only": {"true"}, "_busy_timeout": {busyTimeout}}))
	if err != nil {
		return nil, errors.Join(err, l.writer.Close())
	}
	l.readers.SetMaxIdleConns(4)
	return l, nil
}

// Close closes the file. Work in progress is waited for.
func (l *Ledger) Close() error {
	if err := errors.Join(l.readers.Close(), l.writer.Close()); err != nil {
		return fmt.Errorf("ledger: close: %w", err)
	}
	return nil
}

// checkFolder says in the system's own words what is wrong with the folder;
// SQLite only says that it can't open the file. WAL mode makes files beside it.
func checkFolder(dir string) error {
	f, err := os.CreateTemp(dir, ".ebb-*")
	if errors.Is(err, os.ErrNotExist) {
		if _, statErr := os.Stat(dir); statErr != nil {
			return fmt.Errorf("the folder %s does not exist: create it first", dir)
		}
	}
	if err != nil {
		return fmt.Errorf("the folder %s can't be written to: %w", dir, err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

func dsn(path string, params url.Values) string {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: params.Encode()}
	return u.String()
}

// explain adds to an error of SQLite what a person can do about it.
func explain(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("the file is not a SQLite database, so move it away or name another: %w", err)
	case sqlite3.SQLITE_READONLY:
		return fmt.Errorf("the file can't be written to, so check its owner and mode: %w", err)
	case sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf("the file can't be opened, so check that it is a file and its owner and mode: %w", err)
	case sqlite3.SQLITE_BUSY:
		return fmt.Errorf("another process has kept the file locked for too long, so try again: %w", err)
	}
	return err
}

// write runs do in one transaction, which holds the file's write lock from its
// start: what do reads stays true until the commit.
func (l *Ledger) write(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := l.writer.BeginTx(ctx, nil)
	if err != nil {
		return explain(err)
	}
	if err := do(tx); err != nil {
		// The rollback's own error would only hide what went wrong.
		_ = tx.Rollback()
		return explain(err)
	}
	return explain(tx.Commit())
}
