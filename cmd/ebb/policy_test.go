package main

import (
	"encoding/json"
	"path/filepath"
	"testing"
)

const fullPolicy = `version: 1
functions:
  shelf-labels:
    mode: enforce
    params:
      allowed: [y]
    caps:
      fight: {limit: 2, window: 30m}
    scopes:
      - name: lab
        accounts: ["lab-*"]
        mode: observe
        params:
          most: 9
exemptions:
  - id: fair
    resource: shelf/fair-*
    reason: The fair has its own rules.
    owner: ann
    expires: 2026-11-25
`

func TestPolicyCheckValid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.file("policy.yaml", fullPolicy)
	w.golden("policy-valid.txt", w.must("policy", "check", path).stdout)
	w.golden("policy-valid.json", w.must("policy", "check", path, "-o", "json").stdout)
}

func TestPolicyCheckProblems(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.file("policy.yaml", "version: 2\nfunctions:\n  shelf-lables:\n    mode: enforce\n  shop-doors:\n    mode: \"\x1b[31mopen\"\n")
	for _, args := range [][]string{{"policy", "check", path}, {"policy", "check", path, "-o", "json"}} {
		r := w.run(args...)
		if r.code != exitFailed {
			t.Errorf("exit code %d, want %d", r.code, exitFailed)
		}
		wantHarmless(t, r)
		w.golden("policy-problems."+map[bool]string{true: "json", false: "txt"}[len(args) > 3], r.stdout)
		contains(t, "stderr", r.stderr, "policy.yaml: ", "problems")
	}
}

func TestPolicyCheckMissingFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.run("policy", "check", filepath.Join(w.dir, "none.yaml"))
	if r.code != exitFailed || r.stdout != "" {
		t.Errorf("exit code %d, stdout %q", r.code, r.stdout)
	}
	contains(t, "stderr", r.stderr, "ebb: read policy: open ", "none.yaml: no such file")
}

func TestBrokenPolicyStopsCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bad := w.file("policy.yaml", "version: 2\nextra: 1\n")
	event := w.file("event.json", w.event("e1", "shelf.put", "a"))
	for _, args := range [][]string{{"handle", event}, {"functions"}} {
		r := w.run(append(args, "--policy", bad)...)
		if r.code != exitFailed || r.stdout != "" {
			t.Errorf("ebb %v: exit code %d, stdout %q", args, r.code, r.stdout)
		}
		contains(t, "stderr", r.stderr, "policy.yaml:1:", "policy.yaml:2:")
	}
	w.wantShelf("a", map[string]string{"x": "good", "y": "bad"})
}

func TestPolicySchema(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var schema map[string]any
	if err := json.Unmarshal([]byte(w.must("policy", "schema").stdout), &schema); err != nil {
		t.Fatal(err)
	}
	if schema["title"] != "Ebb policy" {
		t.Errorf("title %v", schema["title"])
	}
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.file("policy.yaml", fullPolicy)
	r := w.must("functions", "--policy", path)
	w.golden("functions.txt", r.stdout)
	contains(t, "stderr", r.stderr, "ebb: warning: ", "exemption fair expires soon")
	w.golden("functions.json", w.must("functions", "--policy", path, "-o", "json").stdout)
	w.golden("function.txt", w.must("functions", "shelf-labels", "--policy", path).stdout)
	w.golden("function-default.txt", w.must("functions", "shop-doors").stdout)
}
