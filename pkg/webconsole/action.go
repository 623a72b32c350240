package webconsole

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/ebb-ops/ebb/pkg/bus/inbox"
	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// maxReason is the most bytes of a reason: a paragraph.
const maxReason = 2000

// problem is a page that says what was wrong, and what to do.
type problem struct {
	Title, Text    string
	Link, LinkText string // where to go; may be empty
}

func (c *Console) problem(w http.ResponseWriter, r *http.Request, status int, p problem) {
	c.render(w, r, status, "problem", shell{Title: p.Title, visit: c.visitOf(r), Page: p})
}

// failed tells of an error of the console's own.
func (c *Console) failed(w http.ResponseWriter, r *http.Request, err error) {
	c.cfg.Log.ErrorContext(r.Context(), "show a page", "path", r.URL.Path, "error", err.Error())
	c.problem(w, r, http.StatusInternalServerError, problem{
		Title: "This page can't be shown", Text: sentence(err) + " Try again; if it stays so, look into the log of ebb serve.",
	})
}

func (c *Console) nowhere(w http.ResponseWriter, r *http.Request, _ visit) {
	c.problem(w, r, http.StatusNotFound, problem{
		Title: "There is no such page", Text: "The address leads nowhere. Begin with the list of records.", Link: "/", LinkText: "All records",
	})
}

// reason gives the form's reason, or tells that it is missing.
func (c *Console) reason(w http.ResponseWriter, r *http.Request) (string, bool) {
	reason := strings.TrimSpace(r.PostFormValue("reason"))
	switch {
	case reason == "":
		c.problem(w, r, http.StatusBadRequest, problem{
			Title: "The reason is missing", Text: "Nothing was done. Go back and say why, for those who read the audit trail.",
		})
	case len(reason) > maxReason:
		c.problem(w, r, http.StatusBadRequest, problem{
			Title: "The reason is too long", Text: fmt.Sprintf("Nothing was done. Go back and say it in at most %d characters.", maxReason),
		})
	default:
		return reason, true
	}
	return "", false
}

// act carries out an operator's action. It is in the audit trail before it is
// tried, so that nothing is done that nobody answers for. Then the person is
// sent to the page at back, which shows what came of it.
func (c *Console) act(w http.ResponseWriter, r *http.Request, v visit, a remedy.Action, back string, do func(context.Context) (string, error)) {
	// A browser that goes away must not leave a thing half done.
	ctx := context.WithoutCancel(r.Context())
	a.ID, a.At, a.By = strings.ToLower(rand.Text()), c.cfg.Now().UTC(), v.Person.Actor()
	if err := c.cfg.Ledger.SaveAction(ctx, a); err != nil {
		c.cfg.Log.ErrorContext(ctx, "write down an action", "error", err.Error())
		c.problem(w, r, http.StatusInternalServerError, problem{
			Title: "Nothing was done", Text: "It could not be written into the audit trail, so it was not tried. " + sentence(err),
		})
		return
	}
	result, err := do(ctx)
	a.Result = result
	if err != nil {
		a.Error = sentence(err)
	}
	c.cfg.Log.InfoContext(ctx, "operator", "action", a.ID, "kind", a.Kind, "by", a.By.ID, "subject", a.Subject, "error", a.Error)
	if saved := c.cfg.Ledger.SaveAction(ctx, a); saved != nil {
		// The trail has the action, as one that was interrupted.
		c.cfg.Log.ErrorContext(ctx, "write down what came of an action", "action", a.ID, "error", saved.Error())
	}
	if err != nil {
		title, text, status := refusal(err)
		c.problem(w, r, status, problem{Title: title, Text: strings.TrimSpace(a.Error + " " + text), Link: back, LinkText: "Back"})
		return
	}
	target, err := url.Parse(back)
	if err != nil {
		target = &url.URL{Path: "/audit"}
	}
	q := target.Query()
	q.Set("done", a.ID)
	target.RawQuery = q.Encode()
	http.Redirect(w, r, target.String(), http.StatusSeeOther) // #nosec G710 -- back is a path of ours: signin.Local saw to it
}

// refusal says what an error means for a person, and what to do about it.
func refusal(err error) (title, next string, status int) {
	var full *inbox.FullError
	switch {
	case errors.Is(err, remedy.ErrDrifted):
		return "It has changed since", "Nothing was changed. Look at the resource and decide by hand.", http.StatusConflict
	case errors.Is(err, remedy.ErrNotUndoable):
		return "There is nothing to undo", "Nothing was changed.", http.StatusConflict
	case errors.Is(err, remedy.ErrGone):
		return "The resource is gone", "There is nothing to bring back.", http.StatusConflict
	case errors.Is(err, remedy.ErrNoRecord), errors.Is(err, remedy.ErrNoDeadLetter), errors.Is(err, sqlite.ErrNoOverride):
		return "It is not there", "Somebody else may have dealt with it. Look at the list again.", http.StatusNotFound
	case errors.As(err, &full):
		return "The inbox is full", "It stays a dead letter.", http.StatusServiceUnavailable
	case errors.Is(err, errRefused):
		return "This can't be done", "Nothing was changed.", http.StatusBadRequest
	}
	return "It did not work", "Look at the record, or into the log of ebb serve, before you try again.", http.StatusBadGateway
}

// errRefused marks what a rule does not allow.
var errRefused = errors.New("refused")

// refused is an error of a rule; its text is the rule's own.
type refused struct{ error }

func (refused) Is(target error) bool { return target == errRefused }

// done gives the action that a page was come to from, if it is told of.
func (c *Console) done(r *http.Request) (*remedy.Action, error) {
	id := r.URL.Query().Get("done")
	if id == "" {
		return nil, nil
	}
	a, ok, err := c.cfg.Ledger.Action(r.Context(), id)
	if err != nil || !ok {
		return nil, err
	}
	return &a, nil
}

func (c *Console) audit(w http.ResponseWriter, r *http.Request, v visit) {
	const most = 100 // actions on a page
	list, err := c.cfg.Ledger.Actions(r.Context(), r.URL.Query().Get("after"), most+1)
	if err != nil {
		c.failed(w, r, err)
		return
	}
	next := ""
	if len(list) > most {
		list = list[:most]
		next = list[most-1].ID
	}
	c.render(w, r, http.StatusOK, "audit", shell{Title: "Audit trail", Section: "audit", visit: v, Page: struct {
		Actions []remedy.Action
		Next    string
	}{list, next}})
}
