package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// schemaVersion is what this package writes to the file's user_version.
const schemaVersion = 3

// Times are text as stored.Time gives them. This is version 1; [migrations]
// hold what came later.
const schema = `
CREATE TABLE resources (
	key           TEXT PRIMARY KEY,
	version       INTEGER NOT NULL,
	lease_record  TEXT,
	lease_owner   TEXT,
	lease_expires TEXT,
	released      TEXT,
	last          TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

CREATE TABLE holds (
	resource TEXT NOT NULL,
	function TEXT NOT NULL,
	body     BLOB NOT NULL,
	PRIMARY KEY (resource, function)
) STRICT, WITHOUT ROWID;

CREATE TABLE baselines (
	resource TEXT NOT NULL,
	function TEXT NOT NULL,
	at       TEXT NOT NULL,
	event    TEXT NOT NULL,
	state    BLOB,
	PRIMARY KEY (resource, function)
) STRICT;

CREATE TABLE records (
	id        TEXT PRIMARY KEY,
	received  TEXT NOT NULL,
	outcome   TEXT NOT NULL,
	function  TEXT NOT NULL,
	form      TEXT NOT NULL,
	undone_by TEXT NOT NULL, -- kept beside the body, because another record's transaction sets it
	body      BLOB NOT NULL
) STRICT;
CREATE INDEX records_received ON records (received, id);
CREATE INDEX records_outcome  ON records (outcome, received, id);
CREATE INDEX records_function ON records (function, received, id);

-- A row for each cap that counts a revert.
CREATE TABLE reverts (
	cap    TEXT NOT NULL, -- 'blast' or 'fight'
	key    TEXT NOT NULL, -- function and account, or the resource
	record TEXT NOT NULL,
	at     TEXT NOT NULL,
	body   BLOB NOT NULL,
	PRIMARY KEY (cap, key, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX reverts_window ON reverts (cap, key, at);
CREATE INDEX reverts_at     ON reverts (at);

CREATE TABLE dead_letters (
	id      TEXT PRIMARY KEY,
	at      TEXT NOT NULL,
	body    BLOB NOT NULL, -- without the payload
	payload BLOB
) STRICT;

CREATE TABLE spans (
	trace_id TEXT NOT NULL,
	span_id  TEXT NOT NULL,
	start    TEXT NOT NULL,
	body     BLOB NOT NULL,
	PRIMARY KEY (trace_id, span_id)
) STRICT, WITHOUT ROWID;
`

// What the console looks records up by, and what operators did and decided.
const schemaConsole = `
ALTER TABLE records ADD COLUMN account  TEXT NOT NULL DEFAULT '';
ALTER TABLE records ADD COLUMN actor    TEXT NOT NULL DEFAULT '';
ALTER TABLE records ADD COLUMN resource TEXT NOT NULL DEFAULT '';
ALTER TABLE records ADD COLUMN words    TEXT NOT NULL DEFAULT ''; -- in lower case, for searching
CREATE INDEX records_account  ON records (account, received, id);
CREATE INDEX records_actor    ON records (actor, received, id);
CREATE INDEX records_resource ON records (resource, received, id);
CREATE INDEX records_words    ON records (received, id, words);
CREATE INDEX records_counts   ON records (function, outcome, received);

CREATE TABLE overrides (
	id      TEXT PRIMARY KEY,
	created TEXT NOT NULL,
	body    BLOB NOT NULL
) STRICT;

CREATE TABLE actions (
	id   TEXT PRIMARY KEY,
	at   TEXT NOT NULL,
	body BLOB NOT NULL
) STRICT;
CREATE INDEX actions_at ON actions (at, id);
`

// The events that records came from, each once, and which record came from which.
const schemaEvents = `
CREATE TABLE events (
	id      TEXT PRIMARY KEY, -- the payload's hash
	at      TEXT NOT NULL,    -- when it was last kept
	payload BLOB NOT NULL
) STRICT;
CREATE INDEX events_at ON events (at);

CREATE TABLE origins (
	record TEXT PRIMARY KEY,
	event  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX origins_event ON origins (event);
`

// migrations bring a file from each version to the next, the first from none.
var migrations = [schemaVersion]func(context.Context, *sql.Tx) error{
	func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, schema); err != nil {
			return fmt.Errorf("create the tables: %w", err)
		}
		return nil
	},
	func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, schemaConsole); err != nil {
			return fmt.Errorf("create the console's tables: %w", err)
		}
		return fillColumns(ctx, tx)
	},
	func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, schemaEvents); err != nil {
			return fmt.Errorf("create the tables of events: %w", err)
		}
		return nil
	},
}

// migrate brings the file's schema to schemaVersion.
func (l *Ledger) migrate(ctx context.Context) error {
	return l.write(ctx, func(tx *sql.Tx) error {
		var have int
		if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&have); err != nil {
			return err
		}
		switch {
		case have > schemaVersion:
			return fmt.Errorf("a newer Ebb wrote this file (schema %d, this one knows up to %d): use that version", have, schemaVersion)
		case have == schemaVersion:
			return nil
		}
		for _, step := range migrations[have:] {
			if err := step(ctx, tx); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, schemaVersion))
		return err
	})
}

// fillColumns fills in, for records of version 1, what only their bodies have.
func fillColumns(ctx context.Context, tx *sql.Tx) error {
	for last := ""; ; {
		var id, undoneBy string
		var body []byte
		err := tx.QueryRowContext(ctx, `SELECT id, undone_by, body FROM records WHERE id > ? ORDER BY id LIMIT 1`, last).Scan(&id, &undoneBy, &body)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		rec, err := decodeRecord(body, undoneBy)
		if err != nil {
			return fmt.Errorf("record %s: %w", id, err)
		}
		_, err = tx.ExecContext(ctx, `UPDATE records SET account = ?, actor = ?, resource = ?, words = ? WHERE id = ?`,
			rec.Resource.Account, rec.Event.Actor.String(), rec.Resource.Key(), words(rec), id)
		if err != nil {
			return err
		}
		last = id
	}
}
