package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ebb-ops/ebb/pkg/report"
)

func TestReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rec := w.revert()
	out := filepath.Join(w.dir, "report.html")
	r := w.must("report", "--out", out)
	if r.stdout != "" {
		t.Errorf("stdout %q, want nothing beside the file", r.stdout)
	}
	contains(t, "stderr", r.stderr, "The report is in "+out)
	page, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	contains(t, "the report", string(page), "<!doctype html>", "1 change was put back", `id="record-`+rec.ID+`"`, "ebb undo "+rec.ID+" --reason TEXT")

	w.golden("report.md", strings.ReplaceAll(w.must("report", "--format", "md").stdout, rec.ID, "RECORD"))
	contains(t, "asff", w.must("report", "--format", "asff", "--hub", "111122223333/eu-west-1").stdout, `"Id":"ebb/`+rec.ID+`"`)
	for _, format := range []string{"csv", "ocsf", "json"} {
		contains(t, format, w.must("report", "--format", format).stdout, rec.ID)
	}
}

func TestReportAsOneLineOfJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(60)
	line := w.must("report", "-o", "json", "--since", "1d", "--until", "1h").stdout
	var got report.Report
	if err := json.Unmarshal([]byte(line), &got); err != nil || strings.Count(line, "\n") != 1 {
		t.Fatalf("%d lines: %v", strings.Count(line, "\n"), err)
	}
	if got.Records != 23 || got.Outcomes.Exempt != 8 || got.Version != report.Version {
		t.Errorf("%d records, outcomes %+v", got.Records, got.Outcomes)
	}
}

// What can't be written leaves no half of a file.
func TestReportIsWholeOrNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.revert()
	out := filepath.Join(w.dir, "there is no such folder", "report.html")
	if r := w.run("report", "--out", out); r.code != exitFailed || !strings.Contains(r.stderr, "no such file or directory") {
		t.Errorf("exit code %d, stderr %s", r.code, r.stderr)
	}
	if err := os.Mkdir(filepath.Join(w.dir, "taken"), 0o700); err != nil {
		t.Fatal(err)
	}
	if r := w.run("report", "--out", filepath.Join(w.dir, "taken")); r.code != exitFailed {
		t.Errorf("exit code %d, stderr %s", r.code, r.stderr)
	}
	left, err := filepath.Glob(filepath.Join(w.dir, ".ebb-report-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left: %v", left, err)
	}
}

func TestReportRefusesWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.revert()
	for want, args := range map[string][]string{
		`--since "x": want a duration`:                {"--since", "x"},
		`--until: since "x": want a duration`:         {"--until", "x"},
		"is not before --until":                       {"--since", "1h", "--until", "2h"},
		"--minutes 0: want a number greater than 0":   {"--minutes", "0"},
		`--format "pdf": want one of html, md, json`:  {"--format", "pdf"},
		"--format asff and --hub ACCOUNT/REGION go":   {"--format", "asff"},
		"--format asff and --hub ACCOUNT/REGION go t": {"--hub", "111122223333/eu-west-1"},
		`--hub "x": want the account and the region`:  {"--format", "asff", "--hub", "x"},
		"unexpected argument":                         {"x"},
		"--security-hub writes no report: leave":      {"--security-hub", "--format", "csv"},
		"--security-hub writes no report: leave out":  {"--security-hub", "--out", "x"},
		"--security-hub: no AWS region is known: set": {"--security-hub"},
	} {
		r := w.run(append([]string{"report"}, args...)...)
		if r.code != exitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("ebb report %v: exit code %d, stderr %q, want %q", args, r.code, r.stderr, want)
		}
	}
}
