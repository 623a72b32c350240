package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/functions/giteawebhook"
	"github.com/ebb-ops/ebb/functions/githubwebhook"
	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/bus/inbox"
	"github.com/ebb-ops/ebb/pkg/bus/putevents"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/webhook"
)

// routes gives the host's HTTP side for the address it listens on.
func (h *Host) routes(addr net.Addr) (http.Handler, error) {
	guard := newGuard(h.cfg.Token, addr)
	mux := http.NewServeMux()
	receive := func(forge webhook.Forge, proof webhook.HMAC) {
		mux.Handle("/webhooks/"+forge.Source, webhook.Receiver{Forge: forge, Verify: webhook.Signed(proof), Accept: h.acceptWebhook, Log: h.log})
	}
	receive(githubwebhook.Forge(), webhook.GitHub(h.cfg.Secrets...))
	receive(giteawebhook.Forge(), webhook.Gitea(h.cfg.Gitea...))
	mux.Handle("POST /events", guard.protect(http.HandlerFunc(h.postEvents)))
	mux.Handle("POST /{$}", guard.protect(&putevents.Handler{Accept: h.acceptEntries, Log: h.log}))
	mux.Handle("GET /api/records", guard.protect(http.HandlerFunc(h.getRecords)))
	mux.Handle("GET /api/records/{id}", guard.protect(http.HandlerFunc(h.getRecord)))
	if h.cfg.Metrics != nil {
		mux.Handle("GET /metrics", guard.protect(h.cfg.Metrics))
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", h.ready)
	if h.cfg.Console != nil {
		pages, err := h.cfg.Console(Parts{
			Ledger: h.ledger, Policy: h.policy, Host: h, Unavailable: h.broken, Addr: addr, Direct: guard.direct, Open: guard.open,
		})
		if err != nil {
			return nil, err
		}
		mux.Handle("/", pages)
	}
	return bounded(mux), nil
}

// acceptWebhook takes an event whose sender was proven.
func (h *Host) acceptWebhook(ctx context.Context, ev remedy.Event) error {
	entry, err := bus.Encode(ev, nil)
	if err != nil {
		return err
	}
	payload, err := entry.Envelope(ev.ID, ev.Account, ev.Region, ev.Received)
	if err != nil {
		return err
	}
	_, err = h.dispatch(ctx, bus.Message{Event: ev, Payload: payload})
	if full, ok := errors.AsType[*inbox.FullError](err); ok {
		return fmt.Errorf("%w: %w", webhook.ErrBusy, full)
	}
	return err
}

// told is what became of one event of a request.
type told struct {
	ID        string   `json:"id"`
	Functions []string `json:"functions,omitempty"` // those that will handle it
	Ignored   string   `json:"ignored,omitempty"`   // why none will
}

// postEvents takes one event, an array of them, or JSON lines: all or none.
func (h *Host) postEvents(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bus.MaxBody))
	if err != nil {
		status := http.StatusBadRequest
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			status = http.StatusRequestEntityTooLarge
		}
		refuse(w, status, fmt.Errorf("read events: %w", err))
		return
	}
	msgs, err := bus.DecodeAll(body)
	if err != nil {
		refuse(w, http.StatusBadRequest, fmt.Errorf("%w; nothing was accepted", err))
		return
	}
	ctx, span := otel.Tracer("github.com/ebb-ops/ebb/pkg/host/local").Start(
		otel.GetTextMapPropagator().Extract(r.Context(), propagation.HeaderCarrier(r.Header)), "POST /events",
		oteltrace.WithSpanKind(oteltrace.SpanKindServer), oteltrace.WithAttributes(attribute.Int("ebb.events", len(msgs))))
	defer span.End()
	names, err := h.dispatch(ctx, msgs...)
	if err != nil {
		notAccepted(w, err)
		return
	}
	out := make([]told, len(msgs))
	for i, m := range msgs {
		out[i] = told{ID: m.Event.ID, Functions: names[i]}
		switch {
		case m.ErrorCode != "":
			out[i].Ignored = "the call failed with " + m.ErrorCode + ": it changed nothing"
		case len(names[i]) == 0:
			out[i].Ignored = fmt.Sprintf("no function is triggered by %s from %s", m.Event.Name, m.Event.Source)
		}
	}
	answer(w, http.StatusAccepted, map[string][]told{"events": out})
}

