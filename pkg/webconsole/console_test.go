package webconsole_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/report/reporttest"
	"github.com/ebb-ops/ebb/pkg/webconsole/signin"
)

func TestList(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true, true, nil)
	v := o.visitor()
	v.wants("/", http.StatusOK, "No records here.", "POST /events", "read only")
	recs := reporttest.Make{}.Records(120)
	o.fill(recs...)
	page := v.wants("/", http.StatusOK, `href="/records/`+recs[0].ID, "security-group/sg-", ">all <span class=\"n\">120</span>")
	if strings.Contains(page, recs[50].ID) || !strings.Contains(page, recs[49].ID) {
		t.Error("the first page has not just 50 records")
	}
	older := between(t, page, `<a class="button quiet" href="`, `" rel="next">Older`)
	page = v.wants(strings.ReplaceAll(older, "&amp;", "&"), http.StatusOK, recs[50].ID, recs[99].ID, "« Newest")
	if strings.Contains(page, recs[49].ID) || strings.Contains(page, "data-live") {
		t.Error("the second page begins with the first's, or would be replaced by it")
	}
	held := 0
	for _, r := range recs {
		if r.Outcome == remedy.Held {
			held++
		}
	}
	v.wants("/?outcome=held", http.StatusOK, fmt.Sprintf(`aria-current="true">held <span class="n">%d</span>`, held), "a person must decide", "These are the oldest.")
	v.wants("/?q=no+such+thing", http.StatusOK, "Nothing matches these filters.")
	v.wants("/?actor="+url.QueryEscape(recs[3].Event.Actor.ID), http.StatusOK, recs[3].ID, `aria-label="Remove the filter actor"`)
	v.wants("/?since=yesterday", http.StatusBadRequest, "This time can&#39;t be understood", "want a duration such as 24h")
	v.wants("/?after=nonsense", http.StatusBadRequest, "no page of the list")
	v.wants("/nowhere", http.StatusNotFound, "There is no such page")
}

// between gives what stands before end, and after the last start before that.
func between(t *testing.T, s, start, end string) string {
	t.Helper()
	head, _, ok := strings.Cut(s, end)
	i := strings.LastIndex(head, start)
	if !ok || i < 0 {
		t.Fatalf("nothing stands between %q and %q", start, end)
	}
	return head[i+len(start):]
}

func TestUntilMeansTheWholeDay(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true, true, nil)
	r := reporttest.Make{}.Record(0)
	r.Times.Received = time.Date(2026, 11, 20, 23, 59, 0, 0, time.UTC)
	o.fill(r)
	o.visitor().wants("/?until=2026-11-20", http.StatusOK, r.ID)
	o.visitor().wants("/?until=2026-11-19", http.StatusOK, "Nothing matches")
}

func TestLive(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true, true, nil)
	recs := reporttest.Make{}.Records(2)
	o.fill(recs[1])
	ask := func(tag string) (status int, next, body string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, o.url+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Ebb-Live", "yes")
		req.Header.Set("If-None-Match", tag)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		status, body = o.visitor().answer(res, nil)
		return status, res.Header.Get("ETag"), body
	}
	page := o.visitor().wants("/", http.StatusOK)
	shown := `"` + between(t, page, `data-live="`, `"><nav class="tabs"`) + `"`
	if status, _, _ := ask(shown); status != http.StatusNotModified {
		t.Errorf("what has not changed is answered with %d", status)
	}
	o.fill(recs[0])
	status, _, body := ask(shown)
	if status != http.StatusOK || !strings.Contains(body, recs[0].ID) || strings.Contains(body, "<html") {
		t.Errorf("a new record: %d %s", status, body)
	}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true, true, nil)
	recs := reporttest.Make{Resources: 1}.Records(14)
	o.fill(recs...)
	v := o.visitor()
	page := v.wants("/records/"+recs[0].ID, http.StatusOK,
		"Port 22 is open to 0.0.0.0/0.", "ec2:RevokeSecurityGroupIngress", recs[1].ID, "All records of it",
		"Sign in</a> as an operator to undo it", "/records/"+recs[0].ID+"/json")
	if strings.Contains(page, "<textarea") || strings.Contains(page, recs[12].ID) {
		t.Error("a visitor is shown a form, or too many neighbours")
	}
	o.operator().wants("/records/"+recs[0].ID, http.StatusOK, `action="/records/`+recs[0].ID+`/undo"`, "Undo this remediation", `action="/exemptions"`)
	o.operator().wants("/records/"+recs[2].ID, http.StatusOK, "Nothing was changed here that could be brought back.")
	v.wants("/records/"+recs[0].ID+"/json", http.StatusOK, `"outcome": "reverted"`)
	v.wants("/records/none", http.StatusNotFound, "There is no such record")
	v.wants("/records/none/json", http.StatusNotFound, "There is no such record")
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true, true, nil)
	o.fill(reporttest.Make{Every: time.Hour}.Records(60)...)
	v := o.visitor()
	v.wants("/functions", http.StatusOK, "ec2-security-group", "Closes ports.", "Not available: Set A_TOKEN.")
	v.wants("/functions/ec2-security-group", http.StatusOK, "Ports that are open to the world.", "It can&#39;t see a firewall.", "https://docs.example.com/ports", "<svg", "20 in 10m an account", "Sign in</a> as an operator to set another mode for a time")
	v.wants("/functions/none", http.StatusNotFound, "There is no such function")
}

