package page

import (
	"encoding/json"
	"testing"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// FuzzRecord shows records whose every text and state anybody may have made up.
func FuzzRecord(f *testing.F) {
	f.Add("x", []byte(`{"a":1}`), []byte(`{"a":2}`))
	f.Add(`"><script>`, []byte(`</pre><script>`), []byte("\x00\xff"))
	f.Add("\u202e\x1b[2J", []byte("[[[["), []byte("<!--"))
	f.Fuzz(func(t *testing.T, text string, before, after []byte) {
		d := detail(text)
		d.Record.ID, d.Record.Before, d.Record.After = text, json.RawMessage(before), json.RawMessage(after)
		d.Record.Outcome = remedy.Outcome(text)
		checkHarmless(t, text, must(Record(d)))
	})
}
