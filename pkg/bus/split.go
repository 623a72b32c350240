package bus

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Split takes a body apart into events, which alias it. A body is
//   - one JSON object: one event;
//   - a JSON array of events;
//   - a CloudTrail log file: an object whose member "Records" is an array;
//   - JSON lines, or objects set apart by any white space.
//
// Each event is a JSON object within the limits; what is in it is for [Decode]
// to say. The error is an [*EventError] where one event is to blame. Nothing is
// returned beside an error, so that a body is taken whole or not at all.
func Split(body []byte) ([][]byte, error) {
	spans, err := split(body)
	if err != nil {
		return nil, remedy.Permanent(fmt.Errorf("split body: %w", err))
	}
	out := make([][]byte, len(spans))
	for i, s := range spans {
		out[i] = body[s.start:s.end:s.end]
	}
	return out, nil
}

// DecodeAll splits a body and decodes each of its events. The error is an
// [*EventError] where one event is to blame; then none is returned.
func DecodeAll(body []byte) ([]Message, error) {
	spans, err := split(body)
	if err != nil {
		return nil, remedy.Permanent(fmt.Errorf("split body: %w", err))
	}
	out := make([]Message, len(spans))
	for i, s := range spans {
		if out[i], err = Decode(body[s.start:s.end:s.end]); err != nil {
			return nil, remedy.Permanent(&EventError{Index: i, Line: lineAt(body, s.start), Err: err})
		}
	}
	return out, nil
}

// span is where an event stands in its body.
type span struct{ start, end int }

func split(body []byte) ([]span, error) {
	if len(body) > MaxBody {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are taken", ErrTooLarge, len(body), MaxBody)
	}
	s := &splitter{reader: reader{data: body}}
	switch s.peek() {
	case '[':
		s.array(s.event)
		s.end()
		return s.done()
	case '{':
	default:
		if s.pos == len(body) {
			return nil, fmt.Errorf("%w: the body is empty", ErrTruncated)
		}
		s.unexpected("an event, or an array of events,")
		return nil, s.err
	}
	if records, ok := logFile(body); ok {
		s.object(func(key []byte) {
			if string(key) == "Records" {
				s.spans = s.spans[:0]
				s.array(s.event)
				return
			}
			s.skip()
		})
		s.end()
		return s.done()
	} else if records {
		return nil, fmt.Errorf("%w: Records is not an array", ErrWrongType)
	}
	for s.peek() == '{' {
		s.event()
	}
	s.end()
	return s.done()
}

// logFile reports whether body is a CloudTrail log file: one object with an
// array of records in it, and nothing that makes it an event.
func logFile(body []byte) (records, ok bool) {
	r := &reader{data: body}
	event := false
	r.object(func(key []byte) {
		switch string(key) {
		case "Records":
			records, ok = true, r.peek() == '['
		case "detail-type", "source", "eventName", "eventSource":
			event = true
		}
		r.skip()
	})
	return records && !event, ok && !event
}

type splitter struct {
	reader
	spans []span
}

// event reads one event, of which the enclosing array is no part.
func (s *splitter) event() {
	c := s.peek()
	start, outer := s.pos, s.depth
	s.depth = 0
	if c == '{' || c == 0 {
		s.skip()
	} else {
		s.wrong("the event", "an object")
	}
	s.depth = outer
	switch {
	case s.err != nil:
	case len(s.spans) == MaxEvents:
		s.failed(ErrTooMany, "a body may hold %d", MaxEvents)
		return
	default:
		s.err = checkText(s.data[start:s.pos])
	}
	if s.err != nil {
		s.err = &EventError{Index: len(s.spans), Line: lineAt(s.data, start), Err: s.err}
		return
	}
	s.spans = append(s.spans, span{start, s.pos})
}

func (s *splitter) done() ([]span, error) {
	if s.err != nil {
		return nil, s.err
	}
	return s.spans, nil
}
