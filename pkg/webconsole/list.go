package webconsole

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/ebb-ops/ebb/pkg/host/local"
	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// pageSize is how many records a page of the list shows.
const pageSize = 50

// outcomes are those that the list can be narrowed to: what the ledger keeps.
var outcomes = []remedy.Outcome{
	remedy.Reverted, remedy.Observed, remedy.Held, remedy.Failed, remedy.Exempt, remedy.Undone, remedy.Pending,
}

// filters are what the address of a list says.
type filters struct {
	Text, Outcome, Function, Account, Actor, Resource, Since, Until, After string
}

func filtersOf(q url.Values) filters {
	return filters{
		Text: q.Get("q"), Outcome: q.Get("outcome"), Function: q.Get("function"), Account: q.Get("account"), Actor: q.Get("actor"),
		Resource: q.Get("resource"), Since: q.Get("since"), Until: q.Get("until"), After: q.Get("after"),
	}
}

// with gives the list's address with one filter changed, from its newest record.
func (f filters) with(name, value string) string {
	q := f.values()
	q.Del("after")
	q.Set(name, value)
	if value == "" {
		q.Del(name)
	}
	return address(q)
}

func (f filters) values() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"q": f.Text, "outcome": f.Outcome, "function": f.Function, "account": f.Account, "actor": f.Actor,
		"resource": f.Resource, "since": f.Since, "until": f.Until, "after": f.After,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

func address(q url.Values) string {
	if len(q) == 0 {
		return "/"
	}
	return "/?" + q.Encode()
}

// search gives what the ledger is asked for.
func (f filters) search(now time.Time) (s sqlite.Search, err error) {
	s = sqlite.Search{
		Query: remedy.Query{Outcome: remedy.Outcome(f.Outcome), Function: f.Function, Limit: pageSize, After: f.After},
		Text:  f.Text, Account: f.Account, Actor: f.Actor, Resource: f.Resource,
	}
	if f.Since != "" {
		if s.Since, err = local.ParseSince(f.Since, now); err != nil {
			return s, err
		}
	}
	if f.Until != "" {
		if s.Until, err = local.ParseSince(f.Until, now); err != nil {
			return s, err
		}
		if len(f.Until) == len(time.DateOnly) {
			s.Until = s.Until.AddDate(0, 0, 1) // a day is meant whole
		}
	}
	return s, nil
}

// chip is a filter that holds, and the address without it.
type chip struct{ Name, Value, Without string }

func (f filters) chips() (out []chip) {
	for _, c := range []struct{ name, label, value string }{
		{"q", "text", f.Text}, {"account", "account", f.Account}, {"actor", "actor", f.Actor},
		{"resource", "resource", f.Resource}, {"until", "until", f.Until},
	} {
		if c.value != "" {
			out = append(out, chip{c.label, c.value, f.with(c.name, "")})
		}
	}
	return out
}

// tab is an outcome that the list can be narrowed to.
type tab struct {
	Name, Link string
	Count      int64 // -1 when it was not counted
	Current    bool
}

// listData is what the list shows.
type listData struct {
	filters
	Tabs      []tab
	Chips     []chip
	Functions []string
	Sinces    []choice
	Records   []remedy.Record
	Newest    string // the address of the first page; empty on it
	Older     string // the address of the next page; empty on the last
	Now       time.Time
	Note      string // what an outcome means, for those where a person must act
	Tag       string // tells what is shown from what is shown later
}

type choice struct{ Value, Name string }

// sinces are the spans of time that a list offers.
var sinces = []choice{{"", "any time"}, {"1h", "last hour"}, {"24h", "last 24 hours"}, {"7d", "last 7 days"}, {"30d", "last 30 days"}}

// notes say what to do about records of an outcome.
var notes = map[remedy.Outcome]string{
	remedy.Held:     "A cap was reached, so nothing was changed and a person must decide. Find out why one thing is changed again and again, or why so many are. Then raise the cap in the policy or exempt the resource, and send the event again.",
	remedy.Failed:   "These could not be put back. What a retry can mend is tried again by itself; what none can mend is a dead letter too.",
	remedy.Observed: "The function observes: the calls it would make are in the record, and none was made. Its page says how to let it act.",
	remedy.Pending:  "The work has begun, or its process was interrupted. The next event of the resource closes it, and so does starting ebb serve again.",
}

