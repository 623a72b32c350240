package webconsole

import (
	"context"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"time"

	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/page"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// neighbours is how many other records of the same resource a record's page lists.
const neighbours = 10

// recordData is what a record's page shows.
type recordData struct {
	Record     remedy.Record
	Article    template.HTML
	Event      *payload      // nil when it is not kept
	EventDays  int           // for how long it is
	Hold       time.Duration // how long an undo keeps the function off the resource
	Exempt     exemptForm
	Neighbours []remedy.Record
	All        string // the address of the list of all its neighbours; empty when these are all
}

func recordLink(id string) string { return "/records/" + url.PathEscape(id) }

// find gives the record that the address names, or says that there is none.
func (c *Console) find(w http.ResponseWriter, r *http.Request) (remedy.Record, bool) {
	rec, err := c.cfg.Ledger.Record(r.Context(), r.PathValue("id"))
	switch {
	case errors.Is(err, remedy.ErrNoRecord):
		c.problem(w, r, http.StatusNotFound, problem{
			Title: "There is no such record", Text: "The address may be cut off. Search for a part of the record's id instead.", Link: "/", LinkText: "All records",
		})
	case err != nil:
		c.failed(w, r, err)
	default:
		return rec, true
	}
	return remedy.Record{}, false
}

// recordJSON gives a record in the form that docs/records.md describes.
func (c *Console) recordJSON(w http.ResponseWriter, r *http.Request, _ visit) {
	rec, ok := c.find(w, r)
	if !ok {
		return
	}
	b, err := json.MarshalIndent(rec, "", "  ")
	if err != nil {
		c.failed(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(b, '\n')) // who does not listen needs no answer
}

func (c *Console) record(w http.ResponseWriter, r *http.Request, v visit) {
	rec, ok := c.find(w, r)
	if !ok {
		return
	}
	d, err := c.recordData(r.Context(), rec)
	if err != nil {
		c.failed(w, r, err)
		return
	}
	done, err := c.done(r)
	if err != nil {
		c.failed(w, r, err)
		return
	}
	c.render(w, r, http.StatusOK, "record", shell{
		Title: string(rec.Outcome) + " " + short(rec.Resource.ID), Section: "records", visit: v, Page: d, Done: done,
	})
}

func (c *Console) recordData(ctx context.Context, rec remedy.Record) (d recordData, err error) {
	d = recordData{Record: rec, EventDays: int(sqlite.EventFor / (24 * time.Hour)), Hold: c.cfg.Policy.Decide(rec.Function, rec.Resource).UndoHold, Exempt: exemptForm{
		Function: rec.Function, Resource: rec.Resource.ID, Back: recordLink(rec.ID),
	}}
	switch event, err := c.cfg.Ledger.Event(ctx, rec.ID, c.cfg.Now()); {
	case err == nil:
		shown := shownPayload(event, "ebb show "+rec.ID+" --event")
		d.Event = &shown
	case !errors.Is(err, sqlite.ErrNoEvent):
		return d, err
	}
	traces, err := c.cfg.Traces(ctx, rec)
	if err != nil {
		return d, err
	}
	d.Article, err = page.Record(page.Detail{Record: rec, Traces: traces, Level: 1, Link: recordLink})
	if err != nil || rec.Resource.ID == "" {
		return d, err
	}
	others, next, err := c.cfg.Ledger.Search(ctx, sqlite.Search{
		Query: remedy.Query{Limit: neighbours + 1}, Resource: rec.Resource.Key(),
	})
	if err != nil {
		return d, err
	}
	for _, o := range others {
		if o.ID != rec.ID && len(d.Neighbours) < neighbours {
			d.Neighbours = append(d.Neighbours, o)
		}
	}
	if next != "" {
		d.All = filters{}.with("resource", rec.Resource.Key())
	}
	return d, nil
}

func (c *Console) undo(w http.ResponseWriter, r *http.Request, v visit) {
	reason, ok := c.reason(w, r)
	if !ok {
		return
	}
	id := r.PathValue("id")
	rec, err := c.cfg.Ledger.Record(r.Context(), id)
	if err != nil && !errors.Is(err, remedy.ErrNoRecord) {
		c.failed(w, r, err)
		return
	}
	a := remedy.Action{
		Kind: "undo", Function: rec.Function, Subject: id, Reason: reason,
		What: "Undo the remediation of " + rec.Resource.ID + ".",
	}
	c.act(w, r, v, a, recordLink(id), func(ctx context.Context) (string, error) {
		undo, err := c.cfg.Host.Undo(ctx, id, v.Person.Actor(), reason)
		if err != nil {
			return "", err
		}
		return undo.Reason + " It is record " + undo.ID + ".", nil
	})
}
