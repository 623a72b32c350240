package console

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/waterfall"
)

func TestTreeShowsEverySpanOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// Ids repeat and parents form cycles, as a sender of trace headers may have it.
		id := rapid.SampledFrom([]string{"1", "2", "3", "4", ""})
		var spans []waterfall.Span
		for range rapid.IntRange(1, 12).Draw(t, "n") {
			start := at(rapid.IntRange(-5, 5).Draw(t, "start"))
			spans = append(spans, waterfall.Span{
				ID: id.Draw(t, "id"), Parent: id.Draw(t, "parent"), Name: "step", Start: start,
				End: start.Add(time.Duration(rapid.IntRange(-3, 9).Draw(t, "took")) * time.Millisecond),
			})
		}
		if got := len(waterfall.Tree(spans)); got != len(spans) {
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
