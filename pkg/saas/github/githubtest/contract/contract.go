// Package contract holds requests and answers to GitHub's own OpenAPI
// description.
package contract

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"regexp"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// description is the part of GitHub's description that Ebb uses;
// testdata/CONTRACT.md says from where.
//
//go:embed testdata/github-openapi-subset.json
var description []byte

// Reporter is told of violations; a [testing.TB] is one.
type Reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// Description is GitHub's description, ready to hold calls to. It is safe for
// concurrent use.
type Description struct{ router routers.Router }

// Load reads the description. It takes a while, so tests share one.
func Load() (Description, error) {
	doc, err := openapi3.NewLoader().LoadFromData(description)
	if err != nil {
		return Description{}, fmt.Errorf("load GitHub's description: %w", err)
	}
	doc.Servers = nil // whatever the host
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return Description{}, fmt.Errorf("route by GitHub's description: %w", err)
	}
	return Description{router}, nil
}

// Transport passes requests on to next, and reports each request or answer that
// GitHub's description doesn't allow, and each call that it doesn't hold.
// Server errors (5xx) are not described by GitHub, and pass.
func (d Description) Transport(t Reporter, next http.RoundTripper) http.RoundTripper {
	return transport{t, d.router, next}
}

type transport struct {
	t      Reporter
	router routers.Router
	next   http.RoundTripper
}

// byID is where GitHub's redirects of renamed repositories point to. The
// description doesn't hold it, but says what /repos/{owner}/{repo} answers,
// which is the same.
var byID = regexp.MustCompile(`^/repositories/\d+$`)

func (c transport) RoundTrip(r *http.Request) (*http.Response, error) {
	c.t.Helper()
	body, err := read(r.Body)
	if err != nil {
		return nil, err
	}
	described := r.Clone(r.Context())
	if byID.MatchString(r.URL.Path) {
		described.URL.Path = "/repos/by/id"
	}
	described.Body = io.NopCloser(bytes.NewReader(body))
	in, err := c.request(described)
	if err != nil {
		c.t.Errorf("%s %s is not as GitHub describes it: %v", r.Method, r.URL.Path, err)
	}

	sent := r.Clone(r.Context())
	sent.Body = io.NopCloser(bytes.NewReader(body))
	res, err := c.next.RoundTrip(sent)
	if err != nil || in == nil {
		return res, err
	}
	answer, err := read(res.Body)
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(answer))
	if err := c.answer(in, res, answer); err != nil {
		c.t.Errorf("the answer %d to %s %s is not as GitHub describes it: %v", res.StatusCode, r.Method, r.URL.Path, err)
	}
	return res, nil
}

// request gives nil and an error when the call isn't described at all.
func (c transport) request(r *http.Request) (*openapi3filter.RequestValidationInput, error) {
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		return nil, err
	}
	in := &openapi3filter.RequestValidationInput{
		Request: r, Route: route, PathParams: params,
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true,
			AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc,
		},
	}
	return in, openapi3filter.ValidateRequest(r.Context(), in)
}

func (c transport) answer(in *openapi3filter.RequestValidationInput, res *http.Response, body []byte) error {
	switch {
	case res.StatusCode >= 500:
		return nil
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusTooManyRequests:
		// Every call may answer so, and few are described so.
		return nil
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: res.StatusCode, Header: res.Header, Options: in.Options,
	}
	out.SetBodyBytes(body)
	return openapi3filter.ValidateResponse(in.Request.Context(), out)
}

func read(body io.ReadCloser) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	defer func() { _ = body.Close() }()
	return io.ReadAll(body)
}
