package saas_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/ebb-ops/ebb/pkg/saas"
)

// script answers each request with the next of its answers, and keeps what it
// was asked.
type script struct {
	answers []answer
	asked   []string // "METHOD path body"
	headers []http.Header
	at      []time.Time
}

type answer struct {
	status int
	header http.Header
	body   string
	err    error
	delay  time.Duration
	broken bool // the body breaks off
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = " " + string(b)
	}
	n := len(s.asked)
	s.asked = append(s.asked, r.Method+" "+r.URL.Path+body)
	s.headers = append(s.headers, r.Header)
	s.at = append(s.at, time.Now())
	if n >= len(s.answers) {
		return nil, errors.New("the script has no more answers")
	}
	a := s.answers[n]
	select {
	case <-time.After(a.delay):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if a.err != nil {
		return nil, a.err
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	var content io.Reader = strings.NewReader(a.body)
	if a.broken {
		content = io.MultiReader(content, brokenPipe{})
	}
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(content), Request: r}, nil
}

type brokenPipe struct{}

func (brokenPipe) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func h(pairs ...string) http.Header {
	header := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		header.Set(pairs[i], pairs[i+1])
	}
	return header
}

// do makes one call with a body of "b" where the method has one, and gives the
// status, the body, and the error.
func do(ctx context.Context, c *http.Client, method, url string) (int, string, error) {
	var body io.Reader
	if method == http.MethodPatch || method == http.MethodPut || method == http.MethodPost {
		body = strings.NewReader("b")
	}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return 0, "", err
	}
	res, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

func TestRetries(t *testing.T) {
	t.Parallel()
	ok := answer{status: 200, body: "fine"}
	down := answer{err: errors.New("connection refused")}
	for _, tt := range []struct {
		name     string
		method   string
		answers  []answer
		asked    int
		status   int
		body     string
		err      string        // part of the error's text
		min, max time.Duration // all waits together
	}{
		{name: "no_need", method: "GET", answers: []answer{ok}, asked: 1, status: 200, body: "fine"},
		{name: "get_after_502", method: "GET", answers: []answer{{status: 502}, ok}, asked: 2, status: 200, body: "fine", max: time.Second},
		{name: "put_after_503", method: "PUT", answers: []answer{{status: 503}, ok}, asked: 2, status: 200, body: "fine", max: time.Second},
		{name: "503_with_retry_after", method: "GET", answers: []answer{{status: 503, header: h("Retry-After", "7")}, ok}, asked: 2, status: 200, body: "fine", min: 7 * time.Second, max: 7 * time.Second},
		{name: "get_after_connection_error", method: "GET", answers: []answer{down, down, ok}, asked: 3, status: 200, body: "fine", max: 2 * time.Second},
		{name: "get_after_broken_body", method: "GET", answers: []answer{{status: 200, body: "fi", broken: true}, ok}, asked: 2, status: 200, body: "fine", max: time.Second},
		{name: "get_after_timeout", method: "GET", answers: []answer{{status: 200, delay: time.Minute}, ok}, asked: 2, status: 200, body: "fine", min: saas.DefaultTimeout, max: saas.DefaultTimeout + time.Second},
		{name: "gives_up", method: "GET", answers: []answer{{status: 500}, {status: 500}, {status: 500}, {status: 500, body: "still"}, ok}, asked: 4, status: 500, body: "still", max: 4 * time.Second},
		{name: "patch_is_not_repeated_after_502", method: "PATCH", answers: []answer{{status: 502, body: "bad"}, ok}, asked: 1, status: 502, body: "bad"},
		{name: "post_is_not_repeated_after_connection_error", method: "POST", answers: []answer{down, ok}, asked: 1, err: "connection refused"},
		{name: "404_is_final", method: "GET", answers: []answer{{status: 404, body: "no"}, ok}, asked: 1, status: 404, body: "no"},
		{name: "501_is_final", method: "GET", answers: []answer{{status: 501}, ok}, asked: 1, status: 501},
		{name: "403_without_a_limit_is_final", method: "GET", answers: []answer{{status: 403, header: h("X-Ratelimit-Remaining", "12")}, ok}, asked: 1, status: 403},
		{name: "429_with_retry_after", method: "PATCH", answers: []answer{{status: 429, header: h("Retry-After", "30")}, ok}, asked: 2, status: 200, body: "fine", min: 30 * time.Second, max: 30 * time.Second},
		{name: "403_with_retry_after", method: "PATCH", answers: []answer{{status: 403, header: h("Retry-After", "5")}, ok}, asked: 2, status: 200, body: "fine", min: 5 * time.Second, max: 5 * time.Second},
		{name: "retry_after_as_a_date", method: "GET", answers: []answer{{status: 429, header: h("Retry-After", "Sat, 01 Jan 2000 00:00:09 GMT")}, ok}, asked: 2, status: 200, body: "fine", min: 9 * time.Second, max: 9 * time.Second},
		{name: "429_without_a_word_waits_a_minute", method: "GET", answers: []answer{{status: 429}, ok}, asked: 2, status: 200, body: "fine", min: time.Minute, max: time.Minute},
		{name: "limit_told_in_the_body", method: "PATCH", answers: []answer{{status: 403, body: "slow down"}, ok}, asked: 2, status: 200, body: "fine", min: time.Minute, max: time.Minute},
		{name: "reset_by_the_senders_clock", method: "GET", answers: []answer{{status: 403, header: h("X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", "1000000020", "Date", time.Unix(1000000000, 0).UTC().Format(http.TimeFormat))}, ok}, asked: 2, status: 200, body: "fine", min: 21 * time.Second, max: 21 * time.Second},
		{name: "reset_in_the_past", method: "GET", answers: []answer{{status: 429, header: h("X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", "1")}, ok}, asked: 2, status: 200, body: "fine", max: time.Second},
		{name: "negative_retry_after", method: "GET", answers: []answer{{status: 429, header: h("Retry-After", "-5")}, ok}, asked: 2, status: 200, body: "fine"},
		{name: "wait_longer_than_allowed", method: "GET", answers: []answer{{status: 429, header: h("Retry-After", "3600")}, ok}, asked: 1, err: "retry after 2000-01-01T01:00:00Z"},
		{name: "senseless_retry_after", method: "GET", answers: []answer{{status: 429, header: h("Retry-After", strconv.Itoa(1<<62))}, ok}, asked: 1, err: "retry after 2000-01-02T00:00:00Z"},
		{name: "limited_without_end", method: "GET", answers: []answer{{status: 429, header: h("Retry-After", "1")}, {status: 429, header: h("Retry-After", "1")}, {status: 429, header: h("Retry-After", "1")}, {status: 429, header: h("Retry-After", "1")}, ok}, asked: 4, err: "rate limit of api.example.com reached (status 429): retry after 2000-01-01T00:00:04Z", min: 3 * time.Second, max: 3 * time.Second},
		{name: "answer_over_the_cap", method: "GET", answers: []answer{{status: 200, body: strings.Repeat("x", saas.MaxBody+1)}, ok}, asked: 1, err: "more than 10485760 bytes"},
		{name: "answer_at_the_cap", method: "GET", answers: []answer{{status: 200, body: strings.Repeat("x", saas.MaxBody)}}, asked: 1, status: 200, body: strings.Repeat("x", saas.MaxBody)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, start := &script{answers: tt.answers}, time.Now()
				c := saas.NewClient(saas.Options{Transport: s, Throttled: func(_ int, body []byte) bool { return string(body) == "slow down" }})
				status, body, err := do(t.Context(), c, tt.method, "https://api.example.com/x")
				took := time.Since(start)
				if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
					t.Errorf("got error %v, want %q", err, tt.err)
				}
				if status != tt.status || body != tt.body {
					t.Errorf("got %d %.80q, want %d %.80q", status, body, tt.status, tt.body)
				}
				if len(s.asked) != tt.asked {
					t.Errorf("sent %d times, want %d", len(s.asked), tt.asked)
				}
				for _, asked := range s.asked {
					if asked != s.asked[0] {
						t.Errorf("sent %q, then %q", s.asked[0], asked)
					}
				}
				if took < tt.min || took > tt.max {
					t.Errorf("took %s, want %s to %s", took, tt.min, tt.max)
				}
			})
		})
	}
}

func TestRateLimitBeyondTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{{status: 429, header: h("Retry-After", "20")}}}
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		start := time.Now()
		_, _, err := do(ctx, saas.NewClient(saas.Options{Transport: s}), "GET", "https://api.example.com/x")
		later, ok := errors.AsType[*saas.RetryLater](err)
		if !ok {
			t.Fatalf("got %v, want a *saas.RetryLater", err)
		}
		want := &saas.RetryLater{Host: "api.example.com", Status: 429, At: start.Add(20 * time.Second)}
		if diff := cmp.Diff(want, later); diff != "" {
			t.Error(diff)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %s for nothing", waited)
		}
	})
}

func TestCancelEndsTheWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{{status: 429, header: h("Retry-After", "60")}, {status: 200}}}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		start := time.Now()
		_, _, err := do(ctx, saas.NewClient(saas.Options{Transport: s}), "GET", "https://api.example.com/x")
		if !errors.Is(err, context.Canceled) || time.Since(start) != 3*time.Second || len(s.asked) != 1 {
			t.Errorf("got %v after %s and %d requests, want context canceled after 3s and one", err, time.Since(start), len(s.asked))
		}
	})
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	to := func(status int, location string) answer {
		return answer{status: status, header: h("Location", location)}
	}
	for _, tt := range []struct {
		name    string
		answers []answer
		asked   []string
		status  int
		err     string
	}{
		{"moved_permanently", []answer{to(301, "https://api.example.com/id/7"), {status: 200}}, []string{"PATCH /x b", "PATCH /id/7 b"}, 200, ""},
		{"temporary", []answer{to(307, "/id/7"), {status: 200}}, []string{"PATCH /x b", "PATCH /id/7 b"}, 200, ""},
		{"permanent", []answer{to(308, "/id/7"), {status: 200}}, []string{"PATCH /x b", "PATCH /id/7 b"}, 200, ""},
		{"see_other_is_an_answer", []answer{to(303, "/id/7")}, []string{"PATCH /x b"}, 303, ""},
		{"other_host", []answer{to(307, "https://evil.example.org/x")}, []string{"PATCH /x b"}, 0, "redirect to another host refused: https://evil.example.org"},
		{"other_scheme", []answer{to(307, "http://api.example.com/x")}, []string{"PATCH /x b"}, 0, "redirect to another host refused"},
		{"no_location", []answer{{status: 301}}, []string{"PATCH /x b"}, 0, "redirect with status 301"},
		{"without_end", []answer{to(307, "/1"), to(307, "/2"), to(307, "/3"), to(307, "/4")}, []string{"PATCH /x b", "PATCH /1 b", "PATCH /2 b", "PATCH /3 b"}, 0, "more than 3 redirects"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &script{answers: tt.answers}
			status, _, err := do(t.Context(), saas.NewClient(saas.Options{Transport: s}), "PATCH", "https://api.example.com/x")
			if status != tt.status || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %d, %v, want %d, %q", status, err, tt.status, tt.err)
			}
			if diff := cmp.Diff(tt.asked, s.asked); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSpans(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		url     string
		answers []answer
		span    string
		attrs   map[string]string
		status  codes.Code
	}{
		{
			"route", "https://api.example.com/repos/acme/site", []answer{{status: 200}}, "github GET /repos/{owner}/{repo}",
			map[string]string{"http.request.method": "GET", "server.address": "api.example.com", "url.template": "/repos/{owner}/{repo}", "http.response.status_code": "200"}, codes.Unset,
		},
		{
			"unknown_path_has_no_path_in_the_span", "https://api.example.com/secret/7?token=s3cret", []answer{{status: 404}}, "github GET",
			map[string]string{"http.request.method": "GET", "server.address": "api.example.com", "http.response.status_code": "404"}, codes.Error,
		},
		{
			"sent_again", "https://api.example.com/repos/acme/site", []answer{{status: 502}, {status: 200}}, "github GET /repos/{owner}/{repo}",
			map[string]string{"http.request.method": "GET", "server.address": "api.example.com", "url.template": "/repos/{owner}/{repo}", "http.response.status_code": "200", "http.request.resend_count": "1"}, codes.Unset,
		},
		{
			"rate_limit", "https://api.example.com/repos/acme/site", []answer{{status: 429, header: h("Retry-After", "9999")}}, "github GET /repos/{owner}/{repo}",
			map[string]string{"http.request.method": "GET", "server.address": "api.example.com", "url.template": "/repos/{owner}/{repo}", "error.type": "rate_limit"}, codes.Error,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			spans := tracetest.NewSpanRecorder()
			tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test")
			s := &script{answers: tt.answers}
			c := saas.NewClient(saas.Options{Product: "github", Transport: s, Tracer: tracer, UserAgent: "ebb/1", Routes: []string{"/repos/{owner}/{repo}"}})
			synctest.Test(t, func(t *testing.T) {
				_, _, _ = do(t.Context(), c, "GET", tt.url) // its result is the span's
			})
			if n := len(spans.Ended()); n != 1 {
				t.Fatalf("got %d spans, want 1", n)
			}
			span := spans.Ended()[0]
			attrs := map[string]string{}
			for _, kv := range span.Attributes() {
				attrs[string(kv.Key)] = kv.Value.String()
			}
			if diff := cmp.Diff(tt.attrs, attrs); diff != "" || span.Name() != tt.span || span.Status().Code != tt.status {
				t.Errorf("got span %q with status %v, want %q with %v\n%s", span.Name(), span.Status(), tt.span, tt.status, diff)
			}
			for _, header := range s.headers {
				for _, name := range []string{"Traceparent", "Tracestate", "Baggage", "X-Amzn-Trace-Id"} {
					if header.Get(name) != "" {
						t.Errorf("%s was sent to a third party", name)
					}
				}
				if got := header.Get("User-Agent"); got != "ebb/1" {
					t.Errorf("got User-Agent %q, want ebb/1", got)
				}
			}
		})
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	s := &script{answers: []answer{{err: errors.New("connection refused")}}}
	_, _, err := do(t.Context(), saas.NewClient(saas.Options{Transport: s}), "POST", "https://bob:pass@api.example.com/x?token=s3cret&page=2#s3cret")
	got := saas.Redact(err).Error()
	want := `Post "https://REDACTED@api.example.com/x?page=REDACTED&token=REDACTED": connection refused`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if plain := errors.New("plain"); !errors.Is(saas.Redact(plain), plain) || saas.Redact(nil) != nil {
		t.Error("other errors must come back as they are")
	}
}
