package bus

import (
	"bytes"
	"errors"
	"fmt"
)

// Limits on what is taken in.
const (
	// MaxEvent is the most bytes one event may have: EventBridge's limit of
	// 1 MB for an entry, and room for the envelope around it.
	// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
	MaxEvent = 1<<20 + 16<<10
	// MaxDepth is how deep an event's JSON may be nested, the envelope included.
	// Real events stay below 20; EventBridge itself stops at 1000.
	MaxDepth = 64
	// MaxEvents is how many events one body may hold.
	MaxEvents = 10_000
	// MaxBody is the most bytes a body of many events may have.
	MaxBody = 64 << 20
)

// What can be wrong with an event. Errors from this package wrap one of them
// and are marked [remedy.Permanent]: the same bytes never get better.
var (
	ErrSyntax    = errors.New("not JSON")
	ErrTruncated = errors.New("truncated")
	ErrNotUTF8   = errors.New("not UTF-8")
	ErrTooDeep   = errors.New("nested too deeply")
	ErrTooLarge  = errors.New("too large")
	ErrTooMany   = errors.New("too many events")
	ErrWrongType = errors.New("wrong type")
	ErrMissing   = errors.New("missing")
)

// EventError says which event of a body is wrong.
type EventError struct {
	Index int // from 0
	Line  int // of the body, from 1, where the event starts
	Err   error
}

// Error counts events as people do, from 1.
func (e *EventError) Error() string {
	return fmt.Sprintf("event %d, at line %d: %v", e.Index+1, e.Line, e.Err)
}

// Unwrap gives what is wrong with the event.
func (e *EventError) Unwrap() error { return e.Err }

// lineAt gives the line, from 1, on which the byte at pos stands.
func lineAt(body []byte, pos int) int {
	return 1 + bytes.Count(body[:min(pos, len(body))], []byte{'\n'})
}
