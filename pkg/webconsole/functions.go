package webconsole

import (
	"context"
	"crypto/rand"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/page"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// The times that the functions' figures are of.
const (
	countedFor = 7 * 24 * time.Hour  // their counts
	firedFor   = 90 * 24 * time.Hour // when they last fired
	chartDays  = 14
)

// functionRow is a function in the list of them.
type functionRow struct {
	console.Function
	Override    *remedy.Override // of its mode; nil when there is none
	Unavailable string           // why it could not be opened
	Last        time.Time        // when its last record was received; zero when there was none
	Records     int              // of a week
	Bad         int              // of those, held or failed
	Rate        string           // records a day
	Others      []string         // modes of scopes that differ: "off in sandbox"
}

// Effective gives the mode that holds where no scope decides.
func (f functionRow) Effective() remedy.Mode {
	if f.Override != nil {
		return f.Override.Mode
	}
	return f.Mode
}

func (c *Console) rows(ctx context.Context) ([]functionRow, error) {
	now := c.cfg.Now()
	week, err := c.cfg.Ledger.Counts(ctx, now.Add(-countedFor))
	if err != nil {
		return nil, err
	}
	long, err := c.cfg.Ledger.Counts(ctx, now.Add(-firedFor))
	if err != nil {
		return nil, err
	}
	var out []functionRow
	for _, f := range c.cfg.Functions {
		says, err := c.cfg.Describe(f)
		if err != nil {
			return nil, err
		}
		row := functionRow{Function: says, Override: c.cfg.Policy.Mode(f.Name)}
		if err := c.cfg.Unavailable[f.Name]; err != nil {
			row.Unavailable = sentence(err)
		}
		for _, s := range says.Scopes {
			if s.Mode != says.Mode {
				row.Others = append(row.Others, string(s.Mode)+" in "+s.Name)
			}
		}
		for _, n := range week {
			if n.Function != f.Name {
				continue
			}
			row.Records += n.Records
			if n.Outcome == remedy.Held || n.Outcome == remedy.Failed {
				row.Bad += n.Records
			}
		}
		for _, n := range long {
			if n.Function == f.Name && n.Last.After(row.Last) {
				row.Last = n.Last
			}
		}
		row.Rate = fmt.Sprintf("%.1f", float64(row.Records)/(countedFor.Hours()/24))
		out = append(out, row)
	}
	return out, nil
}

func (c *Console) functions(w http.ResponseWriter, r *http.Request, v visit) {
	rows, err := c.rows(r.Context())
	if err != nil {
		c.failed(w, r, err)
		return
	}
	done, err := c.done(r)
	if err != nil {
		c.failed(w, r, err)
		return
	}
	c.render(w, r, http.StatusOK, "functions", shell{Title: "Functions", Section: "functions", visit: v, Page: rows, Done: done})
}

// functionData is what a function's page shows.
type functionData struct {
	functionRow
	Doc    remedy.Doc
	Chart  template.HTML
	Mine   []remedy.Override // exemptions of operators that hold
	Modes  []remedy.Mode
	Exempt exemptForm
}

// terms are how long an override can be made to hold.
var terms = []choice{{"4h", "4 hours"}, {"24h", "1 day"}, {"72h", "3 days"}, {"168h", "7 days"}, {"720h", "30 days"}}

func (c *Console) function(w http.ResponseWriter, r *http.Request, v visit) {
	name := r.PathValue("name")
	rows, err := c.rows(r.Context())
	if err != nil {
		c.failed(w, r, err)
		return
	}
	i := slices.IndexFunc(rows, func(f functionRow) bool { return f.Name == name })
	if i < 0 {
		c.problem(w, r, http.StatusNotFound, problem{
			Title: "There is no such function", Text: "This version of Ebb does not have it.", Link: "/functions", LinkText: "All functions",
		})
		return
	}
	d := functionData{
		functionRow: rows[i], Doc: c.cfg.Functions[i].Doc, Modes: []remedy.Mode{remedy.Off, remedy.Observe, remedy.Enforce},
		Exempt: exemptForm{Function: name, Back: "/functions/" + url.PathEscape(name)},
	}
	if d.Chart, err = c.chart(r.Context(), name); err != nil {
		c.failed(w, r, err)
		return
	}
	overrides, err := c.cfg.Ledger.Overrides(r.Context())
	if err != nil {
		c.failed(w, r, err)
		return
	}
	for _, o := range overrides {
		if o.Function == name && o.Exemption != nil && o.Holds(c.cfg.Now()) {
			d.Mine = append(d.Mine, o)
		}
	}
	done, err := c.done(r)
	if err != nil {
		c.failed(w, r, err)
		return
	}
	c.render(w, r, http.StatusOK, "function", shell{Title: name, Section: "functions", visit: v, Page: d, Done: done})
}

// chart shows a function's records of the last days, by outcome.
func (c *Console) chart(ctx context.Context, name string) (template.HTML, error) {
	today := c.cfg.Now().UTC().Truncate(24 * time.Hour)
	first := today.AddDate(0, 0, 1-chartDays)
	days, err := c.cfg.Ledger.Days(ctx, name, first)
	if err != nil || len(days) == 0 {
		return "", err
	}
	kinds := []remedy.Outcome{remedy.Reverted, remedy.Observed, remedy.Held, remedy.Failed, remedy.Exempt}
	chart := page.Columns{ID: "days", Title: fmt.Sprintf("Records of the last %d days", chartDays), Axis: "day"}
	for i, o := range kinds {
		chart.Kinds = append(chart.Kinds, page.Kind{Name: string(o), Color: i})
	}
	chart.Kinds = append(chart.Kinds, page.Kind{Name: "other", Color: len(kinds)})
	total := 0
	for i := range chartDays {
		date := first.AddDate(0, 0, i).Format(time.DateOnly)
		col := page.Column{Label: date, Values: make([]int64, len(chart.Kinds))}
		for _, d := range days {
			if d.Date != date {
				continue
			}
			k := slices.Index(kinds, d.Outcome)
			if k < 0 {
				k = len(kinds)
			}
			col.Values[k] += int64(d.Records)
			total += d.Records
		}
		chart.Columns = append(chart.Columns, col)
	}
	chart.Summary = fmt.Sprintf("%s received since %s.", plural(total, "record"), first.Format(time.DateOnly))
	return chart.HTML()
}

func (c *Console) setMode(w http.ResponseWriter, r *http.Request, v visit) {
	reason, ok := c.reason(w, r)
	if !ok {
		return
	}
	name, mode := r.PathValue("name"), remedy.Mode(r.PostFormValue("mode"))
	now := c.cfg.Now().UTC()
	o := remedy.Override{
		ID: newID("mode"), Function: name, Mode: mode, Reason: reason, By: v.Person.Actor(), Created: now, Expires: now.Add(term(r)),
	}
	a := remedy.Action{
		Kind: "mode", Function: name, Subject: o.ID, Reason: reason,
		What: fmt.Sprintf("Set %s to %s until %s.", name, mode, console.When(o.Expires)),
	}
	c.act(w, r, v, a, "/functions/"+url.PathEscape(name), func(ctx context.Context) (string, error) {
		if err := c.override(ctx, o); err != nil {
			return "", err
		}
		return fmt.Sprintf("%s is set to %s until %s.", name, mode, console.When(o.Expires)), nil
	})
}

// override keeps an override and lets it hold from now on.
func (c *Console) override(ctx context.Context, o remedy.Override) error {
	if err := c.cfg.Policy.Check(o); err != nil {
		return refused{err}
	}
	earlier, err := c.cfg.Ledger.Overrides(ctx)
	if err != nil {
		return err
	}
	if err := c.cfg.Ledger.SaveOverride(ctx, o); err != nil {
		return err
	}
	for _, e := range earlier {
		// A mode takes the place of the one before, which must not come back after it.
		if o.Exemption == nil && e.Exemption == nil && e.Function == o.Function && e.Holds(o.Created) {
			e.Ended = o.Created
			if err := c.cfg.Ledger.SaveOverride(ctx, e); err != nil {
				return err
			}
		}
	}
	return c.reload(ctx)
}

// reload lets the policy know of the overrides as the ledger has them.
func (c *Console) reload(ctx context.Context) error {
	all, err := c.cfg.Ledger.Overrides(ctx)
	if err != nil {
		return fmt.Errorf("it is kept, but holds only once ebb serve is started again: %w", err)
	}
	c.cfg.Policy.Set(all)
	return nil
}

func newID(kind string) string { return kind + "-" + strings.ToLower(rand.Text()[:10]) }

// term gives how long the form's override is to hold; nothing for what is no term.
func term(r *http.Request) time.Duration {
	d, err := time.ParseDuration(r.PostFormValue("for"))
	if err != nil {
		return 0
	}
	return d
}
