package webconsole_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ebb-ops/ebb/pkg/bus/inbox"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/report/reporttest"
	"github.com/ebb-ops/ebb/pkg/webconsole/signin"
)

var ann = remedy.Actor{Type: "Operator", ID: "ann", Via: "ebb console, operator token"}

// trail gives the audit trail without what differs each time.
func (o *office) trail() []remedy.Action {
	o.t.Helper()
	list, err := o.ledger.Actions(o.t.Context(), "", 100)
	if err != nil {
		o.t.Fatal(err)
	}
	for i := range list {
		if list[i].ID == "" || !list[i].At.Equal(now) {
			o.t.Errorf("action %+v has no id or not its time", list[i])
		}
		list[i].ID, list[i].At = "", time.Time{}
	}
	return list
}

func (o *office) wantTrail(want ...remedy.Action) {
	o.t.Helper()
	if diff := cmp.Diff(want, o.trail(), cmpopts.EquateEmpty()); diff != "" {
		o.t.Errorf("audit trail (-want +got):\n%s", diff)
	}
}

func (o *office) wantAsked(want ...string) {
	o.t.Helper()
	if diff := cmp.Diff(want, o.asked, cmpopts.EquateEmpty()); diff != "" {
		o.t.Errorf("what was asked of the host (-want +got):\n%s", diff)
	}
}

func TestUndo(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true, true, nil)
	r := reporttest.Make{}.Record(0)
	o.fill(r)
	status, body := o.operator().post("/records/"+r.ID+"/undo", "reason", "  It was <wanted>. ")
	if status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	contains(t, "the page", body, "<strong>Done.</strong> The state from before is back. It is record u1.")
	o.wantAsked("undo " + r.ID + " by ann: It was <wanted>.")
	o.wantTrail(remedy.Action{
		Kind: "undo", By: ann, Function: r.Function, Subject: r.ID, What: "Undo the remediation of " + r.Resource.ID + ".",
		Reason: "It was <wanted>.", Result: "The state from before is back. It is record u1.",
	})
	o.visitor().wants("/audit", http.StatusOK, "It was &lt;wanted&gt;.", "Undo the remediation of")
}

func TestActionThatFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err    error
		status int
		text   string
	}{
		"drifted":     {fmt.Errorf("undo r1: %w", remedy.ErrDrifted), http.StatusConflict, "decide by hand"},
		"not to undo": {fmt.Errorf("undo r1: %w: it is undone", remedy.ErrNotUndoable), http.StatusConflict, "there is nothing to undo: it is undone."},
		"gone":        {remedy.ErrGone, http.StatusConflict, "The resource is gone"},
		"no record":   {remedy.ErrNoRecord, http.StatusNotFound, "Somebody else may have dealt with it"},
		"full":        {&inbox.FullError{Limit: "it is", Wait: time.Second}, http.StatusServiceUnavailable, "The inbox is full"},
		"anything":    {errors.New("access is denied"), http.StatusBadGateway, "Access is denied. Look at the record"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, true, true, nil)
			o.err = tt.err
			status, body := o.operator().post("/records/r1/undo", "reason", "why")
			if status != tt.status {
				t.Errorf("status %d, want %d", status, tt.status)
			}
			contains(t, "the page", body, tt.text, `href="/records/r1">Back</a>`)
			trail := o.trail()
			if len(trail) != 1 || trail[0].Error == "" || trail[0].Result != "" {
				t.Errorf("the trail is %+v", trail)
			}
			o.visitor().wants("/audit", http.StatusOK, "Not done: ")
		})
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true, true, nil)
	d := remedy.DeadLetter{ID: "d1", Function: "ec2-security-group", Event: "e1", Reason: "No repair is known.", Attempts: 3, At: now, Payload: []byte(`{"b":[1,2]}`)}
	if err := o.ledger.SaveDeadLetter(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	o.visitor().wants("/dead-letters", http.StatusOK, "No repair is known.", `href="/dead-letters/d1"`)
	o.visitor().wants("/dead-letters/d1", http.StatusOK, "&#34;b&#34;: [", "to replay it")
	_, body := o.operator().post("/dead-letters/d1/replay", "reason", "The function is mended.")
	contains(t, "the page", body, "The event is back in the inbox, for ec2-security-group.")
	o.wantAsked("replay d1")
	o.wantTrail(remedy.Action{
		Kind: "replay", By: ann, Function: "ec2-security-group", Subject: "d1", What: "Try event e1 again.", Reason: "The function is mended.",
		Result: "The event is back in the inbox, for ec2-security-group. What fails again becomes a dead letter again.",
	})
	o.visitor().wants("/dead-letters/none", http.StatusNotFound, "It may have been replayed")
}

func (o *office) mode() remedy.Mode { return o.policy.Decide("ec2-security-group", remedy.Ref{}).Mode }

