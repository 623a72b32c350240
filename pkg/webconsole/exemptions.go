package webconsole

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/webconsole/signin"
)

// exemptForm is what the form for an exemption begins with.
type exemptForm struct{ Function, Resource, Back string }

// exemptionRow is an exemption in the list of them.
type exemptionRow struct {
	remedy.Exemption
	State string // "holds", "ends soon" or "over"
}

// exemptionsData is what the page of exemptions shows.
type exemptionsData struct {
	File      []exemptionRow    // of the policy file
	Operators []remedy.Override // exemptions of operators that hold
	Modes     []remedy.Override // modes that operators set and that hold
	Over      []remedy.Override // of both, the latest that no longer hold
	Holds     []sqlite.Held     // of undos, that hold
	Functions []string
	Form      exemptForm
	Soon      time.Duration
}

// mostOver is how many overrides are listed that no longer hold.
const mostOver = 20

func (c *Console) exemptions(w http.ResponseWriter, r *http.Request, v visit) {
	d, err := c.exemptionsData(r)
	if err != nil {
		c.failed(w, r, err)
		return
	}
	done, err := c.done(r)
	if err != nil {
		c.failed(w, r, err)
		return
	}
	c.render(w, r, http.StatusOK, "exemptions", shell{Title: "Exemptions", Section: "exemptions", visit: v, Page: d, Done: done})
}

func (c *Console) exemptionsData(r *http.Request) (d exemptionsData, err error) {
	now := c.cfg.Now()
	d.Soon = policy.ExpiresSoon
	d.Form = exemptForm{r.URL.Query().Get("function"), r.URL.Query().Get("resource"), "/exemptions"}
	seen := map[string]bool{}
	for _, f := range c.cfg.Functions {
		d.Functions = append(d.Functions, f.Name)
		says, _ := c.cfg.Policy.Describe(f.Name)
		for _, x := range says.Exemptions {
			if seen[x.ID] {
				continue
			}
			seen[x.ID] = true
			row := exemptionRow{x, "holds"}
			switch {
			case !now.Before(x.Expires):
				row.State = "over"
			case x.Expires.Sub(now) <= policy.ExpiresSoon:
				row.State = "ends soon"
			}
			d.File = append(d.File, row)
		}
	}
	slices.SortStableFunc(d.File, func(a, b exemptionRow) int { return a.Expires.Compare(b.Expires) })
	all, err := c.cfg.Ledger.Overrides(r.Context())
	if err != nil {
		return d, err
	}
	for _, o := range all {
		switch {
		case !o.Holds(now) && len(d.Over) < mostOver:
			d.Over = append(d.Over, o)
		case !o.Holds(now):
		case o.Exemption != nil:
			d.Operators = append(d.Operators, o)
		default:
			d.Modes = append(d.Modes, o)
		}
	}
	holds, err := c.cfg.Ledger.Holds(r.Context())
	d.Holds = slices.DeleteFunc(holds, func(h sqlite.Held) bool { return !now.Before(h.Hold.Until) })
	return d, err
}

func (c *Console) exempt(w http.ResponseWriter, r *http.Request, v visit) {
	reason, ok := c.reason(w, r)
	if !ok {
		return
	}
	name, resource := r.PostFormValue("function"), strings.TrimSpace(r.PostFormValue("resource"))
	now := c.cfg.Now().UTC()
	o := remedy.Override{
		ID: newID("exemption"), Function: name, Reason: reason, By: v.Person.Actor(), Created: now, Expires: now.Add(term(r)),
	}
	o.Exemption = &remedy.Exemption{
		ID: o.ID, Function: name, Resource: resource, Reason: reason, Owner: o.By.String(), Expires: o.Expires,
	}
	a := remedy.Action{
		Kind: "exempt", Function: name, Subject: o.ID, Reason: reason,
		What: fmt.Sprintf("Exempt %s from %s until %s.", resource, name, console.When(o.Expires)),
	}
	c.act(w, r, v, a, signin.Local(r.PostFormValue("back")), func(ctx context.Context) (string, error) {
		if err := c.override(ctx, o); err != nil {
			return "", err
		}
		return fmt.Sprintf("%s leaves %s alone until %s.", name, resource, console.When(o.Expires)), nil
	})
}

// end ends an override before its time.
func (c *Console) end(w http.ResponseWriter, r *http.Request, v visit) {
	reason, ok := c.reason(w, r)
	if !ok {
		return
	}
	id := r.PathValue("id")
	a := remedy.Action{Kind: "end", Subject: id, Reason: reason, What: "End " + id + "."}
	back := "/exemptions"
	if o, err := c.cfg.Ledger.Override(r.Context(), id); err == nil {
		a.Function = o.Function
		if o.Exemption == nil {
			back = "/functions/" + url.PathEscape(o.Function)
		}
	}
	c.act(w, r, v, a, back, func(ctx context.Context) (string, error) {
		o, err := c.cfg.Ledger.Override(ctx, id)
		if err != nil {
			return "", err
		}
		if !o.Holds(c.cfg.Now()) {
			return "", refused{fmt.Errorf("%s is over already", id)}
		}
		o.Ended = c.cfg.Now().UTC()
		if err := c.cfg.Ledger.SaveOverride(ctx, o); err != nil {
			return "", err
		}
		if err := c.reload(ctx); err != nil {
			return "", err
		}
		if o.Exemption == nil {
			return fmt.Sprintf("%s has the mode that the policy gives it.", o.Function), nil
		}
		return fmt.Sprintf("%s no longer leaves %s alone.", o.Function, o.Exemption.Resource), nil
	})
}
