package githubwebhook_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/functions/githubwebhook"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
	"github.com/ebb-ops/ebb/pkg/webhook"
)

const secret = "s3cret of the test"

// inbox keeps what is accepted, unless it is told to fail.
type inbox struct {
	err  error
	got  []remedy.Event
	ctxs []context.Context
}

func (i *inbox) accept(ctx context.Context, ev remedy.Event) error {
	if i.err != nil {
		return i.err
	}
	i.got, i.ctxs = append(i.got, ev), append(i.ctxs, ctx)
	return nil
}

func receiver(i *inbox, log io.Writer) webhook.Receiver {
	return webhook.Receiver{
		Forge: githubwebhook.Forge(), Verify: webhook.Signed(webhook.GitHub(secret)), Accept: i.accept,
		Now: func() time.Time { return received }, Log: slog.New(slog.NewTextHandler(log, nil)),
	}
}

func delivery(t *testing.T, body []byte, event string) *http.Request {
	t.Helper()
	r, err := githubtest.Deliver("http://localhost/webhooks/github", body, event, "d-1", secret)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReceiver(t *testing.T) {
	t.Parallel()
	good := sample(t, "publicized.json")
	signed := func(body, event string) *http.Request { return delivery(t, []byte(body), event) }
	without := func(name string) *http.Request {
		r := delivery(t, good, "repository")
		r.Header.Del(name)
		return r
	}
	for _, tt := range []struct {
		name    string
		request *http.Request
		err     error // Accept's
		status  int
		body    string
		header  map[string]string
		taken   int
	}{
		{name: "accepted", request: delivery(t, good, "repository"), status: 202, body: `{"id":"d-1"}`, taken: 1},
		{name: "unknown_event_is_accepted", request: signed(`{"action":"x"}`, "brand_new"), status: 202, body: `{"id":"d-1"}`, taken: 1},
		{name: "ping", request: signed(`{"zen":"x"}`, "ping"), status: 200, body: `{"ping":"the webhook is set up"}`},
		{name: "get", request: httptest.NewRequest("GET", "/", nil), status: 405, body: `{"error":"a webhook is sent with POST"}`, header: map[string]string{"Allow": "POST"}},
		{name: "no_signature", request: without("X-Hub-Signature-256"), status: 401, body: `{"error":"header X-Hub-Signature-256 is missing: set a secret on the webhook"}`},
		{name: "unsigned_ping", request: func() *http.Request {
			r := signed(`{"zen":"x"}`, "ping")
			r.Header.Del("X-Hub-Signature-256")
			return r
		}(), status: 401, body: `{"error":"header X-Hub-Signature-256 is missing: set a secret on the webhook"}`},
		{name: "wrong_signature", request: func() *http.Request {
			r := delivery(t, good, "repository")
			r.Body = io.NopCloser(strings.NewReader("{}"))
			r.ContentLength = 2
			return r
		}(), status: 401, body: `{"error":"X-Hub-Signature-256 doesn't match the body: the sender's secret differs, or the body was changed on the way"}`},
		{name: "unsigned_nonsense_is_not_parsed", request: func() *http.Request {
			r := signed("{", "repository")
			r.Header.Del("X-Hub-Signature-256")
			return r
		}(), status: 401, body: `{"error":"header X-Hub-Signature-256 is missing: set a secret on the webhook"}`},
		{name: "signed_nonsense", request: signed("{", "repository"), status: 400, body: `{"error":"the payload is not JSON after byte 1: unexpected end of JSON input"}`},
		{name: "no_delivery_id", request: without("X-GitHub-Delivery"), status: 400, body: `{"error":"header X-GitHub-Delivery holds no delivery id"}`},
		{name: "no_content_type", request: without("Content-Type"), status: 415, body: `{"error":"header Content-Type is missing or malformed: set the webhook to application/json"}`},
		{name: "too_large", request: func() *http.Request {
			r := delivery(t, good, "repository")
			r.ContentLength = webhook.GitHubMaxBody + 1
			return r
		}(), status: 413, body: `{"error":"the body has 26214401 bytes, and at most 26214400 are read"}`},
		{name: "busy", request: delivery(t, good, "repository"), err: fmt.Errorf("inbox: %w", webhook.ErrBusy), status: 503, body: `{"error":"too many events are waiting to be handled"}`, header: map[string]string{"Retry-After": "10"}},
		{name: "accept_fails", request: delivery(t, good, "repository"), err: errors.New("disk full at /var/lib/ebb"), status: 500, body: `{"error":"the event could not be taken in"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			i, w, log := &inbox{err: tt.err}, httptest.NewRecorder(), &bytes.Buffer{}
			receiver(i, log).ServeHTTP(w, tt.request)
			if got := strings.TrimSpace(w.Body.String()); w.Code != tt.status || got != tt.body {
				t.Errorf("got %d %s, want %d %s", w.Code, got, tt.status, tt.body)
			}
			if got := w.Header().Get("Content-Type"); got != "application/json" {
				t.Errorf("got content type %q", got)
			}
			for name, want := range tt.header {
				if got := w.Header().Get(name); got != want {
					t.Errorf("got %s: %q, want %q", name, got, want)
				}
			}
			if len(i.got) != tt.taken {
				t.Errorf("%d events were accepted, want %d", len(i.got), tt.taken)
			}
			if refused := tt.status >= 400; refused != (log.Len() > 0) {
				t.Errorf("logged %q", log)
			}
			if tt.err != nil && !strings.Contains(log.String(), tt.err.Error()) {
				t.Errorf("the log doesn't say %q: %s", tt.err, log)
			}
			if strings.Contains(log.String()+w.Body.String(), secret) {
				t.Error("the secret got out")
			}
		})
	}
}

func TestReceiverWithoutASecret(t *testing.T) {
	t.Parallel()
	i, w := &inbox{}, httptest.NewRecorder()
	rc := receiver(i, io.Discard)
	rc.Verify = webhook.Signed(webhook.GitHub(""))
	r, err := githubtest.Deliver("http://localhost/", sample(t, "public.json"), "public", "d-1", "")
	if err != nil {
		t.Fatal(err)
	}
	rc.ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError || len(i.got) != 0 {
		t.Errorf("got %d and %d events, want 500 and none", w.Code, len(i.got))
	}
}

func TestReceiverHandsOnTheWholeEvent(t *testing.T) {
	t.Parallel()
	i, raw := &inbox{}, sample(t, "public-for-app.json")
	receiver(i, io.Discard).ServeHTTP(httptest.NewRecorder(), delivery(t, raw, "public"))
	want := []remedy.Event{{
		ID: "d-1", Source: "github", Name: "public", Account: "Codertocat",
		Actor: remedy.Actor{Type: "User", ID: "Codertocat", Name: "Codertocat", Via: "github"},
		Time:  time.Date(2019, 5, 15, 15, 21, 3, 0, time.UTC), Received: received, Detail: raw,
	}}
	if diff := cmp.Diff(want, i.got); diff != "" {
		t.Error(diff)
	}
}

// A proxy in front may have begun a trace: the event must be part of it.
// It sets the global provider, so it doesn't run beside other tests.
func TestReceiverContinuesTheTrace(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	provider, propagator := otel.GetTracerProvider(), otel.GetTextMapPropagator()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)))
	otel.SetTextMapPropagator(propagation.TraceContext{})
	t.Cleanup(func() {
		otel.SetTracerProvider(provider)
		otel.SetTextMapPropagator(propagator)
	})
	const traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	r := delivery(t, sample(t, "publicized.json"), "repository")
	r.Header.Set("Traceparent", "00-"+traceID+"-00f067aa0ba902b7-01")
	i := &inbox{}
	receiver(i, io.Discard).ServeHTTP(httptest.NewRecorder(), r)
	receiver(i, io.Discard).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))

	if n := len(spans.Ended()); n != 2 || len(i.ctxs) != 1 {
		t.Fatalf("got %d spans and %d events, want 2 and 1", n, len(i.ctxs))
	}
	span := spans.Ended()[0]
	if span.Name() != "receive github" || span.SpanContext().TraceID().String() != traceID {
		t.Errorf("got span %q of trace %s, want %q of %s", span.Name(), span.SpanContext().TraceID(), "receive github", traceID)
	}
	if got := trace.SpanContextFromContext(i.ctxs[0]); got.SpanID() != span.SpanContext().SpanID() {
		t.Errorf("Accept was given span %s, want %s", got.SpanID(), span.SpanContext().SpanID())
	}
	attrs := map[string]string{}
	for _, kv := range span.Attributes() {
		attrs[string(kv.Key)] = kv.Value.String()
	}
	want := map[string]string{"ebb.event.id": "d-1", "ebb.event.name": "repository.publicized", "http.response.status_code": "202"}
	if diff := cmp.Diff(want, attrs); diff != "" {
		t.Error(diff)
	}
	if got := spans.Ended()[1].Status().Code; got != codes.Error {
		t.Errorf("the refused delivery's span has status %v, want an error", got)
	}
}
