package cloudtrail

import (
	"bytes"
	"strings"
)

// members are the values that Decode reads, as they stand in a record; nil
// where the record has none.
type members struct {
	errorCode, request, response []byte
}

// split finds them. Most of a record says who called and from where, and is
// passed over without being decoded: that is what makes Decode quick. ok is
// false for a text that is no object, or one that needs a real parser to tell.
// What is passed over is only looked at for its quotes and brackets; the bus
// has checked the whole event before.
func split(b []byte) (m members, ok bool) {
	i := space(b, 0)
	if i >= len(b) || b[i] != '{' {
		return m, false
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return m, space(b, i+1) == len(b)
	}
	for {
		if i >= len(b) || b[i] != '"' {
			return m, false
		}
		end := value(b, i)
		if end < 0 || bytes.IndexByte(b[i:end], '\\') >= 0 {
			return m, false // an escaped name may be one of ours
		}
		name := b[i+1 : end-1]
		if i = space(b, end); i >= len(b) || b[i] != ':' {
			return m, false
		}
		i = space(b, i+1)
		if end = value(b, i); end < 0 {
			return m, false
		}
		switch string(name) {
		case "errorCode":
			m.errorCode = b[i:end]
		case "requestParameters":
			m.request = b[i:end]
		case "responseElements":
			m.response = b[i:end]
		}
		i = space(b, end)
		switch {
		case i >= len(b):
			return m, false
		case b[i] == '}':
			return m, space(b, i+1) == len(b)
		case b[i] != ',':
			return m, false
		}
		i = space(b, i+1)
	}
}

// space gives the index of the first byte from i on that is no white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// value gives the index behind the value that begins at i, or -1 when it does not end.
func value(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			if i++; i > len(b) {
				return -1
			}
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		default:
			for i++; i < len(b) && strings.IndexByte("\"{}[], \n\t\r", b[i]) < 0; i++ {
			}
		}
		if depth <= 0 {
			return i
		}
	}
	return -1
}
