package saas

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/pkg/metrics"
)

// firstBackoff is the longest first wait after a failure; it doubles with each
// further one.
const firstBackoff = 400 * time.Millisecond

type transport struct {
	product   string
	base      http.RoundTripper
	userAgent string
	timeout   time.Duration
	throttled func(int, []byte) bool
	tracer    trace.Tracer
	routes    *http.ServeMux // only its matching is used
	calls     *metrics.Calls
}

// RoundTrip makes one call, in as many attempts as it takes, in one span. The
// names are OpenTelemetry's: https://opentelemetry.io/docs/specs/semconv/http/http-spans/
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	name, attrs := t.product+" "+req.Method, []attribute.KeyValue{
		attribute.String("http.request.method", req.Method),
		attribute.String("server.address", req.URL.Hostname()),
	}
	if _, route := t.routes.Handler(req); route != "" {
		name += " " + route
		attrs = append(attrs, attribute.String("url.template", route))
	}
	ctx, span := t.tracer.Start(req.Context(), strings.TrimSpace(name), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...))
	defer span.End()

	clone := req.Clone(ctx)
	clone.Header.Set("User-Agent", t.userAgent)
	began := time.Now()
	res, n, err := t.call(clone)
	t.measure(ctx, req, time.Since(began), res, n, err)
	if n.resends > 0 {
		span.SetAttributes(attribute.Int("http.request.resend_count", n.resends))
	}
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
		span.SetAttributes(attribute.String("error.type", errorType(err)))
		return nil, err
	}
	span.SetAttributes(attribute.Int("http.response.status_code", res.StatusCode))
	if res.StatusCode >= 400 {
		span.SetStatus(codes.Error, http.StatusText(res.StatusCode))
	}
	return res, nil
}

// call repeats the request until it has a final answer.
func (t *transport) call(req *http.Request) (*http.Response, counts, error) {
	redirects := 0
	for n := (counts{}); ; n.resends++ {
		res, body, err := t.attempt(req)
		if err == nil && isRedirect(res) {
			if redirects++; redirects > MaxRedirects {
				return nil, n, fmt.Errorf("more than %d redirects", MaxRedirects)
			}
			if req, err = redirected(req, res); err != nil {
				return nil, n, err
			}
			continue
		}
		wait, limited := t.limit(res, body)
		switch {
		case limited:
			n.throttles++
		case !repeatable(req) || !failed(res, err) || errors.Is(err, errTooLarge):
			return res, n, err
		default:
			// Full jitter, so that callers who failed together don't return together.
			wait = rand.N(firstBackoff << n.resends)
			if after, ok := retryAfter(res); ok {
				wait = after
			}
		}
		next, ok := again(req)
		if n.resends == MaxResends+redirects || !ok || !sleep(req.Context(), wait) {
			switch {
			case req.Context().Err() != nil:
				return nil, n, req.Context().Err()
			case limited:
				return nil, n, &RetryLater{Host: req.URL.Host, Status: res.StatusCode, At: time.Now().Add(wait)}
			}
			return res, n, err
		}
		req = next
	}
}

var errTooLarge = fmt.Errorf("the answer has more than %d bytes", MaxBody)

// attempt sends the request once and reads the whole answer, so that one that
// breaks off can be repeated like one that never came.
func (t *transport) attempt(req *http.Request) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(req.Context(), t.timeout)
	defer cancel()
	res, err := t.base.RoundTrip(req.WithContext(ctx))
	if err == nil {
		defer func() { _ = res.Body.Close() }() // it was read, or is given up
		var body []byte
		if body, err = io.ReadAll(io.LimitReader(res.Body, MaxBody+1)); err == nil {
			if len(body) > MaxBody {
				return nil, nil, errTooLarge
			}
			res.Body, res.Request = io.NopCloser(bytes.NewReader(body)), req
			return res, body, nil
		}
		err = fmt.Errorf("read answer: %w", err)
	}
	if ctx.Err() != nil && req.Context().Err() == nil {
		err = fmt.Errorf("no answer within %s: %w", t.timeout, err)
	}
	return nil, nil, err
}

// repeatable reports whether sending the request twice does what sending it
// once does (RFC 9110, section 9.2.2).
func repeatable(req *http.Request) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

func failed(res *http.Response, err error) bool {
	return err != nil || res.StatusCode >= 500 && res.StatusCode != http.StatusNotImplemented
}

// again gives the request with a fresh body; false when it has one that can't
// be read twice.
func again(req *http.Request) (*http.Request, bool) {
	next := req.Clone(req.Context())
	if req.Body == nil || req.Body == http.NoBody {
		return next, true
	}
	if req.GetBody == nil {
		return nil, false
	}
	body, err := req.GetBody()
	next.Body = body
	return next, err == nil
}

func isRedirect(res *http.Response) bool {
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// redirected gives the same request to where res points. The credentials go
// with it, so it stays on the host they were meant for.
func redirected(req *http.Request, res *http.Response) (*http.Request, error) {
	to, err := res.Location()
	if err != nil {
		return nil, fmt.Errorf("redirect with status %d: %w", res.StatusCode, err)
	}
	if to.Scheme != req.URL.Scheme || to.Host != req.URL.Host {
		return nil, fmt.Errorf("redirect to another host refused: %s://%s", to.Scheme, to.Host)
	}
	next, ok := again(req)
	if !ok {
		return nil, errors.New("redirect of a request whose body can't be read twice")
	}
	next.URL = to
	return next, nil
}

// sleep waits, and reports false without waiting when that would take longer
// than [MaxWait] or the context's deadline, or once the context is done.
func sleep(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); d > MaxWait || ok && time.Until(deadline) <= d {
		return false
	}
	if ctx.Err() != nil {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// errorType is the span's low-cardinality word for an error.
func errorType(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	}
	if _, ok := errors.AsType[*RetryLater](err); ok {
		return "rate_limit"
	}
	return "transport"
}
