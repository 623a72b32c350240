package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// browse reads a page as a browser would that keeps cookies in jar.
func browse(t *testing.T, client *http.Client, address string, form url.Values) (status int, body string) {
	t.Helper()
	var res *http.Response
	var err error
	if form == nil {
		res, err = client.Get(address)
	} else {
		res, err = client.PostForm(address, form)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// An operator undoes a remediation from the page of a serving process, and the
// commands keep to what operators decided there.
func TestServeConsole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rec := w.revert()
	s := w.serve("--policy", w.enforcing(), "--operator-token", "a token of the tests, long")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Timeout: time.Minute}
	status, page := browse(t, client, s.url+"/", nil)
	contains(t, "the list", page, rec.ID, "Sign in")
	if status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	_, page = browse(t, client, s.url+"/sign-in/token", url.Values{"token": {"a token of the tests, long"}, "name": {"ann"}})
	csrf := csrfField.FindStringSubmatch(page)
	if csrf == nil {
		t.Fatalf("nobody has signed in: %s", page)
	}
	form := func(more ...string) url.Values {
		q := url.Values{"csrf": {csrf[1]}, "reason": {"It was wanted."}}
		for i := 0; i < len(more); i += 2 {
			q.Set(more[i], more[i+1])
		}
		return q
	}
	_, page = browse(t, client, s.url+"/records/"+rec.ID+"/undo", form())
	contains(t, "the page", page, "Done.", "is back")
	w.wantShelf("a", map[string]string{"x": "good", "y": "bad"})
	_, page = browse(t, client, s.url+"/functions/shelf-labels/mode", form("mode", "off", "for", "24h"))
	contains(t, "the page", page, "shelf-labels is set to off")
	if code := s.stop(); code != exitDone {
		t.Errorf("exit code %d", code)
	}

	// Another process on the folder keeps to it, and a session outlives a restart.
	w.shelves["b"] = map[string]string{"y": "bad"}
	r := w.must("handle", "--policy", w.enforcing(), w.file("b.json", w.event("e2", "shelf.put", "b")))
	contains(t, "what it did", r.stdout, `"outcome":"ignored"`, "switches shelf-labels off")
	again := w.serve("--policy", w.enforcing(), "--operator-token", "a token of the tests, long")
	_, page = browse(t, client, again.url+"/audit", nil)
	contains(t, "the trail", page, "It was wanted.", "Sign out", "Set shelf-labels to off")
	if info, err := os.Stat(filepath.Join(w.env["EBB_DATA"], keyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the console's key: %v, %v", info, err)
	}
}

func TestServeMakesAToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env["EBB_DATA"] = filepath.Join(w.dir, "data")
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	defer cancel()
	out, said := io.Pipe()
	d := w.deps
	d.Stdout, d.Stderr = said, io.Discard
	ended := make(chan int, 1)
	go func() {
		ended <- execute(ctx, []string{"serve", "--listen", "127.0.0.1:0", "--operator-token", "new"}, d)
		_ = said.Close()
	}()
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	second, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(strings.TrimSpace(first), "ebb serves on ")
	token := strings.TrimSpace(second[strings.LastIndex(second, " "):])
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, page := browse(t, &http.Client{Jar: jar, Timeout: time.Minute}, address+"/sign-in/token", url.Values{"token": {token}, "name": {"ann"}})
	contains(t, "the page", page, "Sign out")
	cancel()
	if code := <-ended; code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

func TestServeConsoleUsage(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		env  map[string]string
		want string
	}{
		"a token for all the world": {[]string{"--listen", "0.0.0.0:0", "--operator-token", "new"}, nil, "--operator-token is for this machine only"},
		"a token for any name":      {[]string{"--listen", ":0", "--operator-token", "new"}, nil, "--operator-token is for this machine only"},
		"a short token":             {[]string{"--listen", "127.0.0.1:0", "--operator-token", "short"}, nil, "at least 20 characters"},
		"operators that are no claims": {
			[]string{"--listen", "127.0.0.1:0"}, map[string]string{settingIssuer: "https://id.example.com", settingOperators: "sre"},
			settingOperators + `: "sre": want claims with their values`,
		},
		"no client id": {[]string{"--listen", "127.0.0.1:0"}, map[string]string{settingIssuer: "https://id.example.com", settingOperators: "groups=sre"}, "client id is missing"},
		"no operators": {[]string{"--listen", "127.0.0.1:0"}, map[string]string{settingIssuer: "https://id.example.com", settingClientID: "ebb"}, "nobody could sign in"},
		"a bad URL": {
			[]string{"--listen", "127.0.0.1:0", "--url", "ebb.example.com"}, map[string]string{settingIssuer: "https://id.example.com", settingClientID: "ebb", settingOperators: "groups=sre"},
			`the console's URL is "ebb.example.com"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for k, v := range tt.env {
				w.env[k] = v
			}
			r := w.run(append([]string{"serve"}, tt.args...)...)
			if r.code == exitDone {
				t.Error("it serves")
			}
			contains(t, "stderr", r.stderr, tt.want)
		})
	}
}

func TestCookieKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), keyFile)
	first, err := cookieKey(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := cookieKey(path)
	if err != nil || first != second || first == [32]byte{} {
		t.Errorf("the key is %x, then %x (%v)", first, second, err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := cookieKey(path); err == nil || !strings.Contains(err.Error(), "has 5 bytes instead of 32: remove it") {
		t.Errorf("got error %v", err)
	}
}
