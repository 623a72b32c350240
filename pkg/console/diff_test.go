package console

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
		for _, e := range compare(a, b) {
			if e.op != '+' {
				before = append(before, e.line)
			}
			if e.op != '-' {
				after = append(after, e.line)
			}
			if e.op != ' ' {
				changed++
			}
		}
		if strings.Join(before, "") != strings.Join(a, "") || strings.Join(after, "") != strings.Join(b, "") {
			t.Errorf("compare gives %v and %v", before, after)
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
	got := compare(lines([]byte(`{"a":1,"b":2}`)), lines([]byte(`{"a":1}`)))
	want := []edit{{' ', "{"}, {' ', `  "a": 1`}, {'-', `  "b": 2`}, {' ', "}"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(edit{})); diff != "" {
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
	edits := compare(a, b)
	if took := time.Since(began); len(edits) != 60_000 || took > 5*time.Second {
		t.Errorf("%d edits in %s", len(edits), took)
	}
}

func TestTreeShowsEverySpanOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// Ids repeat and parents form cycles, as a sender of trace headers may have it.
		id := rapid.SampledFrom([]string{"1", "2", "3", "4", ""})
		var spans []Span
		for range rapid.IntRange(1, 12).Draw(t, "n") {
			start := at(rapid.IntRange(-5, 5).Draw(t, "start"))
			spans = append(spans, Span{
				ID: id.Draw(t, "id"), Parent: id.Draw(t, "parent"), Name: "step", Start: start,
				End: start.Add(time.Duration(rapid.IntRange(-3, 9).Draw(t, "took")) * time.Millisecond),
			})
		}
		if got := len(tree(spans)); got != len(spans) {
			t.Fatalf("%d rows of %d spans", got, len(spans))
		}
		var b strings.Builder
		p := Printer{Width: rapid.IntRange(0, 120).Draw(t, "width")}
		p.waterfall(&b, spans)
		if got := strings.Count(b.String(), "\n"); got != len(spans) {
			t.Errorf("%d lines of %d spans", got, len(spans))
		}
	})
}