func TestModeForATime(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true, true, nil)
	v := o.operator()
	_, body := v.post("/functions/ec2-security-group/mode", "mode", "enforce", "for", "24h", "reason", "We trust it.")
	contains(t, "the page", body, "ec2-security-group is set to enforce until 2026-11-22T09:00:00Z.", "set by ann", "24 hours left", "The policy says observe.")
	if got := o.mode(); got != remedy.Enforce {
		t.Errorf("mode = %s, want enforce", got)
	}
	// A later one ends it: what was decided before does not come back.
	v.post("/functions/ec2-security-group/mode", "mode", "off", "for", "4h", "reason", "We trust it.")
	if got := o.mode(); got != remedy.Off {
		t.Errorf("mode = %s, want off", got)
	}
	o.visitor().wants("/exemptions", http.StatusOK, "We trust it.")
	list, err := o.ledger.Overrides(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("overrides = %v, %v", list, err)
	}
	if !list[0].Holds(now) {
		list[0] = list[1]
	}
	_, body = v.post("/overrides/"+list[0].ID+"/end", "reason", "Enough.")
	contains(t, "the page", body, "ec2-security-group has the mode that the policy gives it.")
	if got := o.mode(); got != remedy.Observe {
		t.Errorf("mode = %s, want observe", got)
	}
	if status, body := v.post("/overrides/"+list[0].ID+"/end", "reason", "Again."); status != http.StatusBadRequest || !strings.Contains(body, "is over already") {
		t.Errorf("ended twice: %d", status)
	}
	kinds := map[string]int{}
	for _, a := range o.trail() {
		kinds[a.Kind+": "+a.Reason]++
	}
	if diff := cmp.Diff(map[string]int{"mode: We trust it.": 2, "end: Enough.": 1, "end: Again.": 1}, kinds); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
}

func TestExempt(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true, true, nil)
	_, body := o.operator().post("/exemptions", "function", "ec2-security-group", "resource", "arn:x:sg-*", "for", "72h", "reason", "A migration.", "back", "/records/r1?a=b")
	contains(t, "the page", body, "There is no such record") // it was sent back to the page it came from
	exempt := func(id string, at time.Time) bool {
		return o.policy.Exempt(remedy.ExemptionQuery{Function: "ec2-security-group", Resource: remedy.Ref{ID: id}, Now: at}) != nil
	}
	got := []bool{exempt("arn:x:sg-1", now), exempt("arn:x:vpc-1", now), exempt("arn:x:sg-1", now.Add(72*time.Hour))}
	if diff := cmp.Diff([]bool{true, false, false}, got); diff != "" {
		t.Errorf("exempt (-want +got):\n%s", diff)
	}
	o.visitor().wants("/exemptions", http.StatusOK, "arn:x:sg-*", "A migration.", "3 days left", "ann")
	o.visitor().wants("/functions/ec2-security-group", http.StatusOK, "arn:x:sg-*")
}

// What a rule does not allow is not done, and says what would be.
func TestRefusedOverrides(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		path string
		form []string
		text string
	}{
		"everything":     {"/exemptions", []string{"function", "ec2-security-group", "resource", "*", "for", "24h"}, "would cover everything"},
		"nothing":        {"/exemptions", []string{"function", "ec2-security-group", "resource", " ", "for", "24h"}, "would cover every resource"},
		"no function":    {"/exemptions", []string{"function", "none", "resource", "x", "for", "24h"}, "There is no function &#34;none&#34;"},
		"too long":       {"/exemptions", []string{"function", "ec2-security-group", "resource", "x", "for", "721h"}, "more than 30 days"},
		"no time":        {"/exemptions", []string{"function", "ec2-security-group", "resource", "x", "for", "x"}, "choose a later one"},
		"negative":       {"/exemptions", []string{"function", "ec2-security-group", "resource", "x", "for", "-1h"}, "choose a later one"},
		"no such mode":   {"/functions/ec2-security-group/mode", []string{"mode", "loud", "for", "24h"}, "choose off, observe or enforce"},
		"mode of none":   {"/functions/none/mode", []string{"mode", "off", "for", "24h"}, "There is no function"},
		"end of nothing": {"/overrides/none/end", nil, "There is no such override"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, true, true, nil)
			status, body := o.operator().post(tt.path, append(tt.form, "reason", "why")...)
			if status != http.StatusBadRequest && status != http.StatusNotFound {
				t.Errorf("status %d", status)
			}
			contains(t, "the page", strings.ReplaceAll(body, "there is no such override", "There is no such override"), tt.text)
			if list, err := o.ledger.Overrides(t.Context()); err != nil || len(list) > 0 {
				t.Errorf("overrides = %v, %v", list, err)
			}
			if trail := o.trail(); len(trail) != 1 || trail[0].Error == "" {
				t.Errorf("the trail is %+v", trail)
			}
		})
	}
}

var actions = []string{
	"/records/r1/undo", "/dead-letters/d1/replay", "/functions/ec2-security-group/mode", "/exemptions", "/overrides/x/end",
}

