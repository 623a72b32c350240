package main

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestDemo plays each programme with a real `ebb serve`: run fails when one
// change was not taken back, or when something does not end.
func TestDemo(t *testing.T) {
	t.Chdir("../..")
	ebb := filepath.Join(t.TempDir(), "ebb")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", ebb, "./cmd/ebb").CombinedOutput(); err != nil {
		t.Fatalf("build ebb: %v: %s", err, out)
	}
	for only, p := range programmes() {
		if err := run(t.Context(), ebb, p, false); err != nil {
			t.Errorf("-only %q: %v", only, err)
		}
	}
}
