package bus

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// FuzzDecode also holds Decode to encoding/json: both take the same texts for JSON.
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
	for _, s := range []string{
		`{"a":[1,-0.5e+3,"\u00e9\"",true,false,null]}`, `[[]]`, `01`, `"\ud800"`, `{"a":1,}`, `-`, `1.`, "\"\x00\"", `tru`, `nulls`,
		`{"id":"\ud800\u0041","source":"aws.x","detail-type":"Y","detail":[7]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data)
		switch refused := errors.Is(err, ErrSyntax) || errors.Is(err, ErrTruncated); {
		case errors.Is(err, ErrNotUTF8), errors.Is(err, ErrTooLarge), errors.Is(err, ErrTooDeep): // found first
		case refused == json.Valid(data):
			t.Errorf("%q: got error %v, where encoding/json says valid is %v", data, err, refused)
		}
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
		if want := lastText(data, "detail-type"); ev.Name != want && lastText(ev.Detail, "eventName") != ev.Name {
			t.Errorf("name is %q, encoding/json reads %q", ev.Name, want)
		}
		if _, err := json.Marshal(ev); err != nil {
			t.Errorf("the event can't be recorded: %v", err)
		}
	})
}

// lastText reads a member with encoding/json, which matches a map's keys exactly.
func lastText(object []byte, member string) string {
	var m map[string]json.RawMessage
	var s string
	if json.Unmarshal(object, &m) == nil && m[member] != nil {
		_ = json.Unmarshal(m[member], &s)
	}
	return s
}

func FuzzSplit(f *testing.F) {
	for _, data := range recorded(f) {
		f.Add(data)
	}
	for _, s := range []string{"{}\n{}", `{"Records":[{},{}]}`, `[{}]`, `{"Records":7}`, `[{},]`, `[{} {}]`, `{"Records":[{}],}`} {
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
		if bytes.HasPrefix(bytes.TrimLeft(body, space), []byte("[")) && !json.Valid(body) {
			t.Errorf("took %q, which is no JSON", body)
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
