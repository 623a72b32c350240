package bus

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// FuzzReader holds the reader to encoding/json: both take the same texts, but
// for those that are no UTF-8 or too deep.
func FuzzReader(f *testing.F) {
	for _, s := range []string{`{"a":[1,-0.5e+3,"\u00e9\"",true,false,null]}`, `[[]]`, `01`, `"\ud800"`, `{"a":1,}`, `-`, `1.`, "\"\x00\"", `tru`, `nulls`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &reader{data: data}
		r.skip()
		r.end()
		got := r.err == nil && utf8.Valid(data)
		want := json.Valid(data) && utf8.Valid(data)
		if got != want && !errors.Is(r.err, ErrTooDeep) {
			t.Errorf("reader takes %q: %v (%v), encoding/json: %v", data, got, r.err, want)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, data := range recorded(f) {
		f.Add(data)
	}
	entry, err := Encode(remedy.Event{ID: "1", Source: "github", Name: "push", Detail: []byte(`{"a":1}`)}, map[string]string{"traceparent": "x"})
	if err != nil {
		f.Fatal(err)
	}
	payload, err := entry.Envelope("2", "", "", time.Unix(0, 0))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data)
		if err != nil {
			if !remedy.IsPermanent(err) {
				t.Errorf("error %v is not permanent", err)
			}
			if d := cmp.Diff(Message{}, m); d != "" {
				t.Errorf("message beside an error:\n%s", d)
			}
			return
		}
		ev := m.Event
		if ev.ID == "" || ev.Source == "" || ev.Name == "" {
			t.Errorf("decoded without id, source or name: %+v", ev)
		}
		if len(ev.Detail) > 0 && !json.Valid(ev.Detail) || !bytes.Contains(data, ev.Detail) {
			t.Errorf("detail %q is not the source's own JSON", ev.Detail)
		}
		if _, err := json.Marshal(ev); err != nil {
			t.Errorf("the event can't be recorded: %v", err)
		}
	})
}

func FuzzSplit(f *testing.F) {
	for _, data := range recorded(f) {
		f.Add(data)
	}
	for _, s := range []string{"{}\n{}", `{"Records":[{},{}]}`, `[{}]`, `{"Records":7}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		parts, err := Split(body)
		if err != nil {
			if parts != nil || !remedy.IsPermanent(err) {
				t.Errorf("got %d parts beside error %v", len(parts), err)
			}
			return
		}
		for i, p := range parts {
			if !json.Valid(p) || p[0] != '{' || !bytes.Contains(body, p) {
				t.Errorf("part %d is no object of the body: %q", i, p)
			}
			again, err := Split(p)
			if err == nil && len(again) == 1 && !bytes.Equal(again[0], p) {
				t.Errorf("part %d splits into something else: %q", i, again)
			}
		}
	})
}
