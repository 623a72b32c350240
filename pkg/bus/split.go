package bus

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/tidwall/gjson"

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
		return nil, fmt.Errorf("%w: %d bytes, and at most %d are taken", ErrTooLarge, len(body), MaxBody)
	}
	s := &splitter{body: body}
	at := after(body, 0, space)
	switch {
	case at == len(body):
		return nil, fmt.Errorf("%w: the body is empty", ErrTruncated)
	case body[at] == '[':
		return s.array(at)
	case body[at] != '{':
		return nil, fmt.Errorf("%w: %q at byte %d, where an event, or an array of events, was expected", ErrSyntax, rune(body[at]), at)
	}
	if at, ok := logFile(body); ok {
		return s.array(at)
	}
	return s.lines(at)
}

// logFile reports whether body is a CloudTrail log file, an object with records
// in it and nothing that makes it an event, and where the last member Records
// starts. It stops at a fault, which is for the caller to find.
func logFile(body []byte) (at int, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(body))
	_, err := dec.Token()
	for err == nil && dec.More() {
		var key json.Token
		if key, err = dec.Token(); err != nil {
			break
		}
		switch key {
		case "Records":
			at, ok = after(body, int(dec.InputOffset()), space+":"), true
		case "detail-type", "source", "eventName", "eventSource":
			return 0, false
		}
		var value json.RawMessage
		err = dec.Decode(&value)
	}
	return at, ok
}

type splitter struct {
	body  []byte
	spans []span
}

// array reads the events of the array at at, and checks the text around it.
func (s *splitter) array(at int) ([]span, error) {
	if at == len(s.body) || s.body[at] != '[' {
		return nil, cmp.Or(checkSyntax(s.body), fmt.Errorf("%w: Records is not an array", ErrWrongType))
	}
	dec := json.NewDecoder(bytes.NewReader(s.body[at:]))
	_, err := dec.Token()
	for err == nil && dec.More() {
		start := after(s.body, at+int(dec.InputOffset()), space+",")
		var value json.RawMessage
		if err = dec.Decode(&value); err != nil {
			err = cmp.Or(checkSyntax(s.body), ErrSyntax)
		}
		err = s.add(start, at+int(dec.InputOffset()), err)
	}
	if err == nil {
		err = checkSyntax(s.body)
	}
	if err != nil {
		return nil, err
	}
	return s.spans, nil
}

// lines reads the events that stand one after another from at on.
func (s *splitter) lines(at int) ([]span, error) {
	for at < len(s.body) && s.body[at] == '{' {
		end, err := valueEnd(s.body, at)
		if err := s.add(at, end, err); err != nil {
			return nil, err
		}
		at = after(s.body, end, space)
	}
	if err := checkEnd(s.body, at); err != nil {
		return nil, err
	}
	return s.spans, nil
}

// add checks the event at start, unless there is an error already, and keeps it.
func (s *splitter) add(start, end int, err error) error {
	switch {
	case err != nil:
		err = cmp.Or(checkDepth(s.body[start:], MaxDepth), err) // encoding/json calls that a syntax error
	case len(s.spans) == MaxEvents:
		return fmt.Errorf("%w: a body may hold %d", ErrTooMany, MaxEvents)
	case s.body[start] != '{':
		err = wrongType("the event", gjson.ParseBytes(s.body[start:end]), "an object")
	default:
		err = cmp.Or(checkText(s.body[start:end]), checkDepth(s.body[start:end], MaxDepth))
	}
	if err != nil {
		return &EventError{Index: len(s.spans), Line: lineAt(s.body, start), Err: err}
	}
	s.spans = append(s.spans, span{start, end})
	return nil
}
