package trail

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Chaos is what happens to events on their way. A share is from 0 to 1.
type Chaos struct {
	Duplicate float64       // share of events that come twice
	Drop      float64       // share that never comes
	Reorder   float64       // share that comes after the one behind it
	Min, Max  time.Duration // how late an event comes: between these, each as likely
	Burst     int           // events come together, this many at once
}

// maxBurst bounds how many events are held back.
const maxBurst = 10_000

// ParseChaos reads "duplicate=0.2,delay=0-5s,drop=0.1,reorder=0.1,burst=20", any
// part of it, in any order; "" is no chaos. delay is a range or one time.
func ParseChaos(s string) (c Chaos, err error) {
	if s == "" {
		return c, nil
	}
	for part := range strings.SplitSeq(s, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "duplicate":
			c.Duplicate, err = share(value)
		case "drop":
			c.Drop, err = share(value)
		case "reorder":
			c.Reorder, err = share(value)
		case "delay":
			c.Min, c.Max, err = times(value)
		case "burst":
			if c.Burst, err = strconv.Atoi(value); err != nil || c.Burst < 1 || c.Burst > maxBurst {
				err = fmt.Errorf("%q is not a number from 1 to %d", value, maxBurst)
			}
		default:
			return Chaos{}, fmt.Errorf("chaos: %q is none of duplicate, delay, drop, reorder and burst", name)
		}
		if err != nil {
			return Chaos{}, fmt.Errorf("chaos: %s: %w", name, err)
		}
	}
	return c, nil
}

func share(s string) (float64, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0 && f <= 1) {
		return 0, fmt.Errorf("%q is not a share from 0 to 1", s)
	}
	return f, nil
}

// times reads "0-5s", "100ms-2s" or "3s".
func times(s string) (from, to time.Duration, err error) {
	first, second, ranged := strings.Cut(s, "-")
	if from, err = time.ParseDuration(first); err == nil && ranged {
		to, err = time.ParseDuration(second)
	} else {
		to = from
	}
	if err != nil || from < 0 || to < from {
		return 0, 0, fmt.Errorf("%q is no time and no range of times: write 3s or 0-5s", s)
	}
	return from, to, nil
}

// delivery is an event and how long after now it is due.
type delivery struct {
	event []byte
	after time.Duration
}

// plan decides what becomes of events, one after the other. The same chaos,
// seed and number of events give the same decisions.
type plan struct {
	chaos  Chaos
	rand   *rand.Rand
	behind []delivery // waits for the next event
	burst  []delivery // waits until there are enough
}

func newPlan(c Chaos, r *rand.Rand) *plan { return &plan{chaos: c, rand: r} }

// take gives what is due because of an event, and whether that event is lost.
func (p *plan) take(event []byte) (due []delivery, lost bool) {
	// Each decision draws its number whatever the others say: so switching one
	// part on does not change the rest.
	drop, twice, reorder := p.rand.Float64(), p.rand.Float64(), p.rand.Float64()
	first, second := p.delay(), p.delay()
	held := p.behind
	p.behind = nil
	if drop < p.chaos.Drop {
		return p.together(held), true
	}
	mine := []delivery{{event, first}}
	if twice < p.chaos.Duplicate {
		mine = append(mine, delivery{event, second})
	}
	if reorder < p.chaos.Reorder {
		p.behind = mine
		return p.together(held), false
	}
	return p.together(append(mine, held...)), false
}

// rest gives what is held back: nothing more may come for a while.
func (p *plan) rest() []delivery {
	due := slices.Concat(p.burst, p.behind)
	p.burst, p.behind = nil, nil
	return due
}

func (p *plan) together(due []delivery) []delivery {
	if p.chaos.Burst < 2 {
		return due
	}
	p.burst = append(p.burst, due...)
	if len(p.burst) < p.chaos.Burst {
		return nil
	}
	due, p.burst = p.burst, nil
	return due
}

func (p *plan) delay() time.Duration {
	return p.chaos.Min + time.Duration(p.rand.Float64()*float64(p.chaos.Max-p.chaos.Min))
}
