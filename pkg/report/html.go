package report

import (
	"context"
	_ "embed" // the template
	"errors"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/page"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/waterfall"
)

//go:embed report.html.tmpl
var htmlTemplate string

// Details is where [WriteHTML] gets the records that it shows in full.
type Details struct {
	Record func(ctx context.Context, id string) (remedy.Record, error)
	// Traces gives a record's traces; nil draws them from the record's own times.
	Traces func(context.Context, remedy.Record) ([]waterfall.Trace, error)
}

// OwnTraces draws a record's trace from its own times.
func OwnTraces(_ context.Context, rec remedy.Record) ([]waterfall.Trace, error) {
	return []waterfall.Trace{{Title: strings.TrimSpace("Trace " + rec.TraceID), Spans: waterfall.OfRecord(rec), Note: "Drawn from the record's own times."}}, nil
}

// WriteHTML writes the report as one file that needs no other: with every record
// that it lists in full, one in memory at a time. A record that is gone from the
// ledger meanwhile is said to be.
func WriteHTML(ctx context.Context, w io.Writer, r *Report, d Details) error {
	if d.Traces == nil {
		d.Traces = OwnTraces
	}
	t, err := template.New("report").Funcs(page.Funcs()).Funcs(template.FuncMap{"seconds": lasting, "anchor": page.Anchor}).Parse(htmlTemplate)
	if err != nil {
		return fmt.Errorf("parse the report's template: %w", err)
	}
	ids := r.Detailed()
	v, err := viewOf(r, len(ids))
	if err != nil {
		return err
	}
	if err := t.ExecuteTemplate(w, "head", v); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	shown := map[string]bool{}
	for _, id := range ids {
		shown[id] = true
	}
	link := func(id string) string {
		if shown[id] {
			return "#" + page.Anchor(id)
		}
		return ""
	}
	for _, id := range ids {
		article, err := d.article(ctx, id, link)
		if err == nil {
			_, err = io.WriteString(w, string(article)+"\n")
		}
		if err != nil {
			return fmt.Errorf("write record %s: %w", id, err)
		}
	}
	if err := t.ExecuteTemplate(w, "foot", v); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func (d Details) article(ctx context.Context, id string, link func(string) string) (template.HTML, error) {
	rec, err := d.Record(ctx, id)
	if errors.Is(err, remedy.ErrNoRecord) {
		rec, err = remedy.Record{ID: id, Reason: "The ledger does not have this record any more."}, nil
	}
	if err != nil {
		return "", err
	}
	traces, err := d.Traces(ctx, rec)
	if err != nil {
		return "", err
	}
	return page.Record(page.Detail{Record: rec, Traces: traces, Level: 3, Link: link})
}

// view is what the template shows.
type view struct {
	*Report
	Policy                                            string
	Style                                             template.HTML
	Details                                           int
	Timeline, Histogram                               template.HTML
	Functions, Accounts, Teams, Actors, FunctionsLive template.HTML
	Exemptions, Failing, Messages                     template.HTML
	OpenList, NewestList, WorstList, LeftList         itemsView
	OpenLimits                                        string
}

type itemsView struct {
	Title   string
	Items   []Item
	Reason  bool // show why
	BadFor  bool // show how long
	Expires bool // show when the exemption ends
}

func viewOf(r *Report, details int) (v view, err error) {
	v = view{Report: r, Policy: page.Policy(), Style: page.Style(), Details: details, OpenLimits: OpenLimits}
	v.OpenList = itemsView{Title: fmt.Sprintf("Open and excused, the most severe first (at most %d)", MaxOpen), Items: r.Open.Items, Reason: true, Expires: true}
	v.NewestList = itemsView{Title: fmt.Sprintf("Newest reverts (at most %d)", MaxNewest), Items: r.PutBack.Newest, BadFor: true}
	v.WorstList = itemsView{Title: "Lived longest", Items: r.Lived.Worst, BadFor: true}
	v.LeftList = itemsView{Title: fmt.Sprintf("Newest that were held, exempt or failed (at most %d)", MaxLeft), Items: r.LeftAlone.Items, Reason: true, Expires: true}
	if v.Timeline, err = timeline(r).HTML(); err != nil {
		return v, err
	}
	if v.Histogram, err = histogramOf(r.Lived).HTML(); err != nil {
		return v, err
	}
	for _, b := range []struct {
		to   *template.HTML
		bars page.Bars
	}{
		{&v.Functions, bars("By function", "function", "put back", "none", r.PutBack.Functions)},
		{&v.Accounts, bars("By account", "account", "put back", "unknown", r.PutBack.Accounts)},
		{&v.Teams, bars("By team, as the tag "+r.PutBack.TeamTag+" says", "team", "put back", "no such tag", r.PutBack.Teams)},
		{&v.Actors, bars("By who made the change", "actor", "put back", "unknown", r.PutBack.Actors)},
		{&v.FunctionsLive, lived(r.Lived.Functions)},
		{&v.Exemptions, bars("By exemption", "exemption", "records", "none", r.LeftAlone.Exemptions)},
		{&v.Failing, bars("Failed, by function", "function", "failed", "none", r.Errors.Functions)},
		{&v.Messages, bars("Failed, by error", "error", "failed", "none", r.Errors.Messages)},
	} {
		if len(b.bars.Rows) == 0 {
			continue
		}
		if *b.to, err = b.bars.HTML(); err != nil {
			return v, err
		}
	}
	return v, nil
}

func bars(title, name, value, none string, t Top) page.Bars {
	b := page.Bars{Title: title, Name: name, Value: value, Note: t.note()}
	for _, it := range t.Items {
		b.Rows = append(b.Rows, page.Bar{Label: named(it.Name, none), Value: it.Count})
	}
	return b
}

// note says what a list leaves out and how exact it is; "" when there is nothing to say.
func (t Top) note() (s string) {
	if t.Others > 0 {
		s = fmt.Sprintf("All others together: %s.", page.Count(t.Others))
	}
	if t.Error > 0 {
		s += fmt.Sprintf(" There are more names than the report tells apart, so each figure may be too high by up to %s.", page.Count(t.Error))
	}
	return strings.TrimSpace(s)
}

func lived(fs []FunctionLived) page.Bars {
	b := page.Bars{Title: "95 % lived up to, by function", Name: "function", Value: "95 % up to"}
	for _, f := range fs[:min(len(fs), MaxTop)] {
		b.Rows = append(b.Rows, page.Bar{
			Label: f.Function, Value: int64(f.Total.P95 * 1000), Text: lasting(f.Total.P95),
			Note: fmt.Sprintf("half up to %s, worst %s, of %s", lasting(f.Total.P50), lasting(f.Total.Worst), page.Count(f.Total.Count)),
		})
	}
	return b
}

func timeline(r *Report) page.Columns {
	layout, axis := time.DateOnly, "from"
	if len(r.Timeline) > 1 && r.Timeline[1].From.Sub(r.Timeline[0].From) < 24*time.Hour {
		layout = "2006-01-02 15:04"
	}
	c := page.Columns{
		ID: "timeline", Title: "Records over time", Axis: axis,
		Kinds: []page.Kind{{Name: "put back", Color: 0}, {Name: "observed", Color: 1}, {Name: "held", Color: 2}, {Name: "failed", Color: 3}, {Name: "exempt", Color: 4}, {Name: "other", Color: 5}},
	}
	var most int64
	var when string
	for _, b := range r.Timeline {
		o := b.Outcomes
		label := b.From.UTC().Format(layout)
		values := []int64{o.Reverted, o.Observed, o.Held, o.Failed, o.Exempt, o.Undone + o.Pending + o.Other}
		c.Columns = append(c.Columns, page.Column{Label: label, Values: values})
		var sum int64
		for _, n := range values {
			sum += n
		}
		if sum > most {
			most, when = sum, label
		}
	}
	c.Summary = "There is no record in this time."
	if most > 0 {
		c.Summary = fmt.Sprintf("%s in all; the most in one column are %s, from %s (UTC).", number(r.Records, "record"), page.Count(most), when)
	}
	return c
}

func histogramOf(l Lived) page.Columns {
	c := page.Columns{
		ID: "lived-histogram", Title: "How long bad states lived", Axis: "lived", Kinds: []page.Kind{{Name: "bad states", Color: 1}},
		Summary: l.Sentence(),
	}
	for _, r := range l.Histogram {
		c.Columns = append(c.Columns, page.Column{Label: r.Label, Values: []int64{r.Count}})
	}
	return c
}

// Short gives the reason, cut to what a table bears.
func (it Item) Short() string {
	const most = 240 // characters
	if runes := []rune(it.Reason); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return it.Reason
}

// Where gives a resource's account and region in a line.
func (it Item) Where() string {
	return strings.TrimSpace(it.Account + " " + it.Region)
}

// Who says who is behind it, and through what.
func (a Again) Who() string {
	var parts []string
	for _, p := range []struct {
		name   string
		values []string
	}{{"by", a.Behind}, {"sessions", a.Sessions}, {"via", a.Via}} {
		if len(p.values) > 0 {
			parts = append(parts, p.name+" "+strings.Join(p.values, ", "))
		}
	}
	return console.Clean(strings.Join(parts, "; "))
}
