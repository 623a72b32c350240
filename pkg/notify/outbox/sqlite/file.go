package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver
)

// FileName is the outbox's file in its folder.
const FileName = "notify.db"

// version is the schema's. A file with another one is refused.
const version = 1

// Times are nanoseconds since 1970. A result stands in items until it is part
// of a message; a message stands until it was sent or became a dead letter.
const schema = `
CREATE TABLE IF NOT EXISTS items (
	seq      INTEGER PRIMARY KEY AUTOINCREMENT,
	channel  TEXT NOT NULL,
	at       INTEGER NOT NULL,
	severity TEXT NOT NULL,
	item     BLOB NOT NULL               -- JSON
) STRICT;
CREATE INDEX IF NOT EXISTS items_by_channel ON items (channel, seq, severity);
CREATE TABLE IF NOT EXISTS told (        -- so that nobody is told twice of one result
	channel TEXT NOT NULL,
	record  TEXT NOT NULL,
	outcome TEXT NOT NULL,
	at      INTEGER NOT NULL,
	PRIMARY KEY (channel, record, outcome)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS told_by_time ON told (at);
CREATE TABLE IF NOT EXISTS messages (
	seq      INTEGER PRIMARY KEY AUTOINCREMENT,
	id       TEXT NOT NULL UNIQUE,
	channel  TEXT NOT NULL,
	attempts INTEGER NOT NULL DEFAULT 0,
	next_at  INTEGER NOT NULL DEFAULT 0,
	reason   TEXT NOT NULL DEFAULT '',   -- why the last attempt failed
	notice   BLOB NOT NULL               -- JSON
) STRICT;
CREATE INDEX IF NOT EXISTS messages_by_channel ON messages (channel, seq);
CREATE TABLE IF NOT EXISTS made (        -- messages, for the rate limits
	channel TEXT NOT NULL,
	at      INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS made_by_channel ON made (channel, at);
CREATE TABLE IF NOT EXISTS threads (     -- where answers go, and which incidents are open
	channel TEXT NOT NULL,
	key     TEXT NOT NULL,
	value   TEXT NOT NULL,
	at      INTEGER NOT NULL,
	PRIMARY KEY (channel, key)
) STRICT, WITHOUT ROWID;
`

// openFile opens the outbox's file, and makes it and the folder if need be.
func openFile(ctx context.Context, dir string) (*sql.DB, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	path, err := filepath.Abs(filepath.Join(dir, FileName))
	if err != nil {
		return nil, fmt.Errorf("find data folder: %w", err)
	}
	// SQLite would let anyone read it; the files beside it take over its mode.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder %s is not writable: %w", dir, err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("make %s: %w", path, err)
	}
	dsn := (&url.URL{Scheme: "file", Path: path, RawQuery: url.Values{
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)"},
		"_txlock": {"immediate"},
	}.Encode()}).String()
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	var found int
	if err = db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&found); err == nil {
		if found > version {
			err = fmt.Errorf("a newer ebb wrote it (schema %d, this one knows up to %d): use that version", found, version)
		} else {
			_, err = db.ExecContext(ctx, fmt.Sprintf(`BEGIN IMMEDIATE; %s PRAGMA user_version = %d; COMMIT`, schema, version))
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), db.Close())
	}
	return db, nil
}
