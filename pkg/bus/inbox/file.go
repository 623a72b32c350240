package inbox

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
)

// fileName is the inbox's file in its folder.
const fileName = "inbox.db"

// version is the schema's. A file with another one is refused.
const version = 1

// The payload comes last, so that a look at the other columns leaves its pages
// alone. A seq is never used twice, even after all rows are gone: Run finds new
// rows by it.
const schema = `
CREATE TABLE IF NOT EXISTS deliveries (
	seq      INTEGER PRIMARY KEY AUTOINCREMENT,
	id       TEXT NOT NULL UNIQUE,
	function TEXT NOT NULL,
	source   TEXT NOT NULL,
	event    TEXT NOT NULL,
	received INTEGER NOT NULL,           -- nanoseconds since 1970
	attempts INTEGER NOT NULL DEFAULT 0,
	next_at  INTEGER NOT NULL DEFAULT 0, -- nanoseconds since 1970; no attempt before it
	reason   TEXT,                       -- set once it is to be a dead letter
	carrier  TEXT NOT NULL,              -- JSON
	payload  BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS totals (
	only  INTEGER PRIMARY KEY CHECK (only = 1),
	count INTEGER NOT NULL,
	bytes INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO totals VALUES (1, 0, 0);
`

// openFile opens the inbox's file for writing, by one connection, and for reading.
func openFile(ctx context.Context, dir string) (write, read *sql.DB, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make data folder: %w", err)
	}
	path, err := filepath.Abs(filepath.Join(dir, fileName))
	if err != nil {
		return nil, nil, fmt.Errorf("find data folder: %w", err)
	}
	// SQLite would let anyone read it; the files beside it take over its mode.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("data folder %s is not writable: %w", dir, err)
	}
	if err := f.Close(); err != nil {
		return nil, nil, fmt.Errorf("make %s: %w", path, err)
	}
	dsn := (&url.URL{Scheme: "file", Path: path, RawQuery: url.Values{"_pragma": {
		"busy_timeout(10000)", // another process may be committing
		"journal_mode(WAL)",
		"synchronous(FULL)",        // flush at every commit
		"wal_autocheckpoint(4000)", // pages of 4 KiB
	}}.Encode()}).String()
	if write, err = sql.Open("sqlite", dsn); err != nil {
		return nil, nil, fmt.Errorf("open %s: %w", path, err)
	}
	write.SetMaxOpenConns(1)
	if read, err = sql.Open("sqlite", dsn); err != nil {
		return nil, nil, fmt.Errorf("open %s: %w", path, errors.Join(err, write.Close()))
	}
	read.SetMaxOpenConns(2) // Run's and Stats's
	if err := prepare(ctx, write, dir); err != nil {
		return nil, nil, errors.Join(damaged(path, err), write.Close(), read.Close())
	}
	return write, read, nil
}

// prepare makes the tables and sees to it that the new files outlive a crash.
func prepare(ctx context.Context, db *sql.DB, dir string) error {
	var found int
	if err := db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&found); err != nil {
		return err
	}
	if found > version {
		return fmt.Errorf("a newer ebb wrote it (schema %d, this one knows up to %d): use that version", found, version)
	}
	if _, err := db.ExecContext(ctx, fmt.Sprintf(`BEGIN IMMEDIATE; %s PRAGMA user_version = %d; COMMIT`, schema, version)); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// damaged tells a broken file from other trouble.
func damaged(path string, err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
			return fmt.Errorf("%s is damaged or no inbox: move it away and start again, without the deliveries in it: %w", path, err)
		}
	}
	return fmt.Errorf("%s: %w", path, err)
}
