package infra_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestKillSwitch runs the automation's script: it stops this stack's functions,
// no other's, and lets them go on again.
func TestKillSwitch(t *testing.T) {
	t.Parallel()
	document := templates(t)["infra/kill-switch.yaml"].Resources["Automation"].Properties["Content"].(object)
	step := document["mainSteps"].(list)[0].(object)["inputs"].(object)
	if diff := cmp.Diff(any(object{"State": "{{ State }}", "Stack": "Stack"}), step["InputPayload"]); diff != "" {
		t.Errorf("what the script is given (-want +got):\n%s", diff)
	}
	type result struct {
		Rules     map[string]string `json:"rules"`
		Functions []string          `json:"functions"`
		Error     string            `json:"error"`
	}
	for name, c := range map[string]struct {
		stack, state string
		want         result
	}{
		"off": {"ebb", "off", result{
			Rules:     map[string]string{"ebb_one": "DISABLED", "ebb_two": "DISABLED", "ebb-dev_one": "ENABLED", "theirs": "ENABLED"},
			Functions: []string{"ebb_one 0", "ebb_two 0"},
		}},
		"on": {"ebb", "on", result{
			Rules:     map[string]string{"ebb_one": "ENABLED", "ebb_two": "ENABLED", "ebb-dev_one": "DISABLED", "theirs": "DISABLED"},
			Functions: []string{"ebb_one free", "ebb_two free"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got result
			runPython(t, "testdata/switch.py", map[string]any{"script": step["Script"], "stack": c.stack, "state": c.state}, &got)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("afterwards (-want +got):\n%s", diff)
			}
		})
	}
}
