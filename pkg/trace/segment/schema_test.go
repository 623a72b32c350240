package segment_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ebb-ops/ebb/pkg/trace/segment"
)

const schemaFile = "testdata/xray-segmentdocument-schema-v1.0.0.json"

// schemas gives X-Ray's published schemas of a segment and of a subsegment.
var schemas = sync.OnceValues(func() ([2]*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.UseRegexpEngine(compilePattern)
	root, err := c.Compile(schemaFile)
	if err != nil {
		return [2]*jsonschema.Schema{}, err
	}
	sub, err := c.Compile(schemaFile + "#/definitions/subsegment")
	return [2]*jsonschema.Schema{root, sub}, err
})

// pattern is a regular expression of the schema's, which are JavaScript's.
type pattern struct{ *regexp.Regexp }

var javaScriptEscape = regexp.MustCompile(`\\u([0-9a-f]{4})`)

// compilePattern translates JavaScript's escapes. The pattern of names spells out
// the letters of the Unicode of its day; beside it the schema has the Java form
// that means the letters of any day, so that one is taken.
func compilePattern(s string) (jsonschema.Regexp, error) {
	if strings.HasPrefix(s, `^[A-Za-z\u00aa`) {
		s = `^[\p{L}\p{Z}\p{N}_.:/%&#=+\-@]{1,200}$`
	}
	re, err := regexp.Compile(javaScriptEscape.ReplaceAllString(s, `\x{$1}`))
	if err != nil {
		return nil, err
	}
	return pattern{re}, nil
}

// checkDocument holds a document to the schema and to what the documentation says
// beside it: https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
func checkDocument(t testing.TB, doc []byte) map[string]any {
	t.Helper()
	both, err := schemas()
	if err != nil {
		t.Fatal(err)
	}
	if len(doc) > segment.MaxDocument || !utf8.Valid(doc) {
		t.Fatalf("%d bytes, UTF-8: %t", len(doc), utf8.Valid(doc))
	}
	inst, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatalf("%v: %s", err, doc)
	}
	if err := both[0].Validate(inst); err != nil {
		t.Fatalf("not a segment by the schema: %v: %s", err, doc)
	}
	m := inst.(map[string]any)
	if !regexp.MustCompile(`^1-[0-9a-f]{8}-[0-9a-f]{24}$`).MatchString(m["trace_id"].(string)) {
		t.Errorf("trace_id = %v", m["trace_id"])
	}
	if m["type"] == "subsegment" {
		if err := both[1].Validate(inst); err != nil {
			t.Errorf("not a subsegment by the schema: %v: %s", err, doc)
		}
		if m["parent_id"] == nil || m["origin"] != nil || m["service"] != nil {
			t.Errorf("a subsegment has a parent and no fields of a segment: %s", doc)
		}
	} else if m["namespace"] != nil {
		t.Errorf("a segment has no namespace: %s", doc)
	}
	checkFields(t, m, "namespace", "origin", "parent_id", "service", "trace_id", "type")
	return m
}

// checkFields holds a segment or subsegment, and those in it, to the fields that
// X-Ray knows.
func checkFields(t testing.TB, m map[string]any, more ...string) {
	t.Helper()
	known := append([]string{
		"annotations", "aws", "cause", "end_time", "error", "fault", "http", "id", "in_progress", "links", "metadata",
		"name", "start_time", "subsegments", "throttle",
	}, more...)
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(known, key) {
			t.Errorf("X-Ray knows no field %q: %v", key, m)
		}
	}
	if (m["end_time"] == nil) == (m["in_progress"] == nil) {
		t.Errorf("a document has an end or is in progress: %v", m)
	}
	if end, ok := m["end_time"].(json.Number); ok && !notBefore(end.String(), m["start_time"].(json.Number).String()) {
		t.Errorf("a span ends before it starts: %v", m)
	}
	for _, sub := range subsegments(m) {
		checkFields(t, sub, "namespace")
	}
}

// subsegments gives those in a segment or subsegment.
func subsegments(m map[string]any) []map[string]any {
	list, _ := m["subsegments"].([]any)
	var out []map[string]any
	for _, sub := range list {
		out = append(out, sub.(map[string]any))
	}
	return out
}

// flat gives a document's segment and all subsegments in it.
func flat(m map[string]any) []map[string]any {
	out := []map[string]any{m}
	for _, sub := range subsegments(m) {
		out = append(out, flat(sub)...)
	}
	return out
}

// notBefore compares numbers of seconds with six digits after the point.
func notBefore(a, b string) bool {
	return len(a) > len(b) || len(a) == len(b) && a >= b
}
