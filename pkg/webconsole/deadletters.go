package webconsole

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/ebb-ops/ebb/pkg/console"
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
	Payload []string // line by line
	More    int      // bytes that are not shown
}

// maxPayload is the most bytes of a payload that a page shows.
const maxPayload = 64 << 10

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
	d := letterData{Letter: letter}
	shown := letter.Payload
	var indented bytes.Buffer
	if json.Indent(&indented, shown, "", "  ") == nil {
		shown = indented.Bytes()
	}
	if len(shown) > maxPayload {
		d.More, shown = len(shown)-maxPayload, shown[:maxPayload]
	}
	for line := range strings.SplitSeq(string(shown), "\n") {
		d.Payload = append(d.Payload, console.Clean(line))
	}
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
