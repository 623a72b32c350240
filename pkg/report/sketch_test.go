package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSketchIsWithinItsError(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ms := rapid.SliceOfN(rapid.Int64Range(1, int64(10*365*24*time.Hour/time.Millisecond)), 1, 200).Draw(t, "ms")
		var s sketch
		for _, m := range ms {
			s.add(time.Duration(m) * time.Millisecond)
		}
		slices.Sort(ms)
		for _, q := range []float64{0.5, 0.95, 1} {
			want := float64(ms[int(math.Ceil(q*float64(len(ms))))-1])
			got := float64(s.at(q)) / float64(time.Millisecond)
			if math.Abs(got-want) > want*QuantileError*1.0001 {
				t.Errorf("quantile %v of %d = %v, want %v", q, len(ms), got, want)
			}
		}
	})
}

func TestTopIsExactWhileThereIsRoom(t *testing.T) {
	t.Parallel()
	var names top[struct{}]
	for i := range maxNames {
		for range i%7 + 1 {
			names.add(fmt.Sprint(i))
		}
	}
	if got := names.result(); got.Error != 0 || got.Items[0].Count != 7 || got.Items[0].Name != "1000" {
		t.Errorf("top = %+v", got)
	}
}

func TestTopFindsTheMostFrequentAmongMany(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	var names top[struct{}]
	want := map[string]int64{}
	for i := range 200_000 {
		name := fmt.Sprintf("rare-%d", i)
		if k := r.IntN(20); k < 5 {
			name = fmt.Sprintf("frequent-%d", k)
		}
		want[name]++
		names.add(name)
	}
	got := names.result()
	if len(names.order) != maxNames || len(names.byName) != maxNames {
		t.Errorf("%d names are kept, want %d", len(names.order), maxNames)
	}
	for _, it := range got.Items[:5] {
		if it.Count < want[it.Name] || it.Count > want[it.Name]+got.Error || want[it.Name] < 5000 {
			t.Errorf("%s: %d, want %d to %d", it.Name, it.Count, want[it.Name], want[it.Name]+got.Error)
		}
	}
}
