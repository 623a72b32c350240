package trail

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseChaos(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Chaos{
		"": {},
		"duplicate=0.2,delay=0-5s,drop=0.1,reorder=0.3,burst=20": {Duplicate: 0.2, Max: 5 * time.Second, Drop: 0.1, Reorder: 0.3, Burst: 20},
		"delay=100ms-2s":  {Min: 100 * time.Millisecond, Max: 2 * time.Second},
		"delay=3s":        {Min: 3 * time.Second, Max: 3 * time.Second},
		"drop=1, burst=2": {Drop: 1, Burst: 2},
	} {
		got, err := ParseChaos(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", in, diff)
		}
	}
	for in, want := range map[string]string{
		"loss=0.1":      `"loss" is none of`,
		"drop":          `"" is not a share`,
		"drop=2":        `"2" is not a share`,
		"drop=NaN":      `"NaN" is not a share`,
		"duplicate=-1":  `"-1" is not a share`,
		"delay=5":       "write 3s or 0-5s",
		"delay=5s-1s":   "write 3s or 0-5s",
		"burst=0":       "not a number from 1",
		"burst=1000000": "not a number from 1",
	} {
		if _, err := ParseChaos(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one that says %q", in, err, want)
		}
	}
}

// through gives what comes of n events, as "number" or "number@delay", and
// which are lost.
func through(c Chaos, seed uint64, n int) (out []string, lost int) {
	p := newPlan(c, rand.New(rand.NewPCG(seed, 0)))
	tell := func(due []delivery) {
		for _, d := range due {
			s := string(d.event)
			if d.after > 0 {
				s += "@" + d.after.Round(time.Millisecond).String()
			}
			out = append(out, s)
		}
	}
	for i := range n {
		due, gone := p.take([]byte(fmt.Sprint(i)))
		if gone {
			lost++
		}
		tell(due)
		if c.Burst > 1 {
			out = append(out, "|")
		}
	}
	tell(p.rest())
	return out, lost
}

func TestPlan(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		chaos Chaos
		want  string
		lost  int
	}{
		"nothing":         {Chaos{}, "0 1 2 3 4 5", 0},
		"all_twice":       {Chaos{Duplicate: 1}, "0 0 1 1 2 2 3 3 4 4 5 5", 0},
		"none":            {Chaos{Drop: 1}, "", 6},
		"all_late":        {Chaos{Min: time.Second, Max: time.Second}, "0@1s 1@1s 2@1s 3@1s 4@1s 5@1s", 0},
		"held_back":       {Chaos{Reorder: 1}, "0 1 2 3 4 5", 0}, // each waits for the next, which waits too
		"some_reordered":  {Chaos{Reorder: 0.5}, "1 0 3 2 4 5", 0},
		"in_bursts":       {Chaos{Burst: 3}, "| | 0 1 2 | | | 3 4 5 |", 0},
		"rest_of_a_burst": {Chaos{Burst: 4}, "| | | 0 1 2 3 | | | 4 5", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, lost := through(tt.chaos, 2, 6)
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" || lost != tt.lost {
				t.Errorf("%d lost, want %d; (-want +got):\n%s", lost, tt.lost, diff)
			}
		})
	}
}

func TestPlanIsTheSeeds(t *testing.T) {
	t.Parallel()
	c := Chaos{Duplicate: 0.2, Drop: 0.1, Reorder: 0.3, Max: 5 * time.Second, Burst: 7}
	first, lost := through(c, 1, 2000)
	again, _ := through(c, 1, 2000)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("the same seed gives something else (-first +again):\n%s", diff)
	}
	if other, _ := through(c, 2, 2000); cmp.Equal(first, other) {
		t.Error("another seed gives the same")
	}
	if lost < 150 || lost > 250 {
		t.Errorf("%d of 2000 are lost, want about a tenth", lost)
	}
	// What is switched on besides does not change which are lost.
	if _, alone := through(Chaos{Drop: 0.1}, 1, 2000); alone != lost {
		t.Errorf("%d are lost without the rest, %d with it", alone, lost)
	}
}
