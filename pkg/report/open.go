package report

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Bounds of the search for what is open.
const (
	maxSeen   = 1 << 20 // resources, times the functions that watch them, that are told apart
	maxChecks = 2000    // open violations that the ledger is asked about once more
	maxOlder  = 20_000  // records from before the window that are looked at
)

// openStates finds what is open: the latest record of each function and resource
// says how things stand, as far as the ledger knows.
type openStates struct {
	out    Open
	seed   maphash.Seed
	seen   map[uint64]struct{} // hashes of the functions' resources whose latest record has come
	inside []candidate         // to be checked; at most maxChecks
	missed bool                // there was more than the bounds allow
}

// candidate is a record that leaves its resource in a bad state.
type candidate struct {
	item     Item
	ref      remedy.Ref
	received time.Time
	older    bool // from before the window
}

// first reports whether a record is the latest of its function and resource.
// Records come newest first.
func (s *openStates) first(r remedy.Record) bool {
	key := maphash.String(s.seed, r.Function+"\x00"+r.Resource.Key())
	if _, ok := s.seen[key]; ok {
		return false
	}
	if len(s.seen) < maxSeen {
		s.seen[key] = struct{}{}
	} else {
		s.missed = true
	}
	return true
}

// concerns reports whether a record says how its resource stands: one that names
// none, or that tells of an undo that failed, does not.
func concerns(r remedy.Record) bool {
	return r.Resource.ID != "" && (r.Undoes == "" || r.Outcome == remedy.Undone)
}

func (s *openStates) add(o Options, r remedy.Record) { s.take(o, r, false) }

func (s *openStates) take(o Options, r remedy.Record, older bool) {
	if !concerns(r) || !s.first(r) {
		return
	}
	if s.kind(o, r.Outcome, expiry(r)) == nil {
		return
	}
	if len(s.inside) == maxChecks {
		*s.kind(o, r.Outcome, expiry(r))++
		s.missed = true
		return
	}
	s.inside = append(s.inside, candidate{o.item(r), r.Resource, r.Times.Received, older})
}

func expiry(r remedy.Record) time.Time {
	if r.Exemption == nil {
		return time.Time{}
	}
	return r.Exemption.Expires
}

// kind gives the figure that an outcome counts for; nil for what is in order.
func (s *openStates) kind(o Options, out remedy.Outcome, expires time.Time) *int64 {
	switch out {
	case remedy.Observed:
		return &s.out.Observed
	case remedy.Held:
		return &s.out.Held
	case remedy.Failed:
		return &s.out.Failed
	case remedy.Pending:
		return &s.out.Pending
	case remedy.Undone:
		return &s.out.Undone
	case remedy.Exempt:
		switch {
		case !expires.After(o.Now):
			return &s.out.Expired
		case expires.Before(o.Now.AddDate(0, 0, ExpiryDays)):
			return &s.out.Expiring
		}
	}
	return nil
}

// older looks for what was open already when the window began, and then asks the
// ledger whether what is open has been mended since.
func (c *collector) older(ctx context.Context, src Source) error {
	m := merged{src: src}
	for _, out := range []remedy.Outcome{remedy.Observed, remedy.Held, remedy.Failed, remedy.Pending, remedy.Exempt, remedy.Undone} {
		m.lists = append(m.lists, &list{query: remedy.Query{
			Outcome: out, Since: c.o.Since.AddDate(0, 0, -OpenDays), Until: c.o.Since, Limit: pageSize,
		}})
	}
	for n := 0; ; n++ {
		r, err := m.next(ctx)
		if err != nil {
			return err
		}
		if r == nil {
			break
		}
		if n == maxOlder {
			c.open.missed = true
			break
		}
		c.open.take(c.o, *r, true)
	}
	for _, cand := range c.open.inside {
		if err := c.open.check(ctx, src, c.o, cand); err != nil {
			return err
		}
	}
	return nil
}

// check counts a candidate, unless the ledger knows of something later.
func (s *openStates) check(ctx context.Context, src Source, o Options, c candidate) error {
	known, err := src.Look(ctx, c.item.Function, c.ref, "")
	if err != nil {
		return err
	}
	if known.Baseline != nil && known.Baseline.At.After(c.received) {
		s.out.Mended++
		return nil
	}
	if c.older && known.Last != "" && known.Last != c.item.Record {
		last, err := src.Record(ctx, known.Last)
		if err != nil && !errors.Is(err, remedy.ErrNoRecord) {
			return err
		}
		if err == nil && last.Function == c.item.Function && last.Outcome == remedy.Reverted && last.Times.Received.After(c.received) {
			return nil
		}
	}
	*s.kind(o, c.item.Outcome, c.item.Expires)++
	if s.out.Items = append(s.out.Items, c.item); len(s.out.Items) > 2*MaxOpen {
		s.out.Items = pressing(s.out.Items)
	}
	return nil
}

// pressing gives the items that matter most: open before excused, then by
// severity, then the newest.
func pressing(items []Item) []Item {
	excused := func(it Item) int {
		if it.Outcome == remedy.Undone || it.Outcome == remedy.Exempt {
			return 1
		}
		return 0
	}
	order := []remedy.Severity{remedy.Critical, remedy.High, remedy.Medium, remedy.Low}
	rank := func(s remedy.Severity) int {
		if i := slices.Index(order, s); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(excused(a), excused(b)), cmp.Compare(rank(a.Severity), rank(b.Severity)), b.At.Compare(a.At), cmp.Compare(a.Record, b.Record))
	})
	return items[:min(len(items), MaxOpen)]
}

func (s *openStates) result() Open {
	out := s.out
	out.Total = out.Observed + out.Held + out.Failed + out.Pending + out.Expired
	out.Items = pressing(out.Items)
	if out.Items == nil {
		out.Items = []Item{}
	}
	out.Exact = !s.missed
	return out
}

// merged gives the records of several listings as one, newest first.
type merged struct {
	src   Source
	lists []*list
}

type list struct {
	query remedy.Query
	page  []remedy.Record
	done  bool
}

// next gives the next record, or nil at the end.
func (m *merged) next(ctx context.Context) (*remedy.Record, error) {
	var newest *list
	for _, l := range m.lists {
		for len(l.page) == 0 && !l.done {
			page, next, err := m.src.Records(ctx, l.query)
			if err != nil {
				return nil, err
			}
			l.page, l.query.After, l.done = page, next, next == ""
		}
		if len(l.page) > 0 && (newest == nil || l.page[0].Times.Received.After(newest.page[0].Times.Received)) {
			newest = l
		}
	}
	if newest == nil {
		return nil, nil
	}
	r := newest.page[0]
	newest.page = newest.page[1:]
	return &r, nil
}
