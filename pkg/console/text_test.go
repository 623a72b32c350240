package console

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain 'text' \"é\" 日本": "plain 'text' \"é\" 日本",
		"\x1b[31mred\x1b[0m":    `\x1b[31mred\x1b[0m`,
		"a\nb\r\tc\x00\x7f":     `a\nb\r\tc\x00\x7f`,
		"\u009b1m":              `\u009b1m`,
		"\u202egpj.exe":         `\u202egpj.exe`,
		"a\u200bb\ufeff":        `a\u200bb\ufeff`,
		"\u2028\u2029":          `\u2028\u2029`,
		"\xff\xfe":              `\xff\xfe`,
		"\U000e0001":            `\U000e0001`,
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %s, want %s", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b]0;x\x07")
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if !utf8.ValidString(got) {
			t.Errorf("%q is not UTF-8", got)
		}
		for _, r := range got {
			if !strconv.IsPrint(r) {
				t.Errorf("%q holds %q", got, r)
			}
		}
		if Clean(got) != got {
			t.Errorf("cleaned twice: %q", Clean(got))
		}
	})
}

func TestJSONIsPrintableAndMeansTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := map[string]string{"key": rapid.String().Draw(t, "value")}
		var b bytes.Buffer
		if err := JSON(&b, in); err != nil {
			t.Fatal(err)
		}
		line, ok := strings.CutSuffix(b.String(), "\n")
		if !ok || Clean(line) != line {
			t.Errorf("%q is not one printable line", b.String())
		}
		var out map[string]string
		if err := json.Unmarshal(b.Bytes(), &out); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(in, out); diff != "" {
			t.Error(diff)
		}
	})
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		s          string
		n          int
		end, start string
	}{
		{"short", 5, "short", "short"},
		{"longer", 5, "long…", "…nger"},
		{"日本語", 6, "日本語", "日本語"},
		{"日本語", 5, "日本…", "…本語"},
		{"日本語", 4, "日…", "…語"},
		{"e\u0301e\u0301e", 3, "e\u0301e\u0301e", "e\u0301e\u0301e"},
		{"", 3, "", ""},
	} {
		if got := cutEnd(tt.s, tt.n); got != tt.end {
			t.Errorf("cutEnd(%q, %d) = %q, want %q", tt.s, tt.n, got, tt.end)
		}
		if got := cutStart(tt.s, tt.n); got != tt.start {
			t.Errorf("cutStart(%q, %d) = %q, want %q", tt.s, tt.n, got, tt.start)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s, n := Clean(rapid.String().Draw(t, "s")), rapid.IntRange(1, 40).Draw(t, "n")
		if got := cutEnd(s, n); cells(got) > n {
			t.Errorf("cutEnd gives %d columns of %d: %q", cells(got), n, got)
		}
		if got := cutStart(s, n); cells(got) > n {
			t.Errorf("cutStart gives %d columns of %d: %q", cells(got), n, got)
		}
	})
}

func TestWrapLosesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOf(rapid.StringMatching(`[a-z]{1,12}`)).Draw(t, "words"), " ")
		n := rapid.IntRange(1, 30).Draw(t, "n")
		lines := wrap(s, n)
		if got := strings.Join(lines, " "); got != s {
			t.Errorf("wrapped: %q, want %q", got, s)
		}
		for _, line := range lines {
			if cells(line) > n && strings.Contains(line, " ") {
				t.Errorf("line %q is wider than %d", line, n)
			}
		}
	})
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0 ms", 1500 * time.Microsecond: "1.5 ms", 340 * time.Millisecond: "340 ms",
		1234 * time.Millisecond: "1.23s", 83 * time.Second: "1m23s", 26*time.Hour + 4*time.Minute: "26h4m",
	} {
		if got := Lasting(d); got != want {
			t.Errorf("span(%v) = %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		90 * time.Second: "1m30s", 10 * time.Minute: "10m", time.Hour: "1h", 90 * time.Minute: "1h30m", 0: "0s",
		time.Hour + 10*time.Second: "1h0m10s",
	} {
		if got := Period(d); got != want {
			t.Errorf("period(%v) = %q, want %q", d, got, want)
		}
	}
}
