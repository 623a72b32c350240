//go:build linux

package functions_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ebb-ops/ebb/pkg/host/rie"
)

// patience is how long something may take, on a busy machine.
const patience = time.Minute

// emulator is a function under AWS's Lambda Runtime Interface Emulator.
type emulator struct{ function *rie.Function }

// emulate starts a function's bootstrap with these settings. When the test ends
// nothing of it is left running.
func emulate(t *testing.T, bootstrap string, settings map[string]string) emulator {
	t.Helper()
	f, err := rie.Start(t.Context(), "..", bootstrap, t.TempDir(), settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the emulator's output:\n%s", f.Log())
		}
	})
	return emulator{f}
}

// invoke sends an event as Lambda's Invoke would and decodes the answer into
// out. It fails the test when the function returned an error.
func (e emulator) invoke(t *testing.T, payload []byte, out any) {
	t.Helper()
	check(t, e.function.Invoke(t.Context(), payload, out))
}

// raw sends an event and gives the answer as it is.
func (e emulator) raw(t *testing.T, payload []byte) []byte {
	t.Helper()
	body, err := e.function.Raw(t.Context(), payload)
	check(t, err)
	return body
}

// logs waits for a text in the function's log, which the emulator hands on while
// the answer is on its way already.
func (e emulator) logs(t *testing.T, text string) {
	t.Helper()
	until(t, "the log has "+text, func() bool { return strings.Contains(e.function.Log(), text) })
}

// until polls for a condition that must come true.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Errorf("waited %s in vain: %s", patience, what)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}
