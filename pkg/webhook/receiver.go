package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// retryAfter is what a sender is told when Accept is busy, in seconds. No
// forge retries by itself; those who redeliver for it do.
const retryAfter = "10"

// Receiver is the HTTP endpoint of a GitHub  It answers
//
//   - 202 {"id": …} once Accept has taken the event
//   - 200 {"ping": …} to a ping
//   - 4xx {"error": …} to what the forge doesn't send: 405, 413, 401, 400, 415
//   - 503 with Retry-After when Accept returns [ErrBusy]
//   - 500 when it returns another error, or when no secret is set or can be read
//
// Trace headers on the request are taken up, so that Accept's context continues
// the sender's trace.
type Receiver struct {
	Forge  Forge
	Verify func(context.Context, http.Header, []byte) error // an [*Error] when the sender is to blame; see [Signed]
	Accept func(context.Context, remedy.Event) error        // nil means that the event is durable
	Now    func() time.Time                                 // nil means [time.Now]
	Log    *slog.Logger                                     // nil means [slog.Default]
}

// Signed gives a Verify that knows its secrets.
func Signed(proof HMAC) func(context.Context, http.Header, []byte) error {
	return func(_ context.Context, header http.Header, body []byte) error { return proof.Verify(header, body) }
}

// ServeHTTP answers one delivery.
func (rc Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := otel.GetTextMapPropagator().Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := otel.Tracer("github.com/ebb-ops/ebb/pkg/webhook").
		Start(ctx, "receive "+rc.Forge.Source, trace.WithSpanKind(trace.SpanKindServer))
	defer span.End()

	ev, err := rc.receive(ctx, span, w, r)
	status, answer := http.StatusAccepted, map[string]string{"id": ev.ID}
	refused, isRefused := errors.AsType[*Error](err)
	switch {
	case isRefused:
		status, answer = refused.Status(), map[string]string{"error": refused.Error()}
	case errors.Is(err, ErrPing):
		status, answer, err = http.StatusOK, map[string]string{"ping": "the webhook is set up"}, nil
	case errors.Is(err, ErrBusy):
		w.Header().Set("Retry-After", retryAfter)
		status, answer = http.StatusServiceUnavailable, map[string]string{"error": ErrBusy.Error()}
	case err != nil:
		// Our own troubles are for our own log.
		status, answer = http.StatusInternalServerError, map[string]string{"error": "the event could not be taken in"}
	}
	span.SetAttributes(attribute.Int("http.response.status_code", status))
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
		rc.log().WarnContext(ctx, "delivery refused", "source", rc.Forge.Source, "status", status,
			"delivery", r.Header.Get(rc.Forge.Headers+delivery), "event", r.Header.Get(rc.Forge.Headers+event), "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // a sender that has hung up needs no answer
}

// receive takes one delivery as far as Accept.
func (rc Receiver) receive(ctx context.Context, span trace.Span, w http.ResponseWriter, r *http.Request) (remedy.Event, error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return remedy.Event{}, Refuse(BadMethod, "a webhook is sent with POST")
	}
	received := rc.now()
	body, err := ReadBody(w, r, rc.Forge.MaxBody)
	if err != nil {
		return remedy.Event{}, err
	}
	if err := rc.Verify(ctx, r.Header, body); err != nil {
		return remedy.Event{}, err
	}
	ev, err := rc.Forge.Decode(r.Header, body, received)
	if err != nil {
		return remedy.Event{}, err
	}
	span.SetAttributes(attribute.String("ebb.event.id", ev.ID), attribute.String("ebb.event.name", ev.Name))
	if err := rc.Accept(ctx, ev); err != nil {
		return remedy.Event{}, fmt.Errorf("accept event %s: %w", ev.ID, err)
	}
	return ev, nil
}

func (rc Receiver) now() time.Time {
	if rc.Now == nil {
		return time.Now()
	}
	return rc.Now()
}

func (rc Receiver) log() *slog.Logger {
	if rc.Log == nil {
		return slog.Default()
	}
	return rc.Log
}
