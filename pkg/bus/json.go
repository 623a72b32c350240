package bus

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// space is JSON's white space.
const space = " \t\r\n"

// maxUnix is the last second of the year 9999, after which RFC 3339 has no times.
const maxUnix = 253402300799

// parse checks a text that is one JSON value with at most the given levels of
// nesting. gjson reads it in half the time of encoding/json, and knows where in
// the text each value stands; it does not say what is wrong with a text.
func parse(data []byte, levels int) (gjson.Result, error) {
	if err := checkText(data); err != nil {
		return gjson.Result{}, err
	}
	if err := checkDepth(data, levels); err != nil { // first, for gjson recurses
		return gjson.Result{}, err
	}
	if !gjson.ValidBytes(data) {
		return gjson.Result{}, cmp.Or(checkSyntax(data), ErrSyntax)
	}
	return gjson.ParseBytes(data), nil
}

// checkText refuses what no event can be: too many bytes, or bytes that are no text.
func checkText(data []byte) error {
	if len(data) > MaxEvent {
		return fmt.Errorf("%w: %d bytes, and at most %d are taken", ErrTooLarge, len(data), MaxEvent)
	}
	if !utf8.Valid(data) {
		pos := 0
		for pos < len(data) {
			c, n := utf8.DecodeRune(data[pos:])
			if c == utf8.RuneError && n == 1 {
				break
			}
			pos += n
		}
		return fmt.Errorf("%w: byte 0x%02x at byte %d", ErrNotUTF8, data[pos], pos)
	}
	return nil
}

// checkDepth counts the open brackets of the value that data starts with. The
// text need not be JSON: up to its first fault the count is exact.
func checkDepth(data []byte, levels int) error {
	if bytes.Count(data, []byte{'{'})+bytes.Count(data, []byte{'['}) <= levels {
		return nil // true of most events, and many times faster than to look at each byte
	}
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > levels {
				return fmt.Errorf("%w: more than %d levels at byte %d", ErrTooDeep, levels, i)
			}
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return nil
			}
		}
	}
	return nil
}

// checkSyntax wants one JSON value and nothing after it.
func checkSyntax(data []byte) error {
	end, err := valueEnd(data, 0)
	if err != nil {
		return err
	}
	return checkEnd(data, end)
}

// checkEnd wants nothing but white space from at on.
func checkEnd(data []byte, at int) error {
	if at = after(data, at, space); at < len(data) {
		return fmt.Errorf("%w: %q at byte %d, where the end was expected", ErrSyntax, rune(data[at]), at)
	}
	return nil
}

// valueEnd gives where the value ends that comes next from at on.
func valueEnd(data []byte, at int) (int, error) {
	dec := json.NewDecoder(bytes.NewReader(data[at:]))
	var value json.RawMessage
	err := dec.Decode(&value)
	if err == nil {
		return at + int(dec.InputOffset()), nil
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return 0, fmt.Errorf("%w: %w, at byte %d", ErrSyntax, syntax, at+int(syntax.Offset)-1)
	}
	return 0, fmt.Errorf("%w: the text ends at byte %d", ErrTruncated, len(data))
}

// after gives where the first byte from at on stands that is not in chars.
func after(data []byte, at int, chars string) int {
	return len(data) - len(bytes.TrimLeft(data[at:], chars))
}

// wrongType says what a value is, and what it should be.
func wrongType(name string, v gjson.Result, want string) error {
	got := "a boolean"
	switch {
	case v.Type == gjson.String:
		got = "a string"
	case v.Type == gjson.Number:
		got = "a number"
	case v.Type == gjson.Null:
		got = "null"
	case v.IsObject():
		got = "an object"
	case v.IsArray():
		got = "an array"
	}
	return fmt.Errorf("%w: %s is %s, want %s", ErrWrongType, name, got, want)
}

// typed reads values of a checked text as the types they must have; null is the
// same as none. It keeps the first error.
type typed struct{ err error }

func (t *typed) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

// object calls member for each member, in the order of the text, so that of two
// members with one name the last one counts. Names match exactly, case included.
func (t *typed) object(name string, v gjson.Result, member func(key string, v gjson.Result)) {
	switch {
	case v.Type == gjson.Null:
	case v.IsObject():
		v.ForEach(func(key, v gjson.Result) bool {
			member(key.Str, v)
			return t.err == nil
		})
	default:
		t.fail(wrongType(name, v, "an object"))
	}
}

func (t *typed) text(name string, v gjson.Result) string {
	if v.Type != gjson.String && v.Type != gjson.Null {
		t.fail(wrongType(name, v, "a string"))
		return ""
	}
	if s := v.Raw; len(s) != len(v.Str)+len(`""`) && v.Type == gjson.String {
		// Escaped. gjson drops what follows half a surrogate pair; functions,
		// which read the detail with encoding/json, must see the same text.
		t.fail(json.Unmarshal([]byte(s), &v.Str))
	}
	return v.Str
}

// when reads a time: RFC 3339, as AWS writes it, or seconds since 1970, as an
// emulator may. An empty string is the same as none.
func (t *typed) when(name string, v gjson.Result) time.Time {
	if v.Type == gjson.Number {
		if v.Num < 0 || v.Num > maxUnix {
			t.fail(fmt.Errorf("%w: %s is %.40s, want seconds since 1970", ErrWrongType, name, v.Raw))
			return time.Time{}
		}
		return time.UnixMilli(int64(v.Num * 1000)).UTC()
	}
	s := t.text(name, v)
	if s == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.fail(fmt.Errorf("%w: %s is %.40q, want a time like 2006-01-02T15:04:05Z", ErrWrongType, name, s))
	}
	return at.UTC()
}
