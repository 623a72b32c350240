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
