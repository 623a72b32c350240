package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas/gitea/giteatest"
	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
)

func TestServe_webhook(t *testing.T) {
	t.Parallel()
	hs := newHouse("Hello-World")
	r := serve(t, config(t, hs.function()))
	body, err := os.ReadFile("../../../events/github-webhook/publicized.json")
	if err != nil {
		t.Fatal(err)
	}
	deliver := func(id, key string) (int, string) {
		req, err := githubtest.Deliver(r.url+"/webhooks/github", body, "repository", id, key)
		if err != nil {
			t.Fatal(err)
		}
		return r.send(req)
	}
	if status, answer := deliver("d0", "another secret"); status != http.StatusUnauthorized || strings.Contains(answer, secret) {
		t.Errorf("a wrong signature gives %d %s, want 401", status, answer)
	}
	for range 3 {
		if status, answer := deliver("d1", secret); status != http.StatusAccepted {
			t.Errorf("a signed delivery gives %d %s, want 202", status, answer)
		}
	}
	r.await(map[string]remedy.Outcome{"d1": remedy.Reverted})
	hs.wantSwitched(t, "Hello-World")
}

// Each product's webhooks are proven with that product's secrets alone.
func TestServe_webhooks_of_two_products(t *testing.T) {
	t.Parallel()
	cfg := config(t, newHouse().function())
	cfg.Gitea = []string{"new", "old"}
	r := serve(t, cfg)
	body := []byte(`{"action":"created","repository":{"id":7}}`)
	for i, tt := range []struct {
		path, key string
		deliver   func(url string, body []byte, event, delivery, secret string) (*http.Request, error)
		status    int
	}{
		{"/webhooks/gitea", "new", giteatest.Deliver, http.StatusAccepted},
		{"/webhooks/gitea", "old", giteatest.Deliver, http.StatusAccepted},
		{"/webhooks/gitea", secret, giteatest.Deliver, http.StatusUnauthorized},
		{"/webhooks/github", "new", giteatest.Deliver, http.StatusUnauthorized}, // it has GitHub's headers too
		{"/webhooks/gitea", "new", githubtest.Deliver, http.StatusUnauthorized},
		{"/webhooks/github", secret, githubtest.Deliver, http.StatusAccepted},
	} {
		req, err := tt.deliver(r.url+tt.path, body, "repository", fmt.Sprint("d", i), tt.key)
		if err != nil {
			t.Fatal(err)
		}
		if status, answer := r.send(req); status != tt.status {
			t.Errorf("%d: %d %s, want %d", i, status, answer, tt.status)
		}
	}
}

func TestServe_events_in_each_form(t *testing.T) {
	t.Parallel()
	hs := newHouse("a", "b", "c", "d", "e")
	r := serve(t, config(t, hs.function()))
	tests := map[string]struct {
		body string
		want string // ids and functions, or why they are ignored
	}{
		"one":         {event("e1", "a"), `[{"id":"e1","functions":["lamps"]}]`},
		"array":       {"[" + event("e2", "b") + "," + event("e3", "c") + "]", `[{"id":"e2","functions":["lamps"]},{"id":"e3","functions":["lamps"]}]`},
		"lines":       {event("e4", "d") + "\n" + event("e5", "e") + "\n", `[{"id":"e4","functions":["lamps"]},{"id":"e5","functions":["lamps"]}]`},
		"not for us":  {strings.Replace(event("e6", "a"), `"On"`, `"Off"`, 1), `[{"id":"e6","ignored":"no function is triggered by Off from test"}]`},
		"failed call": {`[{"eventID":"x","eventName":"CreateBucket","eventSource":"s3.amazonaws.com","eventTime":"2026-11-21T09:00:00Z","awsRegion":"us-east-1","errorCode":"AccessDenied"}]`, `[{"id":"x","ignored":"the call failed with AccessDenied: it changed nothing"}]`},
	}
	for name, tt := range tests {
		status, body := r.do(http.MethodPost, "/events", tt.body)
		var compact bytes.Buffer
		if err := json.Compact(&compact, []byte(body)); err != nil || status != http.StatusAccepted || compact.String() != `{"events":`+tt.want+`}` {
			t.Errorf("%s: %d %s, want 202 with %s", name, status, body, tt.want)
		}
	}
	r.await(map[string]remedy.Outcome{
		"e1": remedy.Reverted, "e2": remedy.Reverted, "e3": remedy.Reverted, "e4": remedy.Reverted, "e5": remedy.Reverted,
	})
	hs.wantSwitched(t, "a", "b", "c", "d", "e")
}