func everything(change func(url.Values)) url.Values {
	q := url.Values{"reason": {"why"}, "function": {"ec2-security-group"}, "resource": {"x"}, "mode": {"off"}, "for": {"24h"}}
	change(q)
	return q
}

// Nothing is done, and nothing written down, for who may not do it.
func TestForbiddenActions(t *testing.T) {
	t.Parallel()
	token := func(v *visitor) url.Values { return everything(func(q url.Values) { q.Set("csrf", v.csrf) }) }
	for name, tt := range map[string]struct {
		direct, signed bool
		options        func(*signin.Options)
		form           func(*visitor) url.Values
		header, value  string
		status         int
		text           string
	}{
		"nobody":             {true, false, nil, token, "", "", http.StatusUnauthorized, "Sign in first"},
		"nobody can sign in": {true, false, func(o *signin.Options) { o.Token = "" }, token, "", "", http.StatusForbidden, "only shows things here"},
		"without its token":  {true, true, nil, func(*visitor) url.Values { return everything(func(url.Values) {}) }, "", "", http.StatusForbidden, "out of date"},
		"with another token": {true, true, nil, func(*visitor) url.Values { return everything(func(q url.Values) { q.Set("csrf", "x") }) }, "", "", http.StatusForbidden, "out of date"},
		"from another site":  {true, true, nil, token, "Sec-Fetch-Site", "cross-site", http.StatusForbidden, "another site"},
		"of another origin":  {true, true, nil, token, "Origin", "https://evil.example", http.StatusForbidden, "another site"},
		"without a reason":   {true, true, nil, func(v *visitor) url.Values { q := token(v); q.Set("reason", " "); return q }, "", "", http.StatusBadRequest, "The reason is missing"},
		"with a long reason": {true, true, nil, func(v *visitor) url.Values { q := token(v); q.Set("reason", strings.Repeat("x", 2001)); return q }, "", "", http.StatusBadRequest, "The reason is too long"},
		"with a long form":   {true, true, nil, func(v *visitor) url.Values { q := token(v); q.Set("a", strings.Repeat("x", 65<<10)); return q }, "", "", http.StatusForbidden, "it was too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, tt.direct, true, tt.options)
			v := o.visitor()
			if tt.signed {
				v = o.operator()
			}
			for _, path := range actions {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, o.url+path, strings.NewReader(tt.form(v).Encode()))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				if tt.header != "" {
					req.Header.Set(tt.header, tt.value)
				}
				status, body := v.answer(v.client.Do(req))
				if status != tt.status {
					t.Errorf("%s: status %d, want %d", path, status, tt.status)
				}
				contains(t, path, body, tt.text)
			}
			o.wantAsked()
			o.wantTrail()
			if got := o.mode(); got != remedy.Observe {
				t.Errorf("mode = %s, want observe", got)
			}
		})
	}
}

// A session of the token is worth nothing elsewhere, and neither is the token.
func TestTokenIsForThisMachine(t *testing.T) {
	t.Parallel()
	near := newOffice(t, true, true, nil).operator()
	far := newOffice(t, false, false, nil).visitor()
	far.client.Jar.SetCookies(must(url.Parse(far.url)), near.client.Jar.Cookies(must(url.Parse(near.url))))
	far.wants("/", http.StatusForbidden, "The console is closed here")
	if status, body := far.post("/sign-in/token", "token", token, "name", "ann"); status != http.StatusForbidden || !strings.Contains(body, "only on the machine") {
		t.Errorf("the token is taken from elsewhere: %d", status)
	}
}

func must(u *url.URL, err error) *url.URL {
	if err != nil {
		panic(err)
	}
	return u
}

func TestSignInAndOut(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true, true, nil)
	v := o.visitor()
	status, body := v.post("/sign-in/token", "token", "wrong", "name", "ann", "to", "/audit")
	if status != http.StatusForbidden {
		t.Errorf("a wrong token: status %d", status)
	}
	contains(t, "the page", body, "This is not the operator&#39;s token", `value="ann"`, `value="/audit"`)
	v = o.operator()
	v.wants("/", http.StatusOK, "Sign out", ">ann")
	if _, body := v.post("/sign-out", "csrf", "x"); !strings.Contains(body, "Sign out") {
		t.Error("a form without the session's token signs out")
	}
	if _, body := v.post("/sign-out"); strings.Contains(body, "Sign out") {
		t.Error("the session goes on")
	}
}

// No page leads away after a sign-in.
func TestSignInStaysHere(t *testing.T) {
	t.Parallel()
	o := newOffice(t, true, true, nil)
	v := o.visitor()
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := v.client.PostForm(o.url+"/sign-in/token", url.Values{"token": {token}, "name": {"ann"}, "to": {"//evil.example/"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if got := res.Header.Get("Location"); got != "/" {
		t.Errorf("it leads to %q", got)
	}
}
