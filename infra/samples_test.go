package infra_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/functions"
	"github.com/ebb-ops/ebb/infra"
	"github.com/ebb-ops/ebb/pkg/bus"
)

// TestSamplesMatchTheirPatterns has an independent matcher, the emulator's, say
// which rules deliver each sample event: those of the functions that handle it,
// its own among them, and of a failed call none. The spokes' rules forward what is AWS's.
func TestSamplesMatchTheirPatterns(t *testing.T) {
	t.Parallel()
	type given struct {
		Patterns map[string]any             `json:"patterns"`
		Events   map[string]json.RawMessage `json:"events"`
	}
	in := given{map[string]any{}, map[string]json.RawMessage{}}
	want := map[string][]string{}
	for _, d := range all(t) {
		if d.receives {
			continue // its samples are what GitHub posts, and no events yet
		}
		in.Patterns[d.name] = d.resource(t, "Change", "AWS::Events::Rule").Properties["EventPattern"]
		samples, err := filepath.Glob("../events/" + d.name + "/*.json")
		if err != nil || len(samples) == 0 {
			t.Fatalf("%s has no samples: %v", d.name, err)
		}
		for _, path := range samples {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			in.Events[path], want[path] = raw, wanting(t, raw)
		}
	}
	for id, r := range templates(t)[infra.Spoke].Resources {
		if r.Type == "AWS::Events::Rule" {
			in.Patterns["spoke "+strings.ToLower(strings.TrimSuffix(id, "Events"))] = r.Properties["EventPattern"]
		}
	}
	var got map[string][]string
	runPython(t, "testdata/matches.py", in, &got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rules that match (-want +got):\n%s", diff)
	}
}

// wanting gives the rules that a sample must match: those of the functions that
// handle it, and its spoke's, unless it is a call that failed.
func wanting(t *testing.T, raw []byte) []string {
	t.Helper()
	out := []string{}
	m, err := bus.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range functions.All {
		if m.ErrorCode != "" || !f.Handles(m.Event) {
			continue
		}
		out = append(out, f.Name)
		if service, ok := strings.CutPrefix(m.Event.Source, "aws."); ok {
			out = append(out, "spoke "+service)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// runPython runs a script with the emulator's Python, on in as JSON.
func runPython(t *testing.T, script string, in, out any) {
	t.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "../.tools/moto/bin/python", script)
	cmd.Stdin = bytes.NewReader(raw)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	answer, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s; make tools installs what it needs", script, err, &stderr)
	}
	if err := json.Unmarshal(answer, out); err != nil {
		t.Fatalf("%s: %v", script, err)
	}
}
