package trail

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQueueTriesAgainAndGoesOn(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	refused := errors.New("refused")
	var got []string
	q := newQueue(func(_ context.Context, ev []byte) error {
		got = append(got, string(ev))
		switch {
		case string(ev) == "bad", string(ev) == "late" && len(got) < 4:
			return refused
		case string(ev) == "last":
			cancel()
		}
		return nil
	}, func(err error) { got = append(got, "gave up: "+err.Error()) })
	q.tries = 2
	for _, ev := range []string{"bad", "late", "last"} {
		q.add(delivery{event: []byte(ev)})
	}
	q.run(ctx)
	if diff := cmp.Diff([]string{"bad", "bad", "gave up: refused", "late", "last"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
