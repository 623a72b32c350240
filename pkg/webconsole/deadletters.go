package webconsole

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func (c *Console) deadLetters(w http.ResponseWriter, r *http.Request, v visit) {
	list, err := c.cfg.Ledger.DeadLetters(r.Context())
	if err != nil {
		c.failed(w, r, err)
		return
	}
	done, err := c.done(r)
	if err != nil {
		c.failed(w, r, err)
		return
	}
	c.render(w, r, http.StatusOK, "deadletters", shell{Title: "Dead letters", Section: "dead-letters", visit: v, Page: list, Done: done})
}

// letterData is what a dead letter's page shows.
type letterData struct {
	Letter  remedy.DeadLetter
	Payload payload
}

func (c *Console) deadLetter(w http.ResponseWriter, r *http.Request, v visit) {
	letter, err := c.cfg.Ledger.DeadLetter(r.Context(), r.PathValue("id"))
	if errors.Is(err, remedy.ErrNoDeadLetter) {
		c.problem(w, r, http.StatusNotFound, problem{
			Title: "There is no such dead letter", Text: "It may have been replayed: then its event has a record, or will have one.",
			Link: "/dead-letters", LinkText: "All dead letters",
		})
		return
	}
	if err != nil {
		c.failed(w, r, err)
		return
	}
	d := letterData{letter, shownPayload(letter.Payload, "ebb dead-letters show "+letter.ID)}
	c.render(w, r, http.StatusOK, "deadletter", shell{Title: "Dead letter", Section: "dead-letters", visit: v, Page: d})
}

func (c *Console) replay(w http.ResponseWriter, r *http.Request, v visit) {
	reason, ok := c.reason(w, r)
	if !ok {
		return
	}
	id := r.PathValue("id")
	a := remedy.Action{Kind: "replay", Subject: id, Reason: reason, What: "Try the event of dead letter " + id + " again."}
	if d, err := c.cfg.Ledger.DeadLetter(r.Context(), id); err == nil {
		a.Function = d.Function
		if d.Event != "" {
			a.What = "Try event " + d.Event + " again."
		}
	}
	c.act(w, r, v, a, "/dead-letters", func(ctx context.Context) (string, error) {
		functions, err := c.cfg.Host.Replay(ctx, id)
		if err != nil {
			return "", err
		}
		return "The event is back in the inbox, for " + strings.Join(functions, ", ") + ". What fails again becomes a dead letter again.", nil
	})
}
