package report

import (
	"fmt"
	"math"
	"time"
)

// The sketch's buckets grow by this factor from a millisecond on, so that a value
// in the middle of one is off by at most QuantileError.
const (
	QuantileError = 0.01
	growth        = (1 + QuantileError) / (1 - QuantileError)
	// maxSketch buckets reach from a millisecond to more than 10 years.
	maxSketch = 1340
)

// sketch gives quantiles of durations in fixed memory: a histogram whose buckets
// are as wide, by their value, as the error that is allowed.
type sketch struct {
	counts [maxSketch]int64
	n      int64
	sum    float64 // seconds
	worst  time.Duration
}

func (s *sketch) add(d time.Duration) {
	i := 0
	if ms := float64(d) / float64(time.Millisecond); ms > 1 {
		i = min(int(math.Ceil(math.Log(ms)/math.Log(growth))), maxSketch-1)
	}
	s.counts[i]++
	s.n++
	s.sum += d.Seconds()
	s.worst = max(s.worst, d)
}

// at gives the smallest duration that a share q of all does not exceed.
func (s *sketch) at(q float64) time.Duration {
	rank := int64(math.Ceil(q * float64(s.n)))
	for i, n := range s.counts {
		if rank -= n; rank <= 0 {
			ms := 1.0
			if i > 0 {
				ms = 2 * math.Pow(growth, float64(i)) / (growth + 1)
			}
			return min(time.Duration(ms*float64(time.Millisecond)), s.worst)
		}
	}
	return s.worst
}

func (s *sketch) quantiles() Quantiles {
	if s.n == 0 {
		return Quantiles{Error: QuantileError}
	}
	return Quantiles{Count: s.n, P50: seconds(s.at(0.50)), P95: seconds(s.at(0.95)), Worst: seconds(s.worst), Error: QuantileError}
}

// ranges are the ends of the histogram's ranges.
func ranges() []time.Duration {
	return []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute,
		5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour,
	}
}

// histogram counts durations by range.
type histogram struct{ counts [12]int64 }

func (h *histogram) add(d time.Duration) {
	for i, end := range ranges() {
		if d <= end {
			h.counts[i]++
			return
		}
	}
	h.counts[len(h.counts)-1]++
}

func (h *histogram) result() (out []Range) {
	words := func(d time.Duration) string {
		switch {
		case d < time.Minute:
			return fmt.Sprintf("%d s", int(d.Seconds()))
		case d < time.Hour:
			return fmt.Sprintf("%d min", int(d.Minutes()))
		}
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	ends := ranges()
	for i, end := range ends {
		out = append(out, Range{seconds(end), "up to " + words(end), h.counts[i]})
	}
	return append(out, Range{0, "longer than " + words(ends[len(ends)-1]), h.counts[len(ends)]})
}