func notAccepted(w http.ResponseWriter, err error) {
	if full, ok := errors.AsType[*inbox.FullError](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(full.Wait.Seconds()))))
		refuse(w, http.StatusServiceUnavailable, err)
		return
	}
	refuse(w, http.StatusInternalServerError, err)
}

// page is a page of records.
type page struct {
	Records []remedy.Record `json:"records"`
	Next    string          `json:"next,omitempty"` // the "after" of the next page
}

func (h *Host) getRecords(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	query := remedy.Query{Outcome: remedy.Outcome(q.Get("outcome")), Function: q.Get("function"), After: q.Get("after")}
	if s := q.Get("since"); s != "" {
		since, err := ParseSince(s, time.Now())
		if err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		query.Since = since
	}
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > remedy.MaxPage {
			refuse(w, http.StatusBadRequest, fmt.Errorf("limit %q: want a number from 1 to %d", s, remedy.MaxPage))
			return
		}
		query.Limit = n
	}
	recs, next, err := h.ledger.Records(r.Context(), query)
	if errors.Is(err, remedy.ErrBadCursor) {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	if err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	if recs == nil {
		recs = []remedy.Record{}
	}
	answer(w, http.StatusOK, page{recs, next})
}

func (h *Host) getRecord(w http.ResponseWriter, r *http.Request) {
	rec, err := h.ledger.Record(r.Context(), r.PathValue("id"))
	switch {
	case errors.Is(err, remedy.ErrNoRecord):
		refuse(w, http.StatusNotFound, fmt.Errorf("record %s: %w", r.PathValue("id"), err))
	case err != nil:
		refuse(w, http.StatusInternalServerError, err)
	default:
		answer(w, http.StatusOK, rec)
	}
}

// readiness is what /readyz says.
type readiness struct {
	Status      string            `json:"status"` // "ready", "draining" or "failing"
	Error       string            `json:"error,omitempty"`
	Pending     int64             `json:"pending"` // deliveries in the inbox
	Oldest      string            `json:"oldest,omitempty"`
	Unavailable map[string]string `json:"unavailable,omitempty"` // functions that could not be opened, and why
}

// ready says whether new events are taken. A function that could not be opened
// is told of, and does not make the others unready.
func (h *Host) ready(w http.ResponseWriter, r *http.Request) {
	out, status := readiness{Status: "ready"}, http.StatusOK
	stats, err := h.inbox.Stats(r.Context())
	if err == nil {
		_, _, err = h.ledger.Records(r.Context(), remedy.Query{Limit: 1})
	}
	switch {
	case err != nil:
		out.Status, out.Error, status = "failing", err.Error(), http.StatusServiceUnavailable
	case h.draining.Load():
		out.Status, status = "draining", http.StatusServiceUnavailable
	}
	out.Pending = stats.Pending
	if stats.Oldest > 0 {
		out.Oldest = stats.Oldest.Round(time.Millisecond).String()
	}
	for name, err := range h.broken {
		if out.Unavailable == nil {
			out.Unavailable = map[string]string{}
		}
		out.Unavailable[name] = err.Error()
	}
	answer(w, status, out)
}

// answer writes v as JSON. The status line is out by then, so an error can't be told.
func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v)
}

func refuse(w http.ResponseWriter, status int, err error) {
	answer(w, status, map[string]string{"error": err.Error()})
}

// acceptEntries takes PutEvents' entries: all or none. A bus takes any JSON, so
// an entry that is no event Ebb understands is accepted too, as a dead letter.
func (h *Host) acceptEntries(ctx context.Context, events []putevents.Event) error {
	var msgs []bus.Message
	for _, ev := range events {
		m, err := bus.Decode(ev.Payload)
		if err != nil {
			d := host.Delivery{Payload: ev.Payload, Carrier: ev.Carrier}
			if err := h.bury(ctx, host.DeadLetter("", d, 0, err, time.Now())); err != nil {
				return err
			}
			continue
		}
		if m.Carrier == nil {
			m.Carrier = ev.Carrier
		}
		msgs = append(msgs, m)
	}
	_, err := h.dispatch(ctx, msgs...)
	return err
}
