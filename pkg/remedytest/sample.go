package remedytest

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Sample reads a sample event as a host would: its envelope taken off. The
// file's white space goes first, because AWS sends none.
func Sample(t testing.TB, path string) remedy.Event {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	m, err := bus.Decode(compact.Bytes())
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return m.Event
}