func (c *Console) list(w http.ResponseWriter, r *http.Request, v visit) {
	f := filtersOf(r.URL.Query())
	now := c.cfg.Now()
	s, err := f.search(now)
	if err != nil {
		c.problem(w, r, http.StatusBadRequest, problem{Title: "This time can't be understood", Text: sentence(err), Link: f.with("since", ""), LinkText: "Records of any time"})
		return
	}
	d := listData{filters: f, Chips: f.chips(), Sinces: sinces, Now: now, Note: notes[remedy.Outcome(f.Outcome)]}
	var next string
	d.Records, next, err = c.cfg.Ledger.Search(r.Context(), s)
	switch {
	case errors.Is(err, remedy.ErrBadCursor):
		c.problem(w, r, http.StatusBadRequest, problem{Title: "This is no page of the list", Text: "The address is cut off or changed. Begin with the newest records.", Link: f.with("after", ""), LinkText: "Newest records"})
		return
	case err != nil:
		c.failed(w, r, err)
		return
	}
	if next != "" {
		q := f.values()
		q.Set("after", next)
		d.Older = address(q)
	}
	if f.After != "" {
		d.Newest = f.with("after", "")
	}
	for _, fn := range c.cfg.Functions {
		d.Functions = append(d.Functions, fn.Name)
	}
	if d.Tabs, err = c.tabs(r, f, s); err != nil {
		c.failed(w, r, err)
		return
	}
	d.Tag = d.tag()
	if r.Header.Get("Ebb-Live") != "" {
		c.live(w, r, d)
		return
	}
	done, err := c.done(r)
	if err != nil {
		c.failed(w, r, err)
		return
	}
	c.render(w, r, http.StatusOK, "list", shell{Title: "Records", Section: section(f), visit: v, Page: d, Done: done})
}

// section gives the entry of the navigation that a list is under.
func section(f filters) string {
	if f.Outcome == string(remedy.Held) {
		return "held"
	}
	return "records"
}

// tabs counts the outcomes where an index can: with no filter but function and time.
func (c *Console) tabs(r *http.Request, f filters, s sqlite.Search) ([]tab, error) {
	counted := len(f.chips()) == 0
	counts := map[remedy.Outcome]int64{}
	var all int64
	if counted {
		list, err := c.counts.of(f.Since, c.cfg.Now, func() ([]sqlite.Count, error) { return c.cfg.Ledger.Counts(r.Context(), s.Since) })
		if err != nil {
			return nil, err
		}
		for _, n := range list {
			if f.Function == "" || f.Function == n.Function {
				counts[n.Outcome] += int64(n.Records)
				all += int64(n.Records)
			}
		}
	}
	tabs := []tab{{"all", f.with("outcome", ""), all, f.Outcome == ""}}
	for _, o := range outcomes {
		tabs = append(tabs, tab{string(o), f.with("outcome", string(o)), counts[o], f.Outcome == string(o)})
	}
	if !counted {
		for i := range tabs {
			tabs[i].Count = -1
		}
	}
	return tabs, nil
}

// counts are the latest counts by span of time. What takes long to count, in a
// ledger of millions, is counted seldom: for a twentieth of the time at the most.
type counts struct {
	mu    sync.Mutex
	spans map[string]counted
}

type counted struct {
	list  []sqlite.Count
	until time.Time // for how long it is new enough
}

// maxSpans is how many spans are remembered.
const maxSpans = 32

func (c *counts) of(span string, now func() time.Time, count func() ([]sqlite.Count, error)) ([]sqlite.Count, error) {
	c.mu.Lock()
	known, ok := c.spans[span]
	c.mu.Unlock()
	began := now()
	if ok && began.Before(known.until) {
		return known.list, nil
	}
	list, err := count()
	if err != nil {
		return nil, err
	}
	const share = 20
	done := now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.spans == nil || len(c.spans) >= maxSpans {
		c.spans = map[string]counted{}
	}
	c.spans[span] = counted{list, done.Add(share * done.Sub(began))}
	return list, nil
}

// live answers the page's script with the part that changes, or with nothing
// when that has not.
func (c *Console) live(w http.ResponseWriter, r *http.Request, d listData) {
	w.Header().Set("ETag", `"`+d.Tag+`"`)
	if r.Header.Get("If-None-Match") == `"`+d.Tag+`"` {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	c.execute(w, r, http.StatusOK, "list", "rows", d)
}

// tag is the same as long as the rows look the same. That is a minute at the
// most: they say how long ago things were.
func (d listData) tag() string {
	h := sha256.New()
	put := func(s string) { _, _ = h.Write([]byte(s + "\x00")) } // a hash takes all
	put(d.Now.Truncate(time.Minute).String())
	for _, rec := range d.Records {
		put(rec.ID + string(rec.Outcome) + rec.UndoneBy + rec.Times.Recorded.String())
	}
	for _, t := range d.Tabs {
		put(strconv.FormatInt(t.Count, 10))
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}
