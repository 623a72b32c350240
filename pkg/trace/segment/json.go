package segment

import (
	"encoding/base64"
	"math"
	"strconv"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
)

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		size := 1
		if c >= utf8.RuneSelf {
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		b = append(b, s[from:i]...)
		switch {
		case c >= utf8.RuneSelf:
			b = append(b, "\ufffd"...)
		case c >= ' ':
			b = append(b, '\\', c)
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
		}
		i += size
		from = i
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}

// appendKey appends the key of an object's next member. Key needs no escapes.
func appendKey(b []byte, key string) []byte {
	b = appendComma(b)
	b = append(b, '"')
	b = append(b, key...)
	return append(b, `":`...)
}

// appendComma separates a member or an element from the one before it.
func appendComma(b []byte) []byte {
	if c := b[len(b)-1]; c != '{' && c != '[' {
		b = append(b, ',')
	}
	return b
}

// appendText appends a member that is a string, or nothing for "".
func appendText(b []byte, key, s string) []byte {
	if s == "" {
		return b
	}
	return appendString(appendKey(b, key), s)
}

func appendInt(b []byte, key string, n int64) []byte {
	return strconv.AppendInt(appendKey(b, key), n, 10)
}

func appendTrue(b []byte, key string, is bool) []byte {
	if !is {
		return b
	}
	return append(appendKey(b, key), "true"...)
}

// appendAttributes appends each attribute that is not withheld as a member.
func appendAttributes(b []byte, attrs []attribute.KeyValue) []byte {
	for _, kv := range attrs {
		if place(string(kv.Key)) != withheld {
			b = appendAttribute(b, kv)
		}
	}
	return b
}

func appendAttribute(b []byte, kv attribute.KeyValue) []byte {
	b = append(appendString(appendComma(b), string(kv.Key)), ':')
	return appendValue(b, public(kv))
}

func appendValue(b []byte, v attribute.Value) []byte {
	switch v.Type() {
	case attribute.STRING:
		return appendString(b, v.AsString())
	case attribute.BOOL:
		return strconv.AppendBool(b, v.AsBool())
	case attribute.INT64:
		return strconv.AppendInt(b, v.AsInt64(), 10)
	case attribute.FLOAT64:
		return appendFloat(b, v.AsFloat64())
	case attribute.STRINGSLICE:
		return appendArray(b, v.AsStringSlice(), appendString)
	case attribute.BOOLSLICE:
		return appendArray(b, v.AsBoolSlice(), strconv.AppendBool)
	case attribute.INT64SLICE:
		return appendArray(b, v.AsInt64Slice(), func(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) })
	case attribute.FLOAT64SLICE:
		return appendArray(b, v.AsFloat64Slice(), appendFloat)
	case attribute.BYTESLICE:
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, v.AsByteSlice())
		return append(b, '"')
	case attribute.SLICE:
		return appendArray(b, v.AsSlice(), appendValue)
	case attribute.MAP:
		b = append(b, '{')
		b = appendAttributes(b, v.AsMap())
		return append(b, '}')
	}
	return append(b, "null"...)
}

func appendArray[T any](b []byte, elems []T, one func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for _, e := range elems {
		b = one(appendComma(b), e)
	}
	return append(b, ']')
}

// appendFloat appends f as a number; JSON has none for infinity and for what is
// no number, so these are strings.
func appendFloat(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return appendString(b, strconv.FormatFloat(f, 'g', -1, 64))
	}
	return strconv.AppendFloat(b, f, 'g', -1, 64)
}

// clip gives s with at most limit runes, and whether that is all of it.
func clip(s string, limit int) (string, bool) {
	if len(s) <= limit {
		return s, true
	}
	n := 0
	for i := range s {
		if n == limit {
			return s[:i], false
		}
		n++
	}
	return s, true
}
