package report

import (
	"strings"
	"testing"

	"github.com/ebb-ops/ebb/pkg/report/reporttest"
)

// FuzzText holds what a spreadsheet and Markdown must not take for more than text.
func FuzzText(f *testing.F) {
	for _, s := range reporttest.Hostile() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := cell(s)
		if trimmed := strings.TrimLeft(c, " "); trimmed != "" && strings.ContainsRune("=+-@\t\r\n", rune(trimmed[0])) {
			t.Errorf("a spreadsheet would run %q", c)
		}
		m := markdownText(s)
		bare := strings.NewReplacer(`\\`, "", `\|`, "", "\\`", "", `\[`, "", `\]`, "", `\_`, "", `\*`, "").Replace(m)
		if strings.ContainsAny(bare, "|`[]<>*\n\r") {
			t.Errorf("Markdown would not take %q for text", m)
		}
	})
}