func TestServe_bad_requests_change_nothing(t *testing.T) {
	t.Parallel()
	hs := newHouse("a")
	r := serve(t, config(t, hs.function()))
	good := event("e1", "a")
	tests := map[string]struct {
		method, path, body string
		status             int
		text               string
	}{
		"truncated":         {"POST", "/events", good[:80], 400, "nothing was accepted"},
		"second one broken": {"POST", "/events", good + "\n{", 400, "event 2"},
		"empty":             {"POST", "/events", "", 400, ""},
		"no id":             {"POST", "/events", `{"source":"test","detail-type":"On","detail":{}}`, 400, "id"},
		"too deep":          {"POST", "/events", good[:len(good)-1] + `,"x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`, 400, "deep"},
		"not UTF-8":         {"POST", "/events", strings.Replace(good, `"a"`, "\"\xff\"", 1), 400, "UTF-8"},
		"huge":              {"POST", "/events", strings.Repeat(" ", 65<<20), 413, "too large"},
		"wrong method":      {"GET", "/events", "", 405, ""},
		"GET webhook":       {"GET", "/webhooks/github", "", 405, ""},
		"unknown path":      {"GET", "/nope", "", 404, ""},
		"unknown record":    {"GET", "/api/records/nope", "", 404, "no such record"},
		"bad limit":         {"GET", "/api/records?limit=0", "", 400, "1 to 1000"},
		"bad since":         {"GET", "/api/records?since=yesterday", "", 400, "24h"},
		"bad after":         {"GET", "/api/records?after=%21", "", 400, "next"},
	}
	for name, tt := range tests {
		status, body := r.do(tt.method, tt.path, tt.body)
		if status != tt.status || !strings.Contains(body, tt.text) {
			t.Errorf("%s: %d %s, want %d with %q", name, status, body, tt.status, tt.text)
		}
	}
	if got := r.outcomes(); len(got) != 0 {
		t.Errorf("records %v, want none", got)
	}
	hs.wantSwitched(t)
}

func TestServe_records(t *testing.T) {
	t.Parallel()
	r := serve(t, config(t, newHouse("a", "b").function()))
	r.do(http.MethodPost, "/events", event("e1", "a")+event("e2", "b"))
	r.await(map[string]remedy.Outcome{"e1": remedy.Reverted, "e2": remedy.Reverted})
	tests := map[string]int{
		"":                            2,
		"?outcome=reverted":           2,
		"?outcome=failed":             0,
		"?function=lamps&since=1h":    2,
		"?function=other":             0,
		"?since=2100-01-01T00:00:00Z": 0,
		"?limit=1":                    1,
	}
	for query, want := range tests {
		_, body := r.do(http.MethodGet, "/api/records"+query, "")
		var page struct{ Records []json.RawMessage }
		if err := json.Unmarshal([]byte(body), &page); err != nil || page.Records == nil || len(page.Records) != want {
			t.Errorf("%s: %d records, want %d: %s", query, len(page.Records), want, body)
			continue
		}
		for _, raw := range page.Records {
			var listed, alone remedy.Record
			if err := json.Unmarshal(raw, &listed); err != nil {
				t.Fatal(err)
			}
			status, one := r.do(http.MethodGet, "/api/records/"+listed.ID, "")
			if err := json.Unmarshal([]byte(one), &alone); err != nil || status != http.StatusOK {
				t.Fatalf("record %s: %d %s", listed.ID, status, one)
			}
			if diff := cmp.Diff(compacted(t, listed), compacted(t, alone)); diff != "" {
				t.Errorf("record %s (-listed +alone):\n%s", listed.ID, diff)
			}
		}
	}
}

