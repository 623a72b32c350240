package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ebb-ops/ebb/pkg/policy"
)

// Large files of one thing repeated are judged soon, without a panic and with
// a short error. Those that the parser takes long or a deep stack for never
// reach it.
func TestLoadBoundsWork(t *testing.T) {
	t.Parallel()
	const (
		size = policy.MaxSize / 8
		keys = "a mapping has more than 1000 keys"
		deep = "lists and mappings nest more than 32 deep"
	)
	for _, tc := range []struct{ name, head, unit, tail, want string }{
		{"keys", "", "key: value\n", "", keys},
		{"keys of an item", "exemptions:\n- a: 1\n", "  key: value\n", "", keys},
		{"dashes on lines", "exemptions:\n", "- value\n", "", ""},
		{"items", "version: 1\nexemptions:\n", "- id: x\n  reason: y\n", "", ""},
		{"unindented items", "", "- id: x\n  reason: y\n", "", ""},
		{"flow list", "a: [", "1,", "]", ""},
		{"flow mapping", "a: {", "a: 1,", "}", ""},
		{"open brackets", "", "[", "", deep},
		{"open braces", "", "{", "", deep},
		{"open braces with keys", "", "{a: ", "", deep},
		{"braces with question marks", "", "{? ", "", deep},
		{"dashes on one line", "", "- ", "", deep},
		{"question marks", "", "? ", "", deep},
		{"dashes and question marks", "", "- ? ", "", deep},
		{"one plain scalar", "", "x", "", ""},
		{"double quotes", "", `"`, "", ""},
		{"single quotes", "", "'", "", ""},
		{"empty strings", "", `"" `, "", ""},
		{"block text", "a: |\n", " x\n", "", ""},
		{"folded text", "a: >\n", " x\n", "", ""},
		{"plain lines", "a: x\n", " x\n", "", ""},
		{"quoted lines", "a: \"", " x\n", "\"", ""},
		{"comments", "", "#x\n", "", ""},
		{"empty lines", "", "\n", "", ""},
		{"spaces", "", " ", "a: 1", ""},
		{"tabs", "", "\t", "a: 1", ""},
		{"carriage returns", "", "\r", "a: 1", ""},
		{"documents", "", "---\n", "", keys},
		{"document ends", "", "...\n", "", keys},
		{"directives", "", "%YAML 1.2\n", "", keys},
		{"anchors", "", "&a ", "", ""},
		{"anchors on keys", "", "&a a: ", "", ""},
		{"aliases", "", "*a ", "", ""},
		{"tags", "", "!a ", "", ""},
		{"colons with keys", "", "a: ", "", ""},
		{"colons", "", ":", "", ""},
		{"commas", "", ",", "", ""},
		{"pipes", "", "|\n", "", ""},
		{"pipes as values", "", "a: |\n", "", keys},
		{"merge keys", "", "<<: a\n", "", keys},
		{"escapes", `a: "`, `\u00e9`, `"`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			src := tc.head + strings.Repeat(tc.unit, size/len(tc.unit)) + tc.tail
			_, err := policy.Load([]byte(src), "policy.yaml", nil, time.Unix(0, 0))
			switch {
			case err == nil:
				t.Error("want an error")
			case !strings.Contains(err.Error(), tc.want):
				t.Errorf("error %v, want one that says %q", err, tc.want)
			case len(err.Error()) > 2*policy.MaxMessage*policy.MaxProblems:
				t.Errorf("the error is %d bytes long", len(err.Error()))
			}
		})
	}
}
