package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/ebb-ops/ebb/cmd/rehearse/access"
)

// gate stands before the emulator: it lets pass what the caller's role allows by
// the whole of its policies, refuses all else as AWS does, and notes every call.
// The emulator's own IAM, behind it, knows signatures and actions only.
type gate struct {
	server *httptest.Server
	org    string                     // of all accounts; empty for none
	roles  func(arn string) *role     // the roles that there are; nil for none of that ARN
	owner  func(bucket string) string // the account that a bucket is in
	proxy  *httputil.ReverseProxy

	mu       sync.Mutex
	sessions map[string]session // by access key
	requests int
	made     map[string]bool // actions
	refused  []string
	unknown  []error
}

// openGate opens a gate to the emulator. Close its server.
func openGate(emulator, org string, roles func(string) *role, owner func(string) string) (*gate, error) {
	target, err := url.Parse(emulator)
	if err != nil {
		return nil, err
	}
	g := &gate{org: org, roles: roles, owner: owner, sessions: map[string]session{}, made: map[string]bool{}}
	g.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { // the host is signed, so it stays
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		ModifyResponse: g.noteSession,
		// A function gives up calls that it needs no more: that is no news.
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	g.server = httptest.NewServer(g)
	return g, nil
}

// admit makes a role's session known.
func (g *gate) admit(accessKey string, r *role) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sessions[accessKey] = session{r, g.org}
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err := g.check(r, body); err != nil {
		contentType, answer := refusal(r, err.Error())
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, answer)
		return
	}
	g.proxy.ServeHTTP(w, r)
}

// check notes a request, and reports why it is refused.
func (g *gate) check(r *http.Request, body []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, ok := g.sessions[scope(r)[0]]
	if !ok {
		err := fmt.Errorf("no session has the access key of %s %s", r.Method, r.URL.Path)
		g.unknown = append(g.unknown, err)
		return err
	}
	g.requests++
	calls, err := s.decode(r, body, g.owner)
	if err != nil {
		g.unknown = append(g.unknown, err)
		return err
	}
	for _, c := range calls {
		g.made[c.Action] = true
		allowed := s.role.allows(c)
		if c.Action == "sts:AssumeRole" || c.Action == "sts:TagSession" {
			target := g.roles(c.Resource)
			allowed = allowed && target != nil && access.Allows([]access.Policy{target.trust}, c)
		}
		if !allowed {
			g.refused = append(g.refused, c.Action+" on "+c.Resource)
			return fmt.Errorf("%s is not authorized to perform: %s on resource: %s", s.role.arn, c.Action, c.Resource)
		}
	}
	return nil
}

// noteSession makes the session known that an AssumeRole gave.
func (g *gate) noteSession(res *http.Response) error {
	if scope(res.Request)[3] != "sts" || res.StatusCode != http.StatusOK {
		return nil
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	var out struct {
		Key string `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
		Arn string `xml:"AssumeRoleResult>AssumedRoleUser>Arn"`
	}
	if err := xml.Unmarshal(body, &out); err != nil || out.Key == "" {
		return err
	}
	// arn:aws:sts::1:assumed-role/Name/session
	arn := strings.Replace(out.Arn[:strings.LastIndex(out.Arn, "/")], ":sts:", ":iam:", 1)
	if r := g.roles(strings.Replace(arn, ":assumed-role/", ":role/", 1)); r != nil {
		g.admit(out.Key, r)
	}
	return nil
}

// seen gives how many requests came, with which actions, and what was refused or
// not understood.
func (g *gate) seen() (requests int, used, refused []string, unknown []error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.requests, slices.Sorted(maps.Keys(g.made)), slices.Clone(g.refused), slices.Clone(g.unknown)
}