func compacted(t *testing.T, rec remedy.Record) string {
	t.Helper()
	b, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestServe_put_events_by_an_unmodified_client(t *testing.T) {
	t.Parallel()
	r := serve(t, config(t, newHouse("a").function()))
	client := eventbridge.NewFromConfig(aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String(r.url), Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
	})
	out, err := client.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		{Source: aws.String("test"), DetailType: aws.String("On"), Detail: aws.String(`{"lamp":"a"}`)},
		{Source: aws.String("test"), DetailType: aws.String("On"), Detail: aws.String(`not JSON`)},
		{Source: aws.String("aws.ec2"), DetailType: aws.String("AWS API Call via CloudTrail"), Detail: aws.String(`{"eventName":7}`)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if out.FailedEntryCount != 1 || out.Entries[0].EventId == nil || aws.ToString(out.Entries[1].ErrorCode) != "MalformedDetail" || out.Entries[2].EventId == nil {
		t.Errorf("entries = %+v, want the second one refused", out.Entries)
	}
	r.await(map[string]remedy.Outcome{*out.Entries[0].EventId: remedy.Reverted})
}

func TestServe_authority(t *testing.T) {
	t.Parallel()
	const open = 0 // any answer but 401 and 403
	tests := map[string]struct {
		listen, token string
		headers       []string
		want          int
	}{
		"loopback":                       {listen: "127.0.0.1:0", want: open},
		"loopback by name":               {listen: "127.0.0.1:0", headers: []string{"Host", "localhost:8484"}, want: open},
		"loopback under another name":    {listen: "127.0.0.1:0", headers: []string{"Host", "evil.example"}, want: 403},
		"through a proxy":                {listen: "127.0.0.1:0", headers: []string{"X-Forwarded-For", "203.0.113.7"}, want: 403},
		"every address":                  {listen: "0.0.0.0:0", want: 403},
		"every address, with the token":  {listen: "0.0.0.0:0", token: "t0", headers: []string{"Authorization", "Bearer t0"}, want: open},
		"a proxy with the token":         {listen: "127.0.0.1:0", token: "t0", headers: []string{"Authorization", "bearer t0", "X-Forwarded-For", "203.0.113.7"}, want: open},
		"no token though one is set":     {listen: "127.0.0.1:0", token: "t0", want: 401},
		"a wrong token":                  {listen: "127.0.0.1:0", token: "t0", headers: []string{"Authorization", "Bearer t1"}, want: 401},
		"a prefix of the token":          {listen: "127.0.0.1:0", token: "t0", headers: []string{"Authorization", "Bearer t"}, want: 401},
		"the token under another scheme": {listen: "127.0.0.1:0", token: "t0", headers: []string{"Authorization", "Basic t0"}, want: 401},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(t, newHouse().function())
			cfg.Listen, cfg.Token = tt.listen, tt.token
			r := serve(t, cfg)
			r.url = strings.Replace(r.url, "[::]", "127.0.0.1", 1)
			for path, method := range map[string]string{
				"/api/records": http.MethodGet, "/api/records/nope": http.MethodGet, "/events": http.MethodPost, "/": http.MethodPost,
			} {
				status, body := r.do(method, path, "", tt.headers...)
				refused := status == http.StatusUnauthorized || status == http.StatusForbidden
				if tt.want == open && refused || tt.want != open && status != tt.want {
					t.Errorf("%s: %d %s, want %d", path, status, body, tt.want)
				}
			}
			if status, _ := r.do(http.MethodGet, "/healthz", ""); status != http.StatusOK {
				t.Errorf("healthz: %d, want 200", status)
			}
		})
	}
	t.Run("another site's page", func(t *testing.T) {
		t.Parallel()
		r := serve(t, config(t, newHouse("a").function()))
		status, body := r.do(http.MethodPost, "/events", event("e1", "a"), "Sec-Fetch-Site", "cross-site", "Content-Type", "text/plain")
		if status != http.StatusForbidden {
			t.Errorf("%d %s, want 403", status, body)
		}
	})
}

func TestServe_failures_become_dead_letters(t *testing.T) {
	t.Parallel()
	hs := newHouse("a")
	hs.err = errors.New("the house can't be reached")
	cfg := config(t, hs.function())
	r := serve(t, cfg)
	r.do(http.MethodPost, "/events", event("e1", "a")+event("e2", "poison"))
	waitFor(t, func() string {
		_, body := r.do(http.MethodGet, "/readyz", "")
		if strings.Contains(body, `"pending": 0`) {
			return ""
		}
		return body
	})
	r.await(map[string]remedy.Outcome{"e1": remedy.Failed, "e2": remedy.Failed})
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	attempts := map[string]int{}
	for _, d := range deadLetters(t, cfg.Data) {
		attempts[d.Event] = d.Attempts
		if d.Function != "lamps" || !strings.Contains(d.Reason, "the house can't be reached") && !strings.Contains(d.Reason, "poison") {
			t.Errorf("dead letter %+v lacks its function or its reason", d)
		}
	}
	// No retry mends a poison.
	if diff := cmp.Diff(map[string]int{"e1": 3, "e2": 1}, attempts); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
}

func TestServe_unavailable_function_does_not_stop_the_others(t *testing.T) {
	t.Parallel()
	broken := remedy.Function{
		Name: "broken", Triggers: []remedy.Trigger{{Source: "test", Names: []string{"On"}}},
		New: func(context.Context, remedy.Env) (remedy.Remedy, error) { return nil, errors.New("no credentials") },
	}
	r := serve(t, config(t, broken, newHouse("a").function()))
	if _, body := r.do(http.MethodGet, "/readyz", ""); !strings.Contains(body, "no credentials") {
		t.Errorf("readyz = %s, want it to say which function is not available", body)
	}
	r.do(http.MethodPost, "/events", event("e1", "a"))
	r.await(map[string]remedy.Outcome{"e1": remedy.Reverted})
}
