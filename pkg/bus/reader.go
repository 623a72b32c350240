package bus

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// reader walks a JSON text once, checks its syntax and depth on the way, and
// hands out the members it is asked for. encoding/json needs four passes for
// an envelope with a raw detail in it, and does not bound the depth.
//
// The first error sticks: after it every method does nothing.
type reader struct {
	data  []byte
	pos   int
	depth int
	err   error
}

// failed keeps the first error, with the offset at which it was found.
func (r *reader) failed(kind error, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", kind, fmt.Sprintf(format, args...))
	}
}

func (r *reader) unexpected(want string) {
	if r.pos >= len(r.data) {
		r.failed(ErrTruncated, "the text ends at byte %d, where %s was expected", r.pos, want)
		return
	}
	r.failed(ErrSyntax, "%q at byte %d, where %s was expected", rune(r.data[r.pos]), r.pos, want)
}

// peek skips white space and gives the next byte; 0 at the end or after an error.
func (r *reader) peek() byte {
	if r.err != nil {
		return 0
	}
	data := r.data
	for i := r.pos; i < len(data); i++ {
		if c := data[i]; c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			r.pos = i
			return c
		}
	}
	r.pos = len(data)
	return 0
}

// take skips white space and consumes c, which is not 0, if it comes next.
func (r *reader) take(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.pos++
	return true
}

// end wants nothing but white space up to the end of the text.
func (r *reader) end() {
	if r.peek(); r.err == nil && r.pos < len(r.data) {
		r.unexpected("the end")
	}
}

// enter goes one level down, behind the bracket that comes next.
func (r *reader) enter() {
	r.pos++
	r.depth++
	if r.depth > MaxDepth {
		r.failed(ErrTooDeep, "more than %d levels at byte %d", MaxDepth, r.pos-1)
	}
}

// object reads the object that comes next. At each member's value it calls
// member, which must read it.
func (r *reader) object(member func(key []byte)) {
	if r.peek() != '{' {
		r.unexpected("an object")
		return
	}
	r.enter()
	for more := !r.take('}'); more && r.err == nil; more = r.more('}') {
		if r.peek() != '"' {
			r.unexpected("a member's name")
			return
		}
		key := r.key()
		if !r.take(':') {
			r.unexpected("a colon")
			return
		}
		member(key)
	}
	r.depth--
}

// array reads the array that comes next. At each element it calls element,
// which must read it.
func (r *reader) array(element func()) {
	if r.peek() != '[' {
		r.unexpected("an array")
		return
	}
	r.enter()
	for more := !r.take(']'); more && r.err == nil; more = r.more(']') {
		element()
	}
	r.depth--
}

// more consumes a comma and reports true, or the closing bracket and reports false.
func (r *reader) more(closing byte) bool {
	if r.take(',') {
		return true
	}
	if !r.take(closing) {
		r.unexpected("a comma or " + string(closing))
	}
	return false
}

// skip reads any one value.
func (r *reader) skip() {
	switch c := r.peek(); {
	case c == '"':
		r.quoted()
	case c == '{':
		r.object(func([]byte) { r.skip() })
	case c == '[':
		r.array(r.skip)
	case c == '-' || '0' <= c && c <= '9':
		r.number()
	case c == 't':
		r.literal("true")
	case c == 'f':
		r.literal("false")
	case c == 'n':
		r.literal("null")
	default:
		r.unexpected("a value")
	}
}

// raw reads any one value and gives its bytes, which alias the text.
func (r *reader) raw() []byte {
	r.peek()
	start := r.pos
	r.skip()
	if r.err != nil {
		return nil
	}
	return r.data[start:r.pos:r.pos]
}

// quoted reads a string and gives it with its quotes, and whether it has escapes.
func (r *reader) quoted() (raw []byte, escaped bool) {
	start, data := r.pos, r.data
	for i := start + 1; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			r.pos = i + 1
			return data[start:r.pos:r.pos], escaped
		case c == '\\':
			escaped = true
			n := escapeLen(data[i:])
			if n == 0 {
				r.pos = i
				if len(data)-i < len(`\uXXXX`) {
					r.pos = len(data)
				}
				r.unexpected("a complete escape")
				return nil, false
			}
			i += n - 1
		case c < ' ':
			r.pos = i
			r.unexpected("an escaped control character")
			return nil, false
		}
	}
	r.pos = len(data)
	r.unexpected("a string's end")
	return nil, false
}

