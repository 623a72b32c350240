//go:build linux

package functions_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// gate stands before the emulator, which lets everyone assume every role: it
// refuses as a role's trust policy would that asks for an external id.
type gate struct {
	url string

	mu      sync.Mutex
	assumed []url.Values
}

func newGate(t *testing.T, emulator, externalID string) *gate {
	t.Helper()
	target, err := url.Parse(emulator)
	check(t, err)
	g, proxy := &gate{}, httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, _ := url.ParseQuery(string(body))
		if form.Get("Action") == "AssumeRole" {
			g.mu.Lock()
			g.assumed = append(g.assumed, form)
			g.mu.Unlock()
			if form.Get("ExternalId") != externalID {
				w.Header().Set("Content-Type", "text/xml")
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User is not authorized to perform: sts:AssumeRole on resource: `+form.Get("RoleArn")+`</Message></Error></ErrorResponse>`)
				return
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

// TestSpokeOnLambda has a function with the hub's credentials put back a change
// in another account, and be refused there.
func TestSpokeOnLambda(t *testing.T) {
	const name = "ec2-security-group"
	hub, spoke := mototest.New(t), mototest.New(t)
	s := stageFor(t, name, spoke)
	ledger := newLedger(t, hub)
	listen(t, hub, `{"source":["ebb"]}`)
	g := newGate(t, hub.Env.AWSEndpoint, "acme-"+name)
	start := func(t *testing.T, externalID string) emulator {
		settings := lambdaSettings(t, hub)
		settings["AWS_ENDPOINT_URL"] = g.url
		settings["EBB_ACCOUNT"] = hub.ID
		settings["EBB_SPOKE_ROLE"] = "arn:aws:iam::{account}:role/ebb-{function}"
		settings["EBB_SPOKE_EXTERNAL_ID"] = externalID
		return emulate(t, bootstrap(t, folder(name), hostArch), settings)
	}
	role := "arn:aws:iam::" + spoke.ID + ":role/ebb-" + name
	s.spoil(t)

	t.Run("refused", func(t *testing.T) {
		f := start(t, "guess")
		for range 2 { // as Lambda would try again
			body := string(f.raw(t, s.event))
			for _, part := range []string{"errorMessage", role, "account " + spoke.ID, "EBB_SPOKE_EXTERNAL_ID", "trust policy"} {
				if !strings.Contains(body, part) {
					t.Errorf("answer = %s, want an error with %q", body, part)
				}
			}
		}
		want(t, "the state", s.bad, s.state(t))
		want(t, "dead letters", nil, deadLetters(t, ledger)) // the queue gets it once the retries are used up
	})
	t.Run("let in", func(t *testing.T) {
		want(t, "outcomes", []remedy.Outcome{remedy.Reverted}, start(t, "acme-{function}").handle(t, s.event))
		want(t, "the state", s.good, s.state(t))
	})
	recs, _, err := ledger.Records(t.Context(), remedy.Query{Outcome: remedy.Reverted})
	check(t, err)
	if len(recs) != 1 {
		t.Fatalf("records = %+v, want one", recs)
	}
	want(t, "the record's account", spoke.ID, recs[0].Resource.Account)

	g.mu.Lock()
	defer g.mu.Unlock()
	last := g.assumed[len(g.assumed)-1]
	want(t, "the last session", []string{role, recs[0].TraceID, "acme-" + name, name},
		[]string{last.Get("RoleArn"), last.Get("RoleSessionName"), last.Get("ExternalId"), last.Get("Tags.member.1.Value")})
}

// TestAnotherAccountOnLambda shows that without spokes nothing is looked up in
// the wrong account, where it would seem to be gone.
func TestAnotherAccountOnLambda(t *testing.T) {
	const name = "ec2-security-group"
	hub, other := mototest.New(t), mototest.New(t)
	s := stageFor(t, name, other)
	newLedger(t, hub)
	listen(t, hub, `{"source":["ebb"]}`)
	settings := lambdaSettings(t, hub)
	settings["EBB_ACCOUNT"] = hub.ID
	s.spoil(t)
	body := string(emulate(t, bootstrap(t, folder(name), hostArch), settings).raw(t, s.event))
	if !strings.Contains(body, "errorMessage") || !strings.Contains(body, "belongs to account "+other.ID) {
		t.Errorf("answer = %s, want an error that names the account", body)
	}
	want(t, "the state", s.bad, s.state(t))
}