// What an attacker puts into events stays text on every page.
func TestHostileText(t *testing.T) {
	t.Parallel()
	texts := reporttest.Hostile()
	o := newOffice(t, true, true, nil)
	recs := reporttest.Make{Text: func(i int) string { return texts[i%len(texts)] }}.Records(len(texts))
	o.fill(recs...)
	for i, s := range texts {
		d := remedy.DeadLetter{ID: fmt.Sprintf("d%d", i), Source: s, Event: s, Reason: s, At: now, Payload: []byte(s)}
		if err := o.ledger.SaveDeadLetter(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		over := remedy.Override{
			ID: fmt.Sprintf("x%d", i), Function: "ec2-security-group", Reason: s, By: remedy.Actor{ID: s}, Created: now, Expires: now.Add(time.Hour),
			Exemption: &remedy.Exemption{ID: s, Resource: s, Reason: s, Owner: s, Expires: now.Add(time.Hour)},
		}
		if err := o.ledger.SaveOverride(t.Context(), over); err != nil {
			t.Fatal(err)
		}
		a := remedy.Action{ID: fmt.Sprintf("a%d", i), At: now, Kind: "undo", By: remedy.Actor{ID: s, Name: s, Via: s}, Subject: s, What: s, Reason: s, Result: s}
		if err := o.ledger.SaveAction(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	v := o.operator()
	paths := []string{"/exemptions", "/dead-letters", "/audit", "/functions/ec2-security-group", "/"}
	for i, s := range texts {
		paths = append(paths, "/records/"+recs[i].ID, fmt.Sprintf("/dead-letters/d%d", i), fmt.Sprintf("/?done=a%d", i), "/?q="+url.QueryEscape(s),
			"/?actor="+url.QueryEscape(s)+"&account="+url.QueryEscape(s), "/sign-in?to="+url.QueryEscape(s), "/exemptions?function=x&resource="+url.QueryEscape(s))
	}
	for _, path := range paths {
		_, body := v.get(path)
		checkHarmless(t, path, body)
	}
}

// checkHarmless reads a page as a browser would: nothing on it but the console's
// own file runs, loads or leads away.
func checkHarmless(t *testing.T, path, body string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if slices.Contains([]string{"iframe", "object", "embed", "base", "math", "foreignObject"}, n.Data) {
			t.Errorf("%s: there is an element %s", path, n.Data)
		}
		for _, a := range n.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "srcdoc":
				t.Errorf("%s: there is an attribute %s", path, a.Key)
			case a.Key == "src" && !strings.HasPrefix(a.Val, "/static/"):
				t.Errorf("%s: it loads %s", path, a.Val)
			case (a.Key == "href" || a.Key == "action") && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "https://docs.example.com/"),
				(a.Key == "href" || a.Key == "action") && strings.HasPrefix(a.Val, "//"):
				t.Errorf("%s: it leads to %s", path, a.Val)
			}
		}
		if n.Data == "script" && n.FirstChild != nil {
			t.Errorf("%s: there is a script in the page", path)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true, true, nil)
	for _, path := range []string{"/", "/records/none", "/sign-in", "/static/none", "/audit"} {
		res, err := http.Get(o.url + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		got := map[string]string{}
		for _, name := range []string{"X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cache-Control"} {
			got[name] = res.Header.Get(name)
		}
		want := map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cache-Control": "no-store"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
		csp := res.Header.Get("Content-Security-Policy")
		contains(t, path, csp, "default-src 'none'", "script-src 'self';", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'")
		if strings.Contains(csp, "unsafe") {
			t.Errorf("%s: the policy is %s", path, csp)
		}
	}
}

// Where records may not be read by whoever asks, every page is closed.
func TestWhoMayRead(t *testing.T) {
	t.Parallel()
	provider := func(o *signin.Options) {
		o.Token = ""
		o.Provider = &signin.Provider{Issuer: "https://id.example.com", ClientID: "ebb", Operators: []signin.Claim{{Name: "groups", Value: "sre"}}}
	}
	none := func(o *signin.Options) { o.Token = "" }
	for name, tt := range map[string]struct {
		direct, open bool
		options      func(*signin.Options)
		status       int
		text         string
	}{
		"on this machine":                       {true, true, none, http.StatusOK, "Records"},
		"on this machine, with a token":         {true, true, nil, http.StatusOK, "Records"},
		"on this machine, closed by a token":    {true, false, nil, http.StatusOK, "Operator's token"},
		"on this machine, with a provider":      {true, true, provider, http.StatusOK, "Sign in at id.example.com"},
		"from elsewhere":                        {false, false, none, http.StatusForbidden, "The console is closed here"},
		"from elsewhere, with a token":          {false, false, nil, http.StatusForbidden, "The console is closed here"},
		"from elsewhere, with a provider":       {false, false, provider, http.StatusOK, "Sign in at id.example.com"},
		"closed by a token, nobody can sign in": {true, false, none, http.StatusForbidden, "The console is closed here"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, tt.direct, tt.open, tt.options)
			r := reporttest.Make{}.Record(0)
			o.fill(r)
			for _, path := range []string{"/", "/records/" + r.ID, "/records/" + r.ID + "/json", "/functions", "/functions/ec2-security-group", "/exemptions", "/dead-letters", "/dead-letters/d1", "/audit"} {
				status, body := o.visitor().get(path)
				readable := tt.text == "Records"
				if readable {
					continue
				}
				if status != tt.status || !strings.Contains(body, tt.text) || strings.Contains(body, "sg-") {
					t.Errorf("%s: status %d, want %d and %q", path, status, tt.status, tt.text)
				}
			}
			if tt.text == "Records" {
				o.visitor().wants("/", http.StatusOK, r.ID)
			}
		})
	}
}
