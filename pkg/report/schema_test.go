package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	infer "github.com/google/jsonschema-go/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/report"
	"github.com/ebb-ops/ebb/pkg/report/reporttest"
)

func compile(t *testing.T, path string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, doc []byte) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("%.300s: %v", doc, err)
	}
}

// TestSchema holds the published schema to the types that are written.
func TestSchema(t *testing.T) {
	t.Parallel()
	s, err := infer.For[report.Report](nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Schema, s.Title = "https://json-schema.org/draft/2020-12/schema", "Ebb report"
	s.Description = "What ebb report --format json writes. docs/reports.md says what each figure means. Members may be added."
	open(s)
	want, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("schema", "report.schema.json")
	if *update {
		if err := os.WriteFile(path, append(want, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want)+"\n", string(got)); diff != "" {
		t.Errorf("%s (-types +file):\n%s", path, diff)
	}
}

// open lets members be added later.
func open(s *infer.Schema) {
	if s == nil {
		return
	}
	s.AdditionalProperties = nil
	for _, p := range s.Properties {
		open(p)
	}
	open(s.Items)
}

func sources() map[string]reporttest.Source {
	return map[string]reporttest.Source{"sample": sample(), "hostile": hostile(), "empty": {}}
}

func TestJSONIsValid(t *testing.T) {
	t.Parallel()
	s := compile(t, "schema/report.schema.json")
	for _, src := range sources() {
		var b bytes.Buffer
		if err := report.WriteJSON(&b, collect(t, src, week())); err != nil {
			t.Fatal(err)
		}
		validate(t, s, b.Bytes())
	}
	var b bytes.Buffer
	if err := report.WriteJSON(&b, collect(t, sample(), week())); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json", b.String())
}

func TestOCSFIsValid(t *testing.T) {
	t.Parallel()
	s := compile(t, "testdata/ocsf/compliance_finding-1.6.0.schema.json")
	all := sources()
	for i, out := range []remedy.Outcome{remedy.Pending, remedy.Undone, remedy.Gone} {
		all[string(out)] = reporttest.Source{Make: reporttest.Make{Outcome: func(int) remedy.Outcome { return out }}, N: i + 1}
	}
	all["bare"] = reporttest.Source{Older: []remedy.Record{{ID: "x", Times: remedy.Times{Received: reporttest.Until().Add(-1)}}}}
	for name, src := range all {
		var b bytes.Buffer
		if err := report.WriteOCSF(t.Context(), &b, src, week(), "1.2.3"); err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(bytes.TrimSpace(b.Bytes()), []byte("\n"))
		if want := src.N + len(src.Older); name != "empty" && len(lines) != want {
			t.Errorf("%s: %d findings, want %d", name, len(lines), want)
		}
		for _, line := range lines {
			if len(line) > 0 {
				validate(t, s, line)
			}
		}
	}
	var b bytes.Buffer
	src := sample()
	src.N = 11
	if err := report.WriteOCSF(t.Context(), &b, src, week(), "1.2.3"); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.ocsf.json", b.String())
}

func TestCSV(t *testing.T) {
	t.Parallel()
	s := compile(t, "schema/records.csv.schema.json")
	raw, err := os.ReadFile("schema/records.csv.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var described struct{ Required []string }
	if err := json.Unmarshal(raw, &described); err != nil {
		t.Fatal(err)
	}
	for name, src := range sources() {
		var b bytes.Buffer
		if err := report.WriteCSV(t.Context(), &b, src, week()); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&b).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(described.Required, rows[0]); diff != "" {
			t.Errorf("columns (-schema +file):\n%s", diff)
		}
		if len(rows) != src.N+1 {
			t.Errorf("%s: %d rows, want %d", name, len(rows), src.N+1)
		}
		for _, row := range rows[1:] {
			object := map[string]string{}
			for i, c := range row {
				object[rows[0][i]] = c
				if c != "" && strings.ContainsRune("=+-@|%\t\r\n", rune(c[0])) {
					t.Errorf("%s: a spreadsheet would run %q", name, c)
				}
			}
			doc, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			validate(t, s, doc)
		}
	}
	var b bytes.Buffer
	src := sample()
	src.N = 11
	if err := report.WriteCSV(t.Context(), &b, src, week()); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.csv", b.String())
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := report.WriteMarkdown(&b, collect(t, sample(), week())); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.md", b.String())
}

// Every row of every table has the columns of its header, whatever events hold,
// and nothing becomes HTML or a link.
func TestMarkdownOfHostileText(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := report.WriteMarkdown(&b, collect(t, hostile(), week())); err != nil {
		t.Fatal(err)
	}
	columns := 0
	for line := range strings.Lines(b.String()) {
		line = strings.TrimRight(line, "\n")
		bare := strings.NewReplacer(`\\`, "", `\|`, "").Replace(line)
		switch n := strings.Count(bare, "|"); {
		case !strings.HasPrefix(line, "|"):
			columns = 0
		case columns == 0:
			columns = n
		case n != columns:
			t.Errorf("%d bars, want %d: %s", n, columns, line)
		}
		for _, bad := range []string{"<script", "<img", "<svg", "<!--", "](", "\x1b", "\u202e"} {
			if strings.Contains(bare, bad) && !strings.Contains(bare, `\](`) {
				t.Errorf("%q in %s", bad, line)
			}
		}
	}
	if !slices.Contains(strings.Split(b.String(), "\n"), "## Are we safe now?") {
		t.Error("there is no section on whether we are safe")
	}
}
