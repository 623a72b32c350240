package cloudtrail

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// records are the details of the recorded events, and what has to be told apart.
func records(t testing.TB) [][]byte {
	t.Helper()
	files, err := filepath.Glob("../../events/*/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded events: %v", err)
	}
	var out [][]byte
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var ev struct{ Detail json.RawMessage }
		if err := json.Unmarshal(b, &ev); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		if ev.Detail != nil {
			out = append(out, ev.Detail)
		}
	}
	for _, s := range []string{
		`{}`, ` { } `, `{} x`, `[]`, `null`, ``, `{`, `{"errorCode"`, `{"errorCode":`, `{"errorCode":"x`, `{"errorCode":"x"`, `{"errorCode":"x",`,
		`{"errorCode":,"a":1}`, `{"requestParameters":}`, `{"errorCode":"a\"}b\\","responseElements":[1,{"x":"]"}]}`,
		`{"errorCode":"a","errorCode":"b"}`, `{"error\u0043ode":"x"}`, `{"a":{"errorCode":"no"},"requestParameters":null}`, `{"a":-1e5 , "errorCode" : null }`,
		`{"a":"\`, `{"a":tru`, `{"a":1 2}`, `{"a":1]`,
	} {
		out = append(out, []byte(s))
	}
	return out
}

// FuzzSplit holds split to what encoding/json says of the same text.
func FuzzSplit(f *testing.F) {
	for _, r := range records(f) {
		f.Add(r)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := split(b)
		var want map[string]json.RawMessage
		if err := json.Unmarshal(b, &want); err != nil || want == nil {
			return // then what was found is decoded, and refused, by itself
		}
		if !ok {
			return // then encoding/json reads it all
		}
		for name, raw := range map[string][]byte{"errorCode": got.errorCode, "requestParameters": got.request, "responseElements": got.response} {
			if string(raw) != string(want[name]) {
				t.Errorf("%s = %q, want %q", name, raw, want[name])
			}
		}
	})
}

func TestSplitTakesEveryRecordedEvent(t *testing.T) {
	t.Parallel()
	for _, r := range records(t) {
		_, ok := split(r)
		var object map[string]json.RawMessage
		valid := json.Unmarshal(r, &object) == nil && object != nil
		if escaped := string(r) == `{"error\u0043ode":"x"}`; ok != (valid && !escaped) {
			t.Errorf("split took %q: %v; valid: %v", r, ok, valid)
		}
	}
}
