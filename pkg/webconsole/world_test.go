package webconsole_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/policy/describe"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/report/reporttest"
	"github.com/ebb-ops/ebb/pkg/waterfall"
	"github.com/ebb-ops/ebb/pkg/webconsole"
	"github.com/ebb-ops/ebb/pkg/webconsole/signin"
)

const token = "the operator's token of the tests"

var now = reporttest.Until()

// office is a console, and what its operators asked of the host.
type office struct {
	t      *testing.T
	url    string
	ledger *sqlite.Ledger
	policy *policy.Overlay
	asked  []string // of the host: what, and by whom
	err    error    // what the host answers
}

func (o *office) Undo(_ context.Context, id string, by remedy.Actor, reason string) (remedy.Record, error) {
	o.asked = append(o.asked, "undo "+id+" by "+by.ID+": "+reason)
	return remedy.Record{ID: "u1", Reason: "The state from before is back."}, o.err
}

func (o *office) Replay(_ context.Context, id string) ([]string, error) {
	o.asked = append(o.asked, "replay "+id)
	return []string{"ec2-security-group"}, o.err
}

var functions = []remedy.Function{
	{Name: "ec2-security-group", Title: "Closes ports", Severity: remedy.High, Doc: remedy.Doc{Bad: "Ports that are open to the world.", Limits: []string{"It can't see a firewall."}, Links: []string{"https://docs.example.com/ports"}}},
	{Name: "s3-bucket-policy", Title: "Removes public statements", Severity: remedy.Critical},
}

// newOffice opens a console over an empty ledger. direct and open are what the
// host says of every request.
func newOffice(t *testing.T, direct, open bool, change func(*signin.Options)) *office {
	t.Helper()
	o := &office{t: t}
	var err error
	if o.ledger, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.ledger.Close() })
	clock := func() time.Time { return now }
	o.policy = policy.NewOverlay(policy.Default(functions), clock)
	opts := signin.Options{Token: token, URL: "http://127.0.0.1", Now: clock}
	if change != nil {
		change(&opts)
	}
	desk, err := signin.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	c, err := webconsole.New(webconsole.Config{
		Ledger: o.ledger, Policy: o.policy, Functions: functions, Host: o, Desk: desk,
		Describe:    func(f remedy.Function) (console.Function, error) { return describe.Function(f, o.policy.Policy) },
		Traces:      func(context.Context, remedy.Record) ([]waterfall.Trace, error) { return nil, nil },
		Direct:      func(*http.Request) bool { return direct },
		Open:        func(*http.Request) bool { return direct && open },
		Unavailable: map[string]error{"s3-bucket-policy": errors.New("set A_TOKEN")}, Now: clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(c)
	t.Cleanup(srv.Close)
	o.url = srv.URL
	return o
}

// fill keeps records.
func (o *office) fill(recs ...remedy.Record) {
	o.t.Helper()
	for _, r := range recs {
		if err := o.ledger.SaveRecord(o.t.Context(), r); err != nil {
			o.t.Fatal(err)
		}
	}
}

// visitor is a browser without scripts.
type visitor struct {
	*office
	client http.Client
	csrf   string
}

func (o *office) visitor() *visitor {
	o.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		o.t.Fatal(err)
	}
	return &visitor{o, http.Client{Jar: jar, Timeout: 30 * time.Second}, ""}
}

// operator is a visitor who has signed in with the token.
func (o *office) operator() *visitor {
	o.t.Helper()
	v := o.visitor()
	status, body := v.post("/sign-in/token", "token", token, "name", "ann", "to", "/")
	if status != http.StatusOK {
		o.t.Fatalf("sign in: %d %s", status, body)
	}
	found := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(body)
	if found == nil {
		o.t.Fatalf("the page has no form of this session: %s", body)
	}
	v.csrf = found[1]
	return v
}

func (v *visitor) get(path string) (status int, body string) {
	v.t.Helper()
	return v.answer(v.client.Get(v.url + path))
}

// post sends a form of names and values in turn, with this session's token.
func (v *visitor) post(path string, form ...string) (status int, body string) {
	v.t.Helper()
	q := url.Values{"csrf": {v.csrf}}
	for i := 0; i < len(form); i += 2 {
		q.Set(form[i], form[i+1])
	}
	return v.answer(v.client.PostForm(v.url+path, q))
}

func (v *visitor) answer(res *http.Response, err error) (int, string) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// wants checks a page's status and what stands on it.
func (v *visitor) wants(path string, status int, texts ...string) string {
	v.t.Helper()
	got, body := v.get(path)
	if got != status {
		v.t.Errorf("%s: status %d, want %d", path, got, status)
	}
	contains(v.t, path, body, texts...)
	return body
}

func contains(t *testing.T, what, body string, texts ...string) {
	t.Helper()
	if _, main, ok := strings.Cut(body, "</head>"); ok {
		body = main // without the style, to be readable
	}
	for _, s := range texts {
		if !strings.Contains(body, s) {
			t.Errorf("%s does not hold %q:\n%s", what, s, body)
		}
	}
}
