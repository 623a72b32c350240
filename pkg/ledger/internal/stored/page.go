package stored

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Position is a record's place in the listing.
type Position struct {
	Received string // as [Time] gives it
	ID       string
}

// PositionOf gives a record's place.
func PositionOf(rec remedy.Record) Position {
	return Position{Time(rec.Times.Received), rec.ID}
}

// Cursor gives the position as the opaque next of a page.
func (p Position) Cursor() string {
	return base64.RawURLEncoding.EncodeToString([]byte(p.Received + "#" + p.ID))
}

// ParseCursor is the inverse of [Position.Cursor].
func ParseCursor(s string) (Position, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return Position{}, badCursor(s)
	}
	received, id, ok := strings.Cut(string(b), "#")
	if _, err := ParseTime(received); err != nil || !ok || id == "" {
		return Position{}, badCursor(s)
	}
	return Position{received, id}, nil
}

func badCursor(s string) error {
	const most = 40
	if len(s) > most {
		s = s[:most] + "…"
	}
	return fmt.Errorf("%q: %w: start again without it", s, remedy.ErrBadCursor)
}

// PageSize gives the number of records that a page of q holds.
func PageSize(q remedy.Query) int {
	if q.Limit <= 0 {
		return remedy.DefaultPage
	}
	return min(q.Limit, remedy.MaxPage)
}
