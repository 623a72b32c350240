//go:build linux

package main

import (
	"strings"
	"testing"

	"github.com/ebb-ops/ebb/functions"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// TestRehearsal deploys and runs all there is: run fails when one function did
// not put its change back, was denied what it needs or allowed what it does not.
func TestRehearsal(t *testing.T) {
	t.Chdir("../..")
	var out strings.Builder
	// In a spoke one function of each service: all of them are for make rehearse.
	seen := map[string]bool{}
	for _, f := range functions.All {
		if source := f.Triggers[0].Source; ofAWS(f) && !seen[source] {
			seen[source], seen[f.Name] = true, true
		}
	}
	if err := run(t.Context(), ".", &out, func(f remedy.Function) bool { return seen[f.Name] }); err != nil {
		t.Errorf("%v\n%s", err, &out)
	}
}
