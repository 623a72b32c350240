// Package stored holds the forms that both ledgers keep things in: records,
// times, positions in a listing, and how a cap is counted.
package stored

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// header is the first line of an encoded record. The states stand after it as
// they are: inside JSON an encoder would rewrite their white space and escapes.
type header struct {
	Record remedy.Record `json:"record"`
	Raw    [3]int        `json:"raw"` // bytes of Target, Before and After; -1 for nil
}

// EncodeRecord gives a record as one JSON line with its sizes, then the bytes
// of Target, Before and After, untouched.
func EncodeRecord(rec remedy.Record) ([]byte, error) {
	raws := rawParts(&rec)
	h := header{}
	size := 0
	parts := make([]json.RawMessage, len(raws))
	for i, p := range raws {
		parts[i], *p = *p, nil
		h.Raw[i] = len(parts[i])
		if parts[i] == nil {
			h.Raw[i] = -1
		}
		size += len(parts[i])
	}
	h.Record = rec
	line, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	out := make([]byte, 0, len(line)+1+size)
	out = append(append(out, line...), '\n')
	for _, p := range parts {
		out = append(out, p...)
	}
	return out, nil
}

// DecodeRecord is the inverse of [EncodeRecord]. Numbers in call parameters
// come back as json.Number: none loses a digit.
func DecodeRecord(b []byte) (remedy.Record, error) {
	line, rest, ok := bytes.Cut(b, []byte{'\n'})
	if !ok {
		return remedy.Record{}, errors.New("decode record: the first line does not end")
	}
	var h header
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	if err := dec.Decode(&h); err != nil {
		return remedy.Record{}, fmt.Errorf("decode record: %w", err)
	}
	for i, p := range rawParts(&h.Record) {
		n := h.Raw[i]
		switch {
		case n == -1:
			*p = nil
			continue
		case n < 0 || n > len(rest):
			return remedy.Record{}, fmt.Errorf("decode record: a part of %d bytes, but %d are left", n, len(rest))
		}
		*p, rest = append(json.RawMessage{}, rest[:n]...), rest[n:]
	}
	if len(rest) > 0 {
		return remedy.Record{}, fmt.Errorf("decode record: %d bytes too many", len(rest))
	}
	return h.Record, nil
}

func rawParts(rec *remedy.Record) [3]*json.RawMessage {
	return [3]*json.RawMessage{&rec.Target, &rec.Before, &rec.After}
}

// Form tells one form of a record from another. With UndoneBy, which is kept
// apart, it is what [remedy.Ledger.Intend] compares with the record that Look gave.
func Form(rec remedy.Record) string {
	return string(rec.Outcome) + " " + strconv.Itoa(rec.Attempt) + " " + Time(rec.Times.Recorded)
}

// Closed lists the outcomes that SaveRecord must not write over: those forms
// are the lease holder's to write.
func Closed() [3]remedy.Outcome {
	return [3]remedy.Outcome{remedy.Pending, remedy.Reverted, remedy.Undone}
}

const timeLayout = "2006-01-02T15:04:05.000000000Z"

// Time gives t in UTC, in a form that sorts as text. The zero time has one too.
func Time(t time.Time) string { return t.UTC().Format(timeLayout) }

// ParseTime is the inverse of [Time], in UTC.
func ParseTime(s string) (time.Time, error) {
	t, err := time.Parse(timeLayout, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("stored time: %w", err)
	}
	return t, nil
}
