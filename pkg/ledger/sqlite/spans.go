package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ebb-ops/ebb/pkg/ledger/internal/stored"
)

// Span is one step of a trace, as it is kept beside the records.
type Span struct {
	TraceID    string            `json:"trace_id"`
	SpanID     string            `json:"span_id"`
	ParentID   string            `json:"parent_id,omitempty"` // empty for a trace's root
	Name       string            `json:"name"`
	Kind       string            `json:"kind,omitempty"`
	Start      time.Time         `json:"start"`
	End        time.Time         `json:"end"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Status     string            `json:"status,omitempty"`
	Error      string            `json:"error,omitempty"`
	Links      []string          `json:"links,omitempty"` // trace and span id of each, with a dash between
}

// SaveTrace keeps spans of one trace. A trace may come in several batches; a
// span that is kept already is replaced. The trace's id stands for the spans'.
func (l *Ledger) SaveTrace(ctx context.Context, traceID string, spans []Span) error {
	err := l.write(ctx, func(tx *sql.Tx) error { return putSpans(ctx, tx, traceID, spans) })
	if err != nil {
		return fmt.Errorf("ledger: save trace %s: %w", traceID, err)
	}
	return nil
}

func putSpans(ctx context.Context, tx *sql.Tx, traceID string, spans []Span) error {
	for _, s := range spans {
		s.TraceID = traceID
		body, err := json.Marshal(s)
		if err != nil {
			return fmt.Errorf("span %s: %w", s.SpanID, err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO spans (trace_id, span_id, start, body) VALUES (?, ?, ?, ?)`,
			traceID, s.SpanID, stored.Time(s.Start), body); err != nil {
			return err
		}
	}
	return nil
}

// Trace gives the spans that are kept of a trace, in the order in which they
// started; none when there is no such trace.
func (l *Ledger) Trace(ctx context.Context, traceID string) ([]Span, error) {
	spans, err := l.trace(ctx, traceID)
	if err != nil {
		return nil, fmt.Errorf("ledger: trace %s: %w", traceID, err)
	}
	return spans, nil
}

func (l *Ledger) trace(ctx context.Context, traceID string) (spans []Span, err error) {
	rows, err := l.readers.QueryContext(ctx, `SELECT body FROM spans WHERE trace_id = ? ORDER BY start, span_id`, traceID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		var s Span
		if err := json.Unmarshal(body, &s); err != nil {
			return nil, err
		}
		spans = append(spans, s)
	}
	return spans, rows.Err()
}
