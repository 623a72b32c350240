//go:build linux

package functions_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/ebb-ops/ebb/functions"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/host/local"
	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
	"github.com/ebb-ops/ebb/pkg/trace"
)

// enforcing is a policy that enforces everything with the functions' defaults.
func enforcing(t *testing.T) *policy.Policy {
	t.Helper()
	p, err := policy.Load([]byte("version: 1\ndefaults: {mode: enforce}\n"), "policy.yaml", functions.All, time.Now())
	check(t, err)
	return p
}

// withSettings gives env with settings of its own on top.
func withSettings(env remedy.Env, settings map[string]string) remedy.Env {
	under := env.Getenv
	env.Getenv = func(name string) string {
		if v, ok := settings[name]; ok {
			return v
		}
		return under(name)
	}
	if url := env.Getenv("EBB_GITHUB_URL"); url != "" {
		env.GitHubURL = url
	}
	return env
}

// TestBadEndpoints lets each function meet a cloud that is down, slow, busy,
// forbidding or talking nonsense: nothing is changed, and the event stays for a retry.
func TestBadEndpoints(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"throttling": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(http.StatusTooManyRequests)
		},
		"nonsense": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<html>Welcome to the captive portal</html>")
		},
		"forbidden": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
		"failing":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"slow": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then the server sees that the caller hangs up
			<-r.Context().Done()
		},
		"down": nil,
	}
	// They wait more than they work: hence more at once than there are processors.
	var (
		all   sync.WaitGroup
		slots = make(chan struct{}, 16)
	)
	defer all.Wait()
	for _, f := range functions.All {
		// The sample's own ids: nothing of the emulator is reached.
		event := stageFor(t, f.Name, mototest.New(t)).event
		for name, answer := range answers {
			slots <- struct{}{}
			all.Go(func() {
				defer func() { <-slots }()
				t.Run(f.Name+"/"+name, func(t *testing.T) { badEndpoint(t, f, event, answer) })
			})
		}
	}
}

// badEndpoint has a function handle an event while all that it calls answers so,
// or not at all where there is no answer.
func badEndpoint(t *testing.T, f remedy.Function, event []byte, answer http.HandlerFunc) {
	srv := httptest.NewServer(answer)
	t.Cleanup(srv.Close)
	if answer == nil {
		srv.Close()
	}
	ledger, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	check(t, err)
	t.Cleanup(func() { _ = ledger.Close() })
	settings := map[string]string{
		"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": mototest.Region, "GITHUB_TOKEN": "x",
		"EBB_GITEA_URL": srv.URL, "GITEA_TOKEN": "x",
	}
	h, err := remedy.Open(t.Context(), f, remedy.Env{
		Getenv: func(k string) string { return settings[k] }, AWSEndpoint: srv.URL, GitHubURL: srv.URL,
	})
	check(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	e := remedy.New(ledger, enforcing(t), remedy.Options{})
	recs, err := host.Invoker{Engine: e, Handler: h}.Invoke(ctx, host.Delivery{Payload: event})
	if err == nil || remedy.IsPermanent(err) {
		t.Errorf("error = %v, want one that a retry may mend", err)
	}
	if len(recs) != 1 || recs[0].Outcome != remedy.Failed || len(recs[0].Changes) != 0 || recs[0].Attempt != 0 {
		t.Errorf("records = %+v, want one failed without any change", recs)
	}
}

// TestOneTrace follows a webhook from its receipt to GitHub's answer.
func TestOneTrace(t *testing.T) {
	const (
		secret = "webhook secret"
		caller = "00f067aa0ba902b7"
		id     = "4bf92f3577b34da6a3ce929d0e0e4736"
	)
	keeper := trace.NewKeeper()
	stop, err := trace.Setup(trace.Options{Service: "ebb", Version: "test", RecordAll: true, Processors: []sdk.SpanProcessor{keeper}})
	check(t, err)
	t.Cleanup(func() { check(t, stop(context.Background())) })
	st := stageFor(t, "github-repository-visibility", mototest.Account{})
	st.spoil(t)
	data := t.TempDir()
	h, err := local.Open(t.Context(), local.Config{
		Listen: "127.0.0.1:0", Data: data, Policy: enforcing(t), Functions: functions.All, Secrets: []string{secret}, Keeper: keeper,
		Env: withSettings(remedy.Env{Getenv: func(string) string { return "" }}, st.settings),
	})
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	addr, done := make(chan net.Addr, 1), make(chan error, 1)
	go func() { done <- h.Run(ctx, func(a net.Addr) { addr <- a }) }()
	req, err := githubtest.Deliver("http://"+(<-addr).String()+"/webhooks/github",
		sample(t, "github-webhook/publicized.json", mototest.Account{}), "repository", "d1", secret)
	check(t, err)
	req.Header.Set("traceparent", "00-"+id+"-"+caller+"-01")
	res, err := http.DefaultClient.Do(req)
	check(t, err)
	check(t, res.Body.Close())
	until(t, "the repository is private again", func() bool { return slices.Equal(st.state(t), st.good) })
	cancel()
	check(t, <-done)
	check(t, h.Close())

	ledger, err := sqlite.Open(t.Context(), filepath.Join(data, local.LedgerFile))
	check(t, err)
	t.Cleanup(func() { _ = ledger.Close() })
	spans, err := ledger.Trace(t.Context(), id)
	check(t, err)
	parents := map[string]string{caller: "the sender"}
	for _, s := range spans {
		parents[s.SpanID] = s.Name
	}
	got := map[string]string{}
	for _, s := range spans {
		got[s.Name] = parents[s.ParentID]
	}
	const handle, remediate = "handle github-repository-visibility", "remediate"
	for name, parent := range map[string]string{
		"receive github": "the sender", "receive github-repository-visibility": "receive github",
		handle: "receive github-repository-visibility", "decode": handle, remediate: handle,
		"look": remediate, "check": remediate, "intent": remediate, "apply": remediate, "verify": remediate, "record": remediate, "github PATCH /repos/{owner}/{repo}": "apply",
	} {
		if got[name] != parent {
			t.Errorf("span %q hangs under %q, want %q; all: %v", name, got[name], parent, fmt.Sprint(got))
		}
	}
	recs, _, err := ledger.Records(t.Context(), remedy.Query{})
	check(t, err)
	if len(recs) != 1 || recs[0].TraceID != id {
		t.Errorf("records = %+v, want one with the trace's id", recs)
	}
}