// escapeLen gives the length of the escape that b starts with; 0 when there is none.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) < 6 {
			return 0
		}
		for _, c := range b[2:6] {
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return 0
			}
		}
		return 6
	}
	return 0
}

// key reads a member's name.
func (r *reader) key() []byte {
	raw, escaped := r.quoted()
	if r.err != nil {
		return nil
	}
	if escaped {
		return []byte(unescape(raw))
	}
	return raw[1 : len(raw)-1]
}

// unescape decodes a string that quoted has checked, so that it can't fail.
func unescape(raw []byte) string {
	var s string
	_ = json.Unmarshal(raw, &s)
	return s
}

func (r *reader) literal(word string) {
	for i := range len(word) {
		if r.pos >= len(r.data) || r.data[r.pos] != word[i] {
			r.unexpected(word)
			return
		}
		r.pos++
	}
}

// number follows the grammar of RFC 8259, section 6.
func (r *reader) number() {
	if r.data[r.pos] == '-' {
		r.pos++
	}
	if r.pos < len(r.data) && r.data[r.pos] == '0' {
		r.pos++
	} else {
		r.digits()
	}
	if r.pos < len(r.data) && r.data[r.pos] == '.' {
		r.pos++
		r.digits()
	}
	if r.pos < len(r.data) && (r.data[r.pos] == 'e' || r.data[r.pos] == 'E') {
		r.pos++
		if r.pos < len(r.data) && (r.data[r.pos] == '+' || r.data[r.pos] == '-') {
			r.pos++
		}
		r.digits()
	}
}

// digits wants at least one.
func (r *reader) digits() {
	start := r.pos
	for r.pos < len(r.data) && '0' <= r.data[r.pos] && r.data[r.pos] <= '9' {
		r.pos++
	}
	if r.pos == start {
		r.unexpected("a digit")
	}
}

// wrong reads the value that comes next and says that it has the wrong type.
func (r *reader) wrong(name, want string) {
	got := "a number"
	switch r.peek() {
	case '"':
		got = "a string"
	case '{':
		got = "an object"
	case '[':
		got = "an array"
	case 't', 'f':
		got = "a boolean"
	case 'n':
		got = "null"
	}
	if r.skip(); r.err == nil {
		r.failed(ErrWrongType, "%s is %s, want %s", name, got, want)
	}
}

// text reads a string; null is the same as none.
func (r *reader) text(name string) string {
	switch r.peek() {
	case 'n':
		r.literal("null")
		return ""
	case '"':
		raw, escaped := r.quoted()
		if r.err != nil {
			return ""
		}
		if escaped {
			return unescape(raw)
		}
		return string(raw[1 : len(raw)-1])
	}
	r.wrong(name, "a string")
	return ""
}

// when reads a time: RFC 3339, as AWS writes it, or seconds since 1970, as an
// emulator may. null and an empty string are the same as none.
func (r *reader) when(name string) time.Time {
	c := r.peek()
	if c == '-' || '0' <= c && c <= '9' {
		raw := r.raw()
		s, err := strconv.ParseFloat(string(raw), 64)
		if r.err == nil && (err != nil || s < 0 || s > maxUnix) {
			r.failed(ErrWrongType, "%s is %.40s, want seconds since 1970", name, raw)
		}
		return time.UnixMilli(int64(s * 1000)).UTC()
	}
	s := r.text(name)
	if r.err != nil || s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		r.failed(ErrWrongType, "%s is %.40q, want a time like 2006-01-02T15:04:05Z", name, s)
	}
	return t.UTC()
}

// maxUnix is the last second of the year 9999, after which RFC 3339 has no times.
const maxUnix = 253402300799

// checkText refuses what no event can be: too many bytes, or bytes that are no text.
func checkText(data []byte) error {
	if len(data) > MaxEvent {
		return fmt.Errorf("%w: %d bytes, at most %d are taken", ErrTooLarge, len(data), MaxEvent)
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
