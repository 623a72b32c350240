//go:build linux

package main

import (
	"strings"
	"testing"
)

// TestRehearsal deploys and runs all there is: run fails when one function did
// not put its change back, was denied what it needs or allowed what it does not.
func TestRehearsal(t *testing.T) {
	t.Chdir("../..")
	var out strings.Builder
	if err := run(t.Context(), ".", &out); err != nil {
		t.Errorf("%v\n%s", err, &out)
	}
}
