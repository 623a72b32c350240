package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
)

// asCommand, set in the environment, makes the test binary the ebb command.
const asCommand = "EBB_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) == "" {
		os.Exit(m.Run())
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(exitFailed) // the process of the tests is gone
	}()
	main()
}

// patience is how long a process may take for one thing. Only a test that fails
// waits that long.
const patience = time.Minute

const (
	hookSecret = "the tests' webhook secret" // #nosec G101 -- signs what the tests send to themselves
	hubToken   = "the-tests'-token"          // #nosec G101
)

// site is a GitHub on which a repository was made public, and the ebb command,
// as processes of its own, whose policy does not want that.
type site struct {
	t   *testing.T
	hub *githubtest.Server
	env []string
}

// repoID is the repository of a site.
const repoID = 186853007

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, hub: githubtest.New(githubtest.Options{
		Tokens: []githubtest.Token{{Value: hubToken, Login: "ebb", AdminOf: []string{"acme"}}},
	})}
	s.hub.AddRepo(githubtest.Repo{ID: repoID, Owner: "acme", Name: "plans", Visibility: "public"})
	hub := httptest.NewServer(s.hub.Handler())
	t.Cleanup(hub.Close)
	dir := t.TempDir()
	policy := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(policy, []byte(enforce), 0o600); err != nil {
		t.Fatal(err)
	}
	s.env = slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, "EBB_") || strings.HasPrefix(kv, "OTEL_")
	})
	s.env = append(s.env, asCommand+"=yes", "EBB_DATA="+filepath.Join(dir, "data"), "EBB_POLICY_FILE="+policy,
		"EBB_GITHUB_URL="+hub.URL, "EBB_GITHUB_WEBHOOK_SECRET="+hookSecret, "GITHUB_TOKEN="+hubToken,
		"AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	return s
}

// command makes a process of ebb, which ends with the tests at the latest.
func (s *site) command(args ...string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), os.Args[0], args...) // #nosec G204 -- this very binary
	cmd.Env = slices.Clone(s.env)
	if _, err := cmd.StdinPipe(); err != nil { // closed when this process ends
		s.t.Fatal(err)
	}
	return cmd
}

// json runs a command and reads the JSON that it prints.
func (s *site) json(v any, args ...string) {
	s.t.Helper()
	cmd := s.command(append(args, "-o", "json")...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("ebb %v: %v: %s", args, err, &stderr)
	}
	if err := json.Unmarshal(out, v); err != nil {
		s.t.Fatalf("ebb %v: %v: %s", args, err, out)
	}
}

// process is a running ebb serve.
type process struct {
	t    *testing.T
	url  string
	cmd  *exec.Cmd
	logs *strings.Builder // complete once it has ended
}

// serve starts ebb serve, with env too, and waits until it listens.
func (s *site) serve(env ...string) *process {
	s.t.Helper()
	p := &process{t: s.t, cmd: s.command("serve", "--listen", "127.0.0.1:0"), logs: &strings.Builder{}}
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stderr = p.logs
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _, _ = p.cmd.Process.Kill(), p.cmd.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "ebb serves on ")
	if err != nil || !ok {
		_, _ = p.cmd.Process.Kill(), p.cmd.Wait()
		s.t.Fatalf("ebb serve said %q (%v): %s", line, err, p.logs)
	}
	p.url = url
	return p
}

// stop asks it to end, which must be well.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	tooLate := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	defer tooLate.Stop()
	if err := p.cmd.Wait(); err != nil {
		p.t.Fatalf("ebb serve ended with %v: %s", err, p.logs)
	}
}

// publicized delivers GitHub's webhook that the site's repository is public
// now, with a traceparent header if there is one, and gives the record of what
// became of it.
func (s *site) publicized(p *process, traceparent string) remedy.Record {
	s.t.Helper()
	body, err := s.hub.Payload(repoID, "publicized", "ann")
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := githubtest.Deliver(p.url+"/webhooks/github", body, "repository", "d1", hookSecret)
	if err != nil {
		s.t.Fatal(err)
	}
	if traceparent != "" {
		req.Header.Set("Traceparent", traceparent)
	}
	res, err := http.DefaultClient.Do(req.WithContext(s.t.Context()))
	if err != nil {
		s.t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode >= http.StatusMultipleChoices {
		s.t.Fatalf("the webhook was answered %s", res.Status)
	}
	var page struct{ Records []remedy.Record }
	await(s.t, "the record of the webhook", func() bool {
		getJSON(s.t, p.url+"/api/records", &page)
		return len(page.Records) == 1 && page.Records[0].Outcome != remedy.Pending
	})
	return page.Records[0]
}

// getJSON reads JSON; what is not found leaves v as it is.
func getJSON(t *testing.T, url string, v any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		t.Fatal(err)
	case res.StatusCode == http.StatusNotFound:
		return
	case res.StatusCode != http.StatusOK:
		t.Fatalf("GET %s: %s: %s", url, res.Status, body)
	}
	if err := json.Unmarshal(body, v); err != nil {
		t.Fatalf("GET %s: %v: %s", url, err, body)
	}
}

// await asks until the answer is yes, or fails the test after patience.
func await(t *testing.T, what string, ask func() bool) {
	t.Helper()
	if !within(t, patience, ask) {
		t.Fatalf("waited in vain for %s", what)
	}
}

// within asks until the answer is yes, and gives no when the time is over.
func within(t *testing.T, d time.Duration, ask func() bool) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	for !ask() {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	return true
}
