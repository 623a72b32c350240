package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/bus/inbox"
	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/notify/outbox"
	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/trace"
)

// Parts are what a console is made of.
type Parts struct {
	Ledger      *sqlite.Ledger
	Policy      *policy.Overlay
	Host        *Host
	Addr        net.Addr                 // that the host listens to
	Unavailable map[string]error         // functions that could not be opened, and why
	Direct      func(*http.Request) bool // the host listens on loopback, and the request came straight from this machine
	Open        func(*http.Request) bool // and no token guards what can be read
}

// Undo undoes a record as [remedy.Engine.Undo] does, and keeps its trace. It has
// no event of its own.
func (h *Host) Undo(ctx context.Context, id string, by remedy.Actor, reason string) (remedy.Record, error) {
	rec, err := h.ledger.Record(ctx, id)
	if err != nil {
		return remedy.Record{}, err
	}
	inv, ok := h.invokers[rec.Function]
	if !ok {
		if err := h.broken[rec.Function]; err != nil {
			return remedy.Record{}, fmt.Errorf("function %s is not available: %w", rec.Function, err)
		}
		return remedy.Record{}, fmt.Errorf("there is no function %s in this version of ebb", rec.Function)
	}
	undo, err := h.engine.Undo(ctx, inv.Handler, id, by, reason)
	h.keep(nil, []remedy.Record{undo})
	return undo, err
}

// Replay puts a dead letter back into the inbox and removes it from the letters.
// It gives the functions that will handle it.
func (h *Host) Replay(ctx context.Context, id string) ([]string, error) {
	d, err := h.ledger.DeadLetter(ctx, id)
	if err != nil {
		return nil, err
	}
	if channel, err := outbox.Channel(d); err == nil {
		if h.outbox == nil {
			return nil, fmt.Errorf("a notification on channel %s can't be sent again: ebb serve runs without --notify", channel)
		}
		if err := h.outbox.Replay(ctx, d); err != nil {
			return nil, err
		}
		return []string{d.Function}, h.ledger.RemoveDeadLetter(ctx, id)
	}
	functions, err := FunctionsOf(h.cfg.Functions, d)
	if err != nil {
		return nil, err
	}
	if err := h.inbox.Accept(ctx, Deliveries(d, functions)...); err != nil {
		return nil, err
	}
	return functions, h.ledger.RemoveDeadLetter(ctx, id)
}

// FunctionsOf gives the names of the functions that a dead letter is for. One
// that names none is for those that its event triggers.
func FunctionsOf(functions []remedy.Function, d remedy.DeadLetter) ([]string, error) {
	var names []string
	if d.Function != "" {
		for _, f := range functions {
			if f.Name == d.Function {
				return []string{d.Function}, nil
			}
		}
		return nil, fmt.Errorf("there is no function %q in this version of ebb", d.Function)
	}
	m, err := bus.Decode(d.Payload)
	if err != nil {
		return nil, err
	}
	for _, f := range functions {
		if f.Handles(m.Event) {
			names = append(names, f.Name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no function is triggered by %s from %s", m.Event.Name, m.Event.Source)
	}
	return names, nil
}

// Deliveries gives what goes into the inbox for a dead letter. Their ids are of
// this replay, the same when it is repeated after a crash: should the delivery
// fail again before the old letter is removed, the new letter has another id.
func Deliveries(d remedy.DeadLetter, functions []string) []inbox.Delivery {
	var out []inbox.Delivery
	for _, name := range functions {
		del := inbox.NewDelivery(name, d.Source, d.Event, d.Payload)
		sum := sha256.Sum256([]byte(strings.Join([]string{del.ID, d.ID, d.At.UTC().Format(time.RFC3339Nano)}, " ")))
		del.ID, del.Carrier = hex.EncodeToString(sum[:16]), trace.Linked(d.Carrier)
		out = append(out, del)
	}
	return out
}
