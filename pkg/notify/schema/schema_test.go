package schema_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/ebb-ops/ebb/pkg/notify"
	"github.com/ebb-ops/ebb/pkg/notify/schema"
)

func validator(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	src, err := schema.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(src, &s); err != nil {
		t.Fatal(err)
	}
	r, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func validate(t *testing.T, r *jsonschema.Resolved, src string) error {
	t.Helper()
	var v any
	b, err := yaml.YAMLToJSON([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return r.Validate(v)
}

func TestSchema_is_what_the_repository_has(t *testing.T) {
	t.Parallel()
	got, err := schema.Schema()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../../../notify.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("notify.schema.json is not of this version: go run ./cmd/ebb notify schema (-want +got):\n%s", diff)
	}
}

// TestSchema_accepts_the_documentation holds the examples of the documentation
// to both the schema and the loader.
func TestSchema_accepts_the_documentation(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/notifications.md")
	if err != nil {
		t.Fatal(err)
	}
	r, found := validator(t), 0
	for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(page, -1) {
		src := string(m[1])
		if !strings.Contains(src, "version:") { // a part of a file
			src = "version: 1\n" + src
			if !strings.Contains(src, "channels:\n") {
				src += "channels: {ops: {slack: {webhook: OPS}}, pager: {pagerduty: {routing_key: KEY}}}\n"
			}
			if !strings.Contains(src, "routes:") {
				name := regexp.MustCompile(`(?m)^  ([a-z-]+):`).FindStringSubmatch(src)
				if name == nil {
					name = []string{"", "ops"}
				}
				src += "routes: [{channels: [" + name[1] + "]}]\n"
			}
		}
		found++
		if _, err := notify.Load([]byte(src), "example"); err != nil {
			t.Errorf("Load: %v\n%s", err, src)
		}
		if err := validate(t, r, src); err != nil {
			t.Errorf("schema: %v\n%s", err, src)
		}
	}
	if found < 8 {
		t.Errorf("the page has %d examples", found)
	}
}

func TestSchema_refuses_what_Load_refuses(t *testing.T) {
	t.Parallel()
	r := validator(t)
	good := "version: 1\nchannels: {ops: {slack: {webhook: OPS}}}\nroutes: [{channels: [ops], severity: high, outcomes: [held]}]\ngrouping: {window: 30s}\ndigests: [{channels: [ops], reports: [daily]}]\n"
	if err := validate(t, r, good); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{"version: 1", "version: 2"}, {"slack:", "slak:"}, {"severity: high", "severity: hihg"}, {"[held]", "[pending]"},
		{"window: 30s", "window: soon"}, {"window: 30s", "window: 30"}, {"channels: [ops]", "channels: ops"}, {"routes:", "route:"}, {"[daily]", "[dayly]"},
	} {
		src := strings.Replace(good, change[0], change[1], 1)
		if _, err := notify.Load([]byte(src), "x"); err == nil {
			t.Errorf("Load accepts %s", change[1])
		}
		if err := validate(t, r, src); err == nil {
			t.Errorf("the schema accepts %s", change[1])
		}
	}
	if out, _ := schema.Schema(); bytes.Contains(out, []byte(`"null"`)) {
		t.Error("the schema allows null, which Load does not")
	}
}
