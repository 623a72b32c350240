package webconsole

import (
	"testing"
	"time"

	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
)

// A count that took a second is good for twenty; one that took nothing is made anew.
func TestCountsAreMadeSeldom(t *testing.T) {
	t.Parallel()
	var c counts
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	made := 0
	ask := func(span string, took time.Duration) {
		_, err := c.of(span, func() time.Time { return now }, func() ([]sqlite.Count, error) {
			made++
			now = now.Add(took)
			return nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, step := range []struct {
		span  string
		after time.Duration
		took  time.Duration
		want  int
	}{
		{"7d", 0, time.Second, 1}, {"7d", 19 * time.Second, time.Second, 1}, {"1h", 0, 0, 2}, {"1h", 0, 0, 3}, {"7d", time.Second, 0, 4},
	} {
		now = now.Add(step.after)
		if ask(step.span, step.took); made != step.want {
			t.Errorf("step %d: counted %d times, want %d", i, made, step.want)
		}
	}
	for i := range 3 * maxSpans {
		ask(string(rune('a'+i)), time.Second)
	}
	if len(c.spans) > maxSpans {
		t.Errorf("%d spans are remembered", len(c.spans))
	}
}
