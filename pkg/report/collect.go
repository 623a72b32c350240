package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// pageSize is how many records are asked for at once: a page of them is in memory,
// with their states.
const pageSize = 250

// ErrNoWindow means that Options do not say what time a report is about.
var ErrNoWindow = errors.New("a report needs the time that it is about: from since, before until")

// Collect reads the records of a window and gives the report. It reads the window
// once; then the open records of the [OpenDays] before it, and of each open
// violation what the ledger knows of its resource.
func Collect(ctx context.Context, src Source, o Options) (*Report, error) {
	o = o.settled()
	if o.Since.IsZero() || !o.Since.Before(o.Until) {
		return nil, ErrNoWindow
	}
	c := newCollector(o)
	if err := each(ctx, src, remedy.Query{Since: o.Since, Until: o.Until}, o.Progress, c.add); err != nil {
		return nil, fmt.Errorf("read the records: %w", err)
	}
	if err := c.older(ctx, src); err != nil {
		return nil, fmt.Errorf("look for older violations: %w", err)
	}
	letters, err := src.DeadLetters(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the dead letters: %w", err)
	}
	c.letters(letters)
	return c.result(), nil
}

// each hands every record of a query to do, newest first, a page at a time.
func each(ctx context.Context, src Source, q remedy.Query, progress func(int64, time.Time), do func(remedy.Record) error) error {
	q.Limit = pageSize
	var n int64
	for {
		page, next, err := src.Records(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range page {
			if err := do(r); err != nil {
				return err
			}
		}
		if n += int64(len(page)); progress != nil && len(page) > 0 {
			progress(n, page[len(page)-1].Times.Received)
		}
		if q.After = next; next == "" {
			return nil
		}
	}
}

// again is what is kept of a name that may come back.
type again struct {
	behind, sessions, via []string
	record                string
	last                  time.Time
}

// collector adds records up. Records come newest first.
type collector struct {
	o    Options
	out  *Report
	size time.Duration // of a bucket
	open openStates

	functions, accounts, teams, actors top[struct{}]
	exemptions, failed, messages       top[struct{}]
	resources, repeats                 top[again]

	total, delivery, own, late sketch
	lived                      map[string]*sketch // by function: a policy's worth of them
	times                      histogram
}

func newCollector(o Options) *collector {
	c := &collector{o: o, lived: map[string]*sketch{}, size: bucketSize(o.Until.Sub(o.Since))}
	c.out = &Report{
		Version: Version, Made: o.Now, Since: o.Since, Until: o.Until,
		PutBack: PutBack{TeamTag: o.TeamTag, Newest: []Item{}}, Missed: Missed{LateAfter: seconds(LateAfter)},
		Lived: Lived{Worst: []Item{}}, LeftAlone: LeftAlone{Items: []Item{}},
	}
	for at := o.Since.Truncate(c.size); at.Before(o.Until); at = at.Add(c.size) {
		c.out.Timeline = append(c.out.Timeline, Bucket{From: at})
	}
	c.open.seed, c.open.seen = maphash.MakeSeed(), map[uint64]struct{}{}
	return c
}

// bucketSize gives the width of the timeline's columns: an hour, a day, or as many
// days as it takes.
func bucketSize(window time.Duration) time.Duration {
	const day = 24 * time.Hour
	for _, size := range []time.Duration{time.Hour, day, 7 * day, 30 * day} {
		if window <= 50*time.Hour && size == time.Hour || size > time.Hour && window/size < maxBuckets {
			return size
		}
	}
	return window/maxBuckets + 1
}

// add takes one record of the window.
func (c *collector) add(r remedy.Record) error {
	c.out.Records++
	c.out.Outcomes.add(r.Outcome)
	if i := int(r.Times.Received.Sub(c.out.Timeline[0].From) / c.size); i >= 0 && i < len(c.out.Timeline) {
		c.out.Timeline[i].Outcomes.add(r.Outcome)
	}
	c.open.add(c.o, r)
	c.missed(r)
	switch r.Outcome {
	case remedy.Reverted:
		c.reverted(r)
	case remedy.Observed:
		c.out.LeftAlone.Observed++
	case remedy.Held:
		c.held(r)
	case remedy.Exempt:
		c.out.LeftAlone.Exempt++
		if r.Exemption != nil {
			c.exemptions.add(exemptionName(*r.Exemption))
		}
	case remedy.Failed:
		c.fail(r)
	}
	if list := &c.out.LeftAlone.Items; len(*list) < MaxLeft && (r.Outcome == remedy.Held || r.Outcome == remedy.Exempt || r.Outcome == remedy.Failed) {
		*list = append(*list, c.o.item(r))
	}
	return nil
}

func exemptionName(x remedy.Exemption) string {
	if strings.HasPrefix(x.ID, "undo ") {
		return "holds of undos"
	}
	return x.ID + " (owner " + x.Owner + ")"
}

func (c *collector) reverted(r remedy.Record) {
	p := &c.out.PutBack
	p.Total++
	who, _ := behind(r.Event.Actor)
	c.functions.add(r.Function)
	c.accounts.add(cmp.Or(r.Resource.Account, r.Event.Account))
	c.teams.add(r.Tags[c.o.TeamTag])
	c.actors.add(who)
	if len(p.Newest) < MaxNewest {
		p.Newest = append(p.Newest, c.o.item(r))
	}
	c.comesBack(r)
	badFor := r.Times.BadFor()
	if badFor == 0 {
		c.out.Lived.Unknown++
		return
	}
	c.total.add(badFor)
	c.times.add(badFor)
	if c.lived[r.Function] == nil {
		c.lived[r.Function] = new(sketch)
	}
	c.lived[r.Function].add(badFor)
	// The source's clock may be ahead of ours: then nothing was lost in delivery.
	delivery := min(max(r.Times.Received.Sub(r.Times.Changed), 0), badFor)
	c.delivery.add(delivery)
	c.own.add(badFor - delivery)
	worst := &c.out.Lived.Worst
	if *worst = append(*worst, c.o.item(r)); len(*worst) > 2*MaxWorst {
		*worst = longest(*worst)
	}
}

func longest(items []Item) []Item {
	slices.SortStableFunc(items, func(a, b Item) int { return cmp.Compare(b.BadFor, a.BadFor) })
	return items[:min(len(items), MaxWorst)]
}

func (c *collector) held(r remedy.Record) {
	if r.Cap == nil {
		return
	}
	if r.Cap.Kind == "fight" {
		c.out.LeftAlone.Fight++
		c.out.ComesBack.FightCap++
		c.comesBack(r)
		return
	}
	c.out.LeftAlone.Blast++
}

// comesBack counts a change that was put back, or would have been but for the fight cap.
func (c *collector) comesBack(r remedy.Record) {
	who, session := behind(r.Event.Actor)
	a := c.resources.add(r.Resource.ID)
	a.note(r)
	keep(&a.behind, who)
	a = c.repeats.add(who)
	a.note(r)
	keep(&a.sessions, session)
	keep(&a.via, r.Event.Actor.Via)
}

// note keeps the latest record of a name: the first that comes.
func (a *again) note(r remedy.Record) {
	if a.record == "" {
		a.record, a.last = r.ID, r.Times.Received
	}
}

// keep adds s to a few that are kept.
func keep(list *[]string, s string) {
	const most = 3
	if s != "" && len(*list) < most && !slices.Contains(*list, s) {
		*list = append(*list, s)
	}
}

// behind names who is behind an actor, without what changes from run to run: of a
// role's session the role. The session's name comes beside it.
func behind(a remedy.Actor) (who, session string) {
	who, session = a.String(), a.Session
	if head, rest, ok := strings.Cut(who, ":assumed-role/"); ok {
		role, name, _ := strings.Cut(rest, "/")
		who, session = head+":assumed-role/"+role, cmp.Or(session, name)
	}
	return who, session
}

func (c *collector) fail(r remedy.Record) {
	c.failed.add(r.Function)
	c.messages.add(firstLine(cmp.Or(r.Error, r.Reason)))
	tried := slices.ContainsFunc(r.Changes, func(a remedy.AppliedCall) bool { return !a.At.IsZero() || a.Error != "" })
	if tried {
		c.out.LeftAlone.Partly++
	} else {
		c.out.LeftAlone.Untouched++
	}
}

// firstLine gives the start of an error: enough to tell it from others.
func firstLine(s string) string {
	const most = 160 // characters
	s, _, _ = strings.Cut(s, "\n")
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}

func (c *collector) missed(r remedy.Record) {
	m := &c.out.Missed
	if r.Event.Source == bus.ScheduleSource {
		m.Scheduled++
	}
	if r.Attempt > 1 {
		m.Retried++
	}
	if t := r.Times; !t.Began.IsZero() && t.Began.Sub(t.Received) > LateAfter {
		m.Waited++
	}
	if t := r.Times; !t.Changed.IsZero() && !t.Received.IsZero() && r.Undoes == "" {
		late := max(t.Received.Sub(t.Changed), 0)
		c.late.add(late)
		if late > LateAfter {
			m.Late++
		}
	}
}

func (c *collector) letters(all []remedy.DeadLetter) {
	d := &c.out.Errors.DeadLetters
	d.Total, d.Items = int64(len(all)), []Letter{}
	for _, l := range all {
		if !l.At.Before(c.o.Since) && l.At.Before(c.o.Until) {
			d.InWindow++
		}
		if d.Oldest.IsZero() || l.At.Before(d.Oldest) {
			d.Oldest = l.At
		}
		if len(d.Items) < MaxLetters {
			d.Items = append(d.Items, Letter{l.ID, l.Function, l.Source, l.Event, l.Reason, l.Attempts, l.At})
		}
	}
}

func (c *collector) result() *Report {
	out := c.out
	out.Open = c.open.result()
	p := &out.PutBack
	p.Functions, p.Accounts, p.Teams, p.Actors = c.functions.result(), c.accounts.result(), c.teams.result(), c.actors.result()

	l := &out.Lived
	l.Total, l.Delivery, l.Ebb, l.Histogram = c.total.quantiles(), c.delivery.quantiles(), c.own.quantiles(), c.times.result()
	l.Worst = longest(l.Worst)
	if c.total.sum > 0 {
		l.Share = c.delivery.sum / c.total.sum
	}
	l.Functions = []FunctionLived{}
	for name, s := range c.lived {
		l.Functions = append(l.Functions, FunctionLived{name, s.quantiles()})
	}
	slices.SortFunc(l.Functions, func(a, b FunctionLived) int {
		return cmp.Or(cmp.Compare(b.Total.P95, a.Total.P95), cmp.Compare(a.Function, b.Function))
	})

	out.ComesBack.Resources, out.ComesBack.Actors = returning(&c.resources), returning(&c.repeats)
	out.ComesBack.Error = max(c.resources.over, c.repeats.over)
	out.Missed.Delivery = c.late.quantiles()
	out.LeftAlone.Exemptions = c.exemptions.result()
	out.Errors.Failed = out.Outcomes.Failed
	out.Errors.Functions, out.Errors.Messages = c.failed.result(), c.messages.result()
	out.Cost = costOf(p.Total, c.o.Minutes)
	return out
}

func returning(t *top[again]) []Again {
	out := []Again{}
	for _, c := range t.most(MaxTop, 2) {
		k := c.kept
		out = append(out, Again{c.name, c.count, k.behind, k.sessions, k.via, k.record, k.last})
	}
	return out
}
