// Package saas is the one HTTP client for SaaS products: time-outs, a cap on
// bodies, rate limits obeyed, bounded retries, redirects that keep their method,
// and a span for each call, which is measured too.
package saas

import (
	"net/http"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/ebb-ops/ebb/pkg/metrics"
)

// The bounds of one call.
const (
	DefaultTimeout = 10 * time.Second // of one attempt, its body included
	MaxBody        = 10 << 20         // bytes of an answer; a larger one is an error
	MaxResends     = 3                // further attempts, whatever the reason
	MaxRedirects   = 3                // to the same host; others are refused
	MaxWait        = 2 * time.Minute  // longest wait between two attempts
)

// Options describe a product. The zero value works.
type Options struct {
	Product   string            // first word of the spans' names: "github"
	Transport http.RoundTripper // carries the requests; nil means [http.DefaultTransport]
	UserAgent string            // sent with each request; empty means "ebb"
	Timeout   time.Duration     // of one attempt; 0 means [DefaultTimeout]
	// Routes are the paths that are called, in the syntax of [http.ServeMux]:
	// "/repos/{owner}/{repo}". They name the spans; a call to another path has
	// no path in its span.
	Routes []string
	// Throttled recognises a rate limit that the product's answer tells in its
	// body only. Status 429, and 403 with Retry-After or X-Ratelimit-Remaining: 0,
	// are known without it.
	Throttled func(status int, body []byte) bool
	Tracer    trace.Tracer         // nil means the global provider's
	Meters    metric.MeterProvider // nil means the global one
}

// NewClient makes a client for one product.
//
// Requests that are safe to repeat (GET, HEAD, OPTIONS, PUT, DELETE) are sent
// again after a connection error or a 5xx; any request is sent again after a
// rate limit, because it was not processed. A wait that is longer than [MaxWait]
// or than the context's deadline allows ends the call at once: with
// [*RetryLater] for a rate limit, else with the answer or error at hand.
//
// Trace headers are not sent: they are nothing that a third party should know.
//
// net/http puts the URL as requested into its errors: pass them through
// [Redact] before they are shown.
func NewClient(o Options) *http.Client {
	t := &transport{
		product: o.Product, base: o.Transport, userAgent: o.UserAgent, timeout: o.Timeout,
		throttled: o.Throttled, tracer: o.Tracer, routes: http.NewServeMux(),
		calls: metrics.NewCalls(o.Meters),
	}
	if t.base == nil {
		t.base = http.DefaultTransport
	}
	if t.userAgent == "" {
		t.userAgent = "ebb"
	}
	if t.timeout == 0 {
		t.timeout = DefaultTimeout
	}
	if t.throttled == nil {
		t.throttled = func(int, []byte) bool { return false }
	}
	if t.tracer == nil {
		t.tracer = otel.Tracer("github.com/ebb-ops/ebb/pkg/saas")
	}
	for _, route := range o.Routes {
		t.routes.Handle(route, http.NotFoundHandler())
	}
	return &http.Client{
		Transport: t,
		// The transport follows redirects: net/http would turn a PATCH into a GET.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
