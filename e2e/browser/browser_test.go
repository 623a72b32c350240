//go:build e2e

// Package browser looks at what people read in a real browser.
package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/report"
	"github.com/ebb-ops/ebb/pkg/report/reporttest"
)

const tools = "../../.tools/browser"

// lookFor is how long the browser may take in all.
const lookFor = 15 * time.Minute

// look opens pages and gives what is wrong with them. EBB_SCREENSHOTS names a
// folder that keeps the pictures.
func look(t *testing.T, pages map[string]string) (wrong []string) {
	t.Helper()
	pictures := os.Getenv("EBB_SCREENSHOTS")
	if pictures == "" {
		pictures = t.TempDir()
	}
	chromium, err := filepath.Abs(filepath.Join(tools, "chromium"))
	if err != nil {
		t.Fatal(err)
	}
	asked, err := json.Marshal(map[string]any{"chromium": chromium, "screenshots": pictures, "pages": pages})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), lookFor)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(tools, "bin", "python"), "look.py")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(asked), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("look: %v (make tools-browser installs what it needs)", err)
	}
	if err := json.Unmarshal(out, &wrong); err != nil {
		t.Fatalf("look says %q: %v", out, err)
	}
	return wrong
}

func TestReport(t *testing.T) {
	t.Parallel()
	texts := reporttest.Hostile()
	letters := []remedy.DeadLetter{{ID: "d1", Function: "iam-access-key", Reason: "The event could not be understood.", Attempts: 3, At: reporttest.Until().AddDate(0, 0, -2)}}
	pages := map[string]string{}
	for name, src := range map[string]reporttest.Source{
		"week":    {Make: reporttest.Make{Every: 12 * time.Hour, Resources: 5}, N: 13, Letters: letters},
		"hostile": {Make: reporttest.Make{Text: func(i int) string { return texts[i%len(texts)] }, Every: 13 * time.Hour}, N: 12},
		"empty":   {},
	} {
		r, err := report.Collect(t.Context(), src, report.Options{Since: reporttest.Until().AddDate(0, 0, -7), Until: reporttest.Until()})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := report.WriteHTML(t.Context(), &b, r, report.Details{Record: src.Record}); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), name+".html")
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		pages[name] = "file://" + path
	}
	for _, s := range look(t, pages) {
		t.Error(s)
	}
}
