// Package report tells what Ebb did over a time: whether all is well now, what
// was put back, how long bad states lived, what keeps coming back, what was left
// alone and why, and what it cost and saved.
//
// [Collect] reads a ledger once, newest records first, in bounded memory; the
// renderers write what it found. Every figure is explained in docs/reports.md.
package report

import (
	"context"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Version is the version of the report's JSON form. Members may be added within a
// version; none changes its meaning or goes.
const Version = 1

// Source is what a report needs of a [remedy.Ledger].
type Source interface {
	Records(context.Context, remedy.Query) (page []remedy.Record, next string, err error)
	Record(ctx context.Context, id string) (remedy.Record, error)
	Look(ctx context.Context, function string, r remedy.Ref, recordID string) (remedy.Known, error)
	DeadLetters(context.Context) ([]remedy.DeadLetter, error)
}

// Options say what a report is about. Since and Until are required.
type Options struct {
	Since, Until time.Time // records received at or after Since, and before Until
	Now          time.Time // what "now" means: what has expired, what soon will; zero means Until
	TeamTag      string    // the key of the tag that names a resource's team; empty means [DefaultTeamTag]
	Minutes      float64   // of human work that one revert saves; 0 means [DefaultMinutes]
	// Progress is told of the records that were read so far and how far back the
	// last of them lies, once a page; nil means nobody is.
	Progress func(records int64, at time.Time)
}

// What holds where [Options] say nothing.
const (
	DefaultTeamTag = "team"
	DefaultMinutes = 15
)

func (o Options) settled() Options {
	if o.Now.IsZero() {
		o.Now = o.Until
	}
	if o.TeamTag == "" {
		o.TeamTag = DefaultTeamTag
	}
	if o.Minutes == 0 {
		o.Minutes = DefaultMinutes
	}
	return o
}

// Bounds of a report. What is left out is counted.
const (
	MaxOpen    = 50  // open violations that are listed
	MaxLeft    = 20  // records that are listed as left alone
	MaxNewest  = 30  // newest reverts that are listed
	MaxWorst   = 10  // bad states that lived longest
	MaxTop     = 10  // lines of each list of the most frequent
	MaxLetters = 20  // dead letters that are listed
	OpenDays   = 90  // how many days before Since open violations are looked for
	ExpiryDays = 14  // an exemption that expires within them is about to expire
	maxBuckets = 130 // columns of the chart over time
)

// Report is what [Collect] found. Its JSON form is described by schema/report.schema.json.
type Report struct {
	Version   int       `json:"version"`
	Made      time.Time `json:"made"`
	Since     time.Time `json:"since"`
	Until     time.Time `json:"until"`
	Records   int64     `json:"records"` // kept in the window
	Outcomes  Outcomes  `json:"outcomes"`
	Timeline  []Bucket  `json:"timeline"`
	Open      Open      `json:"open"`
	PutBack   PutBack   `json:"put_back"`
	Lived     Lived     `json:"lived"`
	ComesBack ComesBack `json:"comes_back"`
	Missed    Missed    `json:"missed"`
	LeftAlone LeftAlone `json:"left_alone"`
	Errors    Errors    `json:"errors"`
	Cost      Cost      `json:"cost"`
}

// Outcomes counts records by how they ended.
type Outcomes struct {
	Reverted int64 `json:"reverted"`
	Observed int64 `json:"observed"`
	Held     int64 `json:"held"`
	Exempt   int64 `json:"exempt"`
	Failed   int64 `json:"failed"`
	Undone   int64 `json:"undone"`
	Pending  int64 `json:"pending"`
	Other    int64 `json:"other"` // compliant or gone after an earlier attempt had begun
}

func (o *Outcomes) add(out remedy.Outcome) {
	switch out {
	case remedy.Reverted:
		o.Reverted++
	case remedy.Observed:
		o.Observed++
	case remedy.Held:
		o.Held++
	case remedy.Exempt:
		o.Exempt++
	case remedy.Failed:
		o.Failed++
	case remedy.Undone:
		o.Undone++
	case remedy.Pending:
		o.Pending++
	default:
		o.Other++
	}
}

// Bucket is one column of the timeline.
type Bucket struct {
	From     time.Time `json:"from"`
	Outcomes Outcomes  `json:"outcomes"`
}

// Item is a record in a line.
type Item struct {
	Record   string          `json:"record"`
	Function string          `json:"function"`
	Severity remedy.Severity `json:"severity,omitempty"`
	Outcome  remedy.Outcome  `json:"outcome"`
	Resource string          `json:"resource"`
	Account  string          `json:"account,omitempty"`
	Region   string          `json:"region,omitempty"`
	Team     string          `json:"team,omitempty"`
	Actor    string          `json:"actor"`
	Reason   string          `json:"reason"`
	At       time.Time       `json:"at"` // when the change was made; when Ebb received it, if that is not known
	BadFor   Seconds         `json:"bad_for_s,omitempty"`
	Expires  time.Time       `json:"expires,omitzero"` // of its exemption
}

// Seconds is a duration that is written in seconds, to the millisecond.
type Seconds float64

func seconds(d time.Duration) Seconds { return Seconds(float64(d.Milliseconds()) / 1000) }

// Duration gives it as a [time.Duration].
func (s Seconds) Duration() time.Duration {
	return time.Duration(float64(s)*1000+0.5) * time.Millisecond
}

func (o Options) item(r remedy.Record) Item {
	it := Item{
		Record: r.ID, Function: r.Function, Severity: r.Severity, Outcome: r.Outcome, Resource: r.Resource.ID,
		Account: r.Resource.Account, Region: r.Resource.Region, Team: r.Tags[o.TeamTag], Actor: r.Event.Actor.String(),
		Reason: r.Reason, At: r.Times.Changed, BadFor: seconds(r.Times.BadFor()),
	}
	if it.At.IsZero() {
		it.At = r.Times.Received
	}
	if r.Exemption != nil {
		it.Expires = r.Exemption.Expires
	}
	return it
}

// Open are the violations that nobody is known to have mended.
type Open struct {
	Total    int64  `json:"total"`    // all of the below but Expiring and Undone
	Observed int64  `json:"observed"` // the function only observes
	Held     int64  `json:"held"`     // a cap was reached
	Failed   int64  `json:"failed"`   // Ebb could not put it back
	Pending  int64  `json:"pending"`  // the work was interrupted, or is going on
	Expired  int64  `json:"expired"`  // its exemption has expired, and nothing happened since
	Expiring int64  `json:"expiring"` // its exemption is about to expire
	Undone   int64  `json:"undone"`   // a person brought it back with an undo
	Mended   int64  `json:"mended"`   // were open, and a later event found the resource compliant
	Items    []Item `json:"items"`    // the most severe first, then the newest
	Exact    bool   `json:"exact"`    // false: there was more than could be looked at, the figures are upper bounds
}

// PutBack is what was put back.
type PutBack struct {
	Total     int64  `json:"total"`
	Functions Top    `json:"functions"`
	Accounts  Top    `json:"accounts"`
	Teams     Top    `json:"teams"` // by the tag TeamTag; resources without it are counted under ""
	Actors    Top    `json:"actors"`
	TeamTag   string `json:"team_tag"`
	Newest    []Item `json:"newest"`
}

// Top are the most frequent of something, the most frequent first.
type Top struct {
	Items  []Tally `json:"items"`
	Others int64   `json:"others"`          // what all that are not listed make together
	Error  int64   `json:"error,omitempty"` // each count may be too high by this much; 0 means exact
}

// Tally counts something by its name.
type Tally struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

// Lived says how long bad states lived that Ebb put back.
type Lived struct {
	Total     Quantiles       `json:"total"`    // from the change to the call that ended it
	Delivery  Quantiles       `json:"delivery"` // of that: until Ebb received the event
	Ebb       Quantiles       `json:"ebb"`      // of that: from then on
	Share     float64         `json:"delivery_share"`
	Unknown   int64           `json:"unknown"`   // put back, but when the change was made is not known
	Functions []FunctionLived `json:"functions"` // the slowest first, by p95
	Histogram []Range         `json:"histogram"`
	Worst     []Item          `json:"worst"`
}

// Quantiles sum up durations. Error is the relative error of P50 and P95; Worst is exact.
type Quantiles struct {
	Count int64   `json:"count"`
	P50   Seconds `json:"p50_s"`
	P95   Seconds `json:"p95_s"`
	Worst Seconds `json:"worst_s"`
	Error float64 `json:"error"`
}

// FunctionLived is [Lived] for one function.
type FunctionLived struct {
	Function string    `json:"function"`
	Total    Quantiles `json:"total"`
}

// Range counts the bad states that lived up to UpTo, and longer than the range before.
type Range struct {
	UpTo  Seconds `json:"up_to_s,omitempty"` // left out for the last: everything longer
	Label string  `json:"label"`
	Count int64   `json:"count"`
}

// ComesBack is what Ebb had to put back more than once.
type ComesBack struct {
	Resources []Again `json:"resources"` // put back or held by the fight cap at least twice
	Actors    []Again `json:"actors"`    // whose changes were put back at least twice
	FightCap  int64   `json:"fight_cap"` // reverts that the fight cap held back
	Error     int64   `json:"error,omitempty"`
}

// Again is a resource or an actor that comes back.
type Again struct {
	Name     string    `json:"name"` // the resource's id, or the actor: of a role's sessions the role
	Count    int64     `json:"count"`
	Behind   []string  `json:"behind,omitempty"`   // of a resource the actors, at most three, the latest first
	Sessions []string  `json:"sessions,omitempty"` // of role sessions their names, likewise
	Via      []string  `json:"via,omitempty"`      // user agents or services, likewise
	Record   string    `json:"record"`             // the latest
	Last     time.Time `json:"last"`
}

// Missed is what events told late or not at all.
type Missed struct {
	Late      int64     `json:"late"`      // received more than LateAfter after the change
	Waited    int64     `json:"waited"`    // taken up more than LateAfter after they were received: queued, retried or replayed
	Retried   int64     `json:"retried"`   // needed more than one attempt
	Scheduled int64     `json:"scheduled"` // found by what a schedule started, not by an event
	LateAfter Seconds   `json:"late_after_s"`
	Delivery  Quantiles `json:"delivery"` // of all records, not only of reverts
}

// LateAfter is how late a delivery counts as late.
const LateAfter = 15 * time.Minute

// LeftAlone is what Ebb saw and did not change.
type LeftAlone struct {
	Observed   int64  `json:"observed"` // the mode allows no more
	Blast      int64  `json:"blast_cap"`
	Fight      int64  `json:"fight_cap"`
	Exempt     int64  `json:"exempt"`
	Untouched  int64  `json:"failed_untouched"` // failed before any call: no repair is known, or the state could not be read
	Partly     int64  `json:"failed_partly"`    // failed after a call was tried
	Exemptions Top    `json:"exemptions"`
	Items      []Item `json:"items"` // held, exempt and failed, the newest first
}

// Errors is what went wrong.
type Errors struct {
	Failed      int64       `json:"failed"`
	Functions   Top         `json:"functions"`
	Messages    Top         `json:"messages"`
	DeadLetters DeadLetters `json:"dead_letters"`
}

// DeadLetters are the events that wait for a person, whenever they came in.
type DeadLetters struct {
	Total    int64     `json:"total"`
	InWindow int64     `json:"in_window"`
	Oldest   time.Time `json:"oldest,omitzero"`
	Items    []Letter  `json:"items"` // the newest first
}

// Letter is a dead letter in a line.
type Letter struct {
	ID       string    `json:"id"`
	Function string    `json:"function,omitempty"`
	Source   string    `json:"source,omitempty"`
	Event    string    `json:"event,omitempty"`
	Reason   string    `json:"reason"`
	Attempts int       `json:"attempts"`
	At       time.Time `json:"at"`
}

// Detailed gives the ids of all records that the report lists, each once, in the
// order in which they are first listed: those that a reader may want in full.
func (r *Report) Detailed() (ids []string) {
	seen := map[string]bool{}
	add := func(id string) {
		if id != "" && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	for _, list := range [][]Item{r.Open.Items, r.PutBack.Newest, r.Lived.Worst} {
		for _, it := range list {
			add(it.Record)
		}
	}
	for _, list := range [][]Again{r.ComesBack.Resources, r.ComesBack.Actors} {
		for _, a := range list {
			add(a.Record)
		}
	}
	for _, it := range r.LeftAlone.Items {
		add(it.Record)
	}
	return ids
}
