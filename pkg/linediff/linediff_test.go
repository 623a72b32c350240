package linediff

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCompareLeadsFromOneToTheOther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 30)
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		var before, after []string
		changed := 0
		for _, e := range Compare(a, b) {
			if e.Op != '+' {
				before = append(before, e.Line)
			}
			if e.Op != '-' {
				after = append(after, e.Line)
			}
			if e.Op != ' ' {
				changed++
			}
		}
		if strings.Join(before, "") != strings.Join(a, "") || strings.Join(after, "") != strings.Join(b, "") {
			t.Errorf("Compare gives %v and %v", before, after)
		}
		if want := len(a) + len(b) - 2*longest(a, b); changed != want {
			t.Errorf("%d lines are changed, %d would do", changed, want)
		}
	})
}

// longest is the length of the longest common subsequence, by its definition.
func longest(a, b []string) int {
	row := make([]int, len(b)+1)
	for i := range a {
		next := make([]int, len(b)+1)
		for j := range b {
			if a[i] == b[j] {
				next[j+1] = row[j] + 1
			} else {
				next[j+1] = max(row[j+1], next[j])
			}
		}
		row = next
	}
	return row[len(b)]
}

func TestCompareIgnoresTheCommaOfAMember(t *testing.T) {
	t.Parallel()
	got := Compare(Lines([]byte(`{"a":1,"b":2}`)), Lines([]byte(`{"a":1}`)))
	want := []Edit{{' ', "{"}, {' ', `  "a": 1`}, {'-', `  "b": 2`}, {' ', "}"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("edits (-want +got):\n%s", diff)
	}
}

func TestCompareHugeStates(t *testing.T) {
	t.Parallel()
	a, b := make([]string, 30_000), make([]string, 30_000)
	for i := range a {
		a[i], b[i] = strings.Repeat("a", i%7), strings.Repeat("b", i%7)+"!"
	}
	began := time.Now()
	edits := Compare(a, b)
	if took := time.Since(began); len(edits) != 60_000 || took > 5*time.Second {
		t.Errorf("%d edits in %s", len(edits), took)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`[`, maxIndent+1) + strings.Repeat(`]`, maxIndent+1)
	for name, tt := range map[string]struct {
		raw  string
		want []string
	}{
		"an object":        {`{"a":[1,"["]}`, []string{"{", `  "a": [`, "    1,", `    "["`, "  ]", "}"}},
		"no JSON":          {"one\ntwo {", []string{"one", "two {"}},
		"nothing":          {"", []string{""}},
		"too deep":         {deep, []string{deep}},
		"brackets in text": {`{"\"` + deep + `":1}`, []string{"{", `  "\"` + deep + `": 1`, "}"}},
	} {
		if diff := cmp.Diff(tt.want, Lines([]byte(tt.raw))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if n := len(Lines([]byte(deep[1 : len(deep)-1]))); n != 2*maxIndent-1 {
		t.Errorf("%d levels are %d lines, want %d", maxIndent, n, 2*maxIndent-1)
	}
	if n := len(Lines([]byte(strings.Repeat("[", 1<<20)))); n != 1 {
		t.Errorf("a megabyte of open brackets is %d lines, want 1", n)
	}
}
