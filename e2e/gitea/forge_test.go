//go:build e2e

package gitea_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a process may take to start or to stop, and an event to
// be handled.
const patience = time.Minute

// forge is a real Gitea, as a process of its own on this machine's loopback. It
// has a person, jane, who administers it, and a bot, ebb, who does not.
type forge struct {
	url       string
	folder    string
	jane, bot string // their tokens
}

// appIni keeps Gitea to this machine: no mail, no updates, no avatars from
// elsewhere, and webhooks to the loopback only.
const appIni = `
RUN_MODE = prod
[server]
PROTOCOL = http
HTTP_ADDR = 127.0.0.1
HTTP_PORT = %[2]s
ROOT_URL = http://127.0.0.1:%[2]s/
OFFLINE_MODE = true
DISABLE_SSH = true
STATIC_ROOT_PATH = %[3]s
[database]
DB_TYPE = sqlite3
PATH = %[1]s/gitea.db
[security]
INSTALL_LOCK = true
[webhook]
ALLOWED_HOST_LIST = loopback
[cron]
ENABLED = false
[service]
DISABLE_REGISTRATION = true
[log]
MODE = console
LEVEL = Warn
`

func startForge(t *testing.T) *forge {
	t.Helper()
	tools, err := filepath.Abs("../../.tools/gitea")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(tools, "gitea")); err != nil {
		t.Fatalf("find Gitea: %v; make e2e-gitea builds it", err)
	}
	port := freePort(t)
	f := &forge{url: "http://127.0.0.1:" + port, folder: t.TempDir()}
	if err := os.WriteFile(f.ini(), fmt.Appendf(nil, appIni, f.folder, port, tools), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		cmd := f.command(tools, args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("gitea %v: %v: %s%s", args, err, out, &stderr)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return lines[len(lines)-1]
	}
	t.Log("setting up Gitea: its database, jane who administers it, and the bot ebb who does not")
	run("migrate")
	for _, user := range [][]string{{"jane", "--admin"}, {"ebb"}} {
		run(append([]string{"admin", "user", "create", "--email", user[0] + "@example.com", "--random-password", "--must-change-password=false", "--username"}, user...)...)
	}
	token := func(user, scopes string) string {
		return run("admin", "user", "generate-access-token", "--raw", "--username", user, "--token-name", "e2e", "--scopes", scopes)
	}
	f.jane, f.bot = token("jane", "all"), token("ebb", "write:repository,read:user,read:organization")
	t.Log("starting Gitea on " + f.url)
	spawn(t, f.command(tools, "web"), io.Discard)
	await(t, "Gitea answers", func() bool {
		res, err := http.Get(f.url + "/api/healthz")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return f
}

func (f *forge) ini() string { return filepath.Join(f.folder, "app.ini") }

func (f *forge) command(tools string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(tools, "gitea"), append([]string{"--config", f.ini(), "--work-path", f.folder}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+f.folder, "GITEA_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT=true") // it may be: in a container, for instance
	return cmd
}

type object = map[string]any

// call makes a call of jane's to the API; body nil means none. It gives nil for
// an answer without a body.
func (f *forge) call(t *testing.T, method, path string, body any) (out object) {
	t.Helper()
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, f.url+"/api/v1"+path, in)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "token "+f.jane)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode >= 300 {
		t.Fatalf("%s %s: %s: %s", method, path, res.Status, raw)
	}
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, raw)
	}
	return out
}

// organization makes an organization that the bot is an owner of, and whose
// webhook goes to hook.
func (f *forge) organization(t *testing.T, name, hook, secret string) {
	t.Helper()
	f.call(t, "POST", "/orgs", object{"username": name})
	for _, team := range f.list(t, "/orgs/"+name+"/teams") {
		if team["name"] == "Owners" {
			f.call(t, "PUT", fmt.Sprintf("/teams/%.0f/members/ebb", team["id"]), nil)
		}
	}
	f.call(t, "POST", "/orgs/"+name+"/hooks", object{
		"type": "gitea", "active": true, "events": []string{"repository", "push", "release"},
		"config": object{"url": hook, "content_type": "json", "secret": secret},
	})
}

// list reads a list.
func (f *forge) list(t *testing.T, path string) (out []object) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", f.url+"/api/v1"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "token "+f.jane)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		t.Fatalf("GET %s: %s: %v", path, res.Status, err)
	}
	return out
}

// create makes a repository with one commit and gives it as Gitea describes it.
func (f *forge) create(t *testing.T, owner, name string, private bool) object {
	t.Helper()
	return f.call(t, "POST", "/orgs/"+owner+"/repos", object{"name": name, "private": private, "auto_init": true, "description": "What we sell next."})
}

func (f *forge) repository(t *testing.T, owner, name string) object {
	t.Helper()
	return f.call(t, "GET", "/repos/"+owner+"/"+name, nil)
}

// log is what a process has written so far.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// spawn starts a process that ends with the test, well or not, and gives its
// standard error.
func spawn(t *testing.T, cmd *exec.Cmd, stdout io.Writer) *log {
	t.Helper()
	stderr := &log{}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		tooLate := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		if !tooLate.Stop() || t.Failed() {
			t.Errorf("%s ended with %v; its log:\n%s", filepath.Base(cmd.Path), err, stderr)
		}
	})
	return stderr
}

// await waits until yes.
func await(t *testing.T, what string, ask func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ask() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited %s in vain: %s", patience, what)
		case <-tick.C:
		}
	}
}

// freePort gives a port that was free a moment ago: Gitea must know its own
// before it starts.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
