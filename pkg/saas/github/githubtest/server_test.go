package githubtest_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
	"github.com/ebb-ops/ebb/pkg/webhook"
)

func server() *githubtest.Server {
	s := githubtest.New(githubtest.Options{Tokens: []githubtest.Token{{Value: "t", Login: "ann"}}})
	s.AddRepo(githubtest.Repo{ID: 7, Owner: "acme", Name: "site", Visibility: "public"})
	return s
}

// send makes a request, and gives the answer's status and what it says of the
// repository, or its message.
func send(t *testing.T, rt http.RoundTripper, method, url, token, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := rt.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var v struct{ Visibility, Message string }
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, v.Visibility + v.Message
}

func TestServerOverHTTP(t *testing.T) {
	t.Parallel()
	s := server()
	web := httptest.NewServer(s.Handler())
	defer web.Close()
	for _, step := range []struct {
		method, path, token, body string
		status                    int
		says                      string
	}{
		{"GET", "/repos/acme/site", "t", "", 200, "public"},
		{"GET", "/repos/ACME/Site", "t", "", 200, "public"},
		{"GET", "/repos/acme/site", "other", "", 401, "Bad credentials"},
		{"PATCH", "/repos/acme/site", "t", `{"visibility":"private"}`, 200, "private"},
		{"GET", "/repositories/7", "t", "", 200, "private"},
		{"PATCH", "/repos/acme/site", "t", `{"visibility":"private"}`, 422, "Validation Failed"},
		{"PATCH", "/repos/acme/site", "t", `{"name":"x"}`, 400, `Problems parsing JSON: json: unknown field "name"`},
		{"GET", "/repos/acme/none", "t", "", 404, "Not Found"},
		{"GET", "/nonsense", "t", "", 404, "Not Found"},
	} {
		status, says := send(t, http.DefaultTransport, step.method, web.URL+step.path, step.token, step.body)
		if status != step.status || says != step.says {
			t.Errorf("%s %s: got %d %q, want %d %q", step.method, step.path, status, says, step.status, step.says)
		}
	}
	if n := len(s.Log()); n != 9 {
		t.Errorf("the log has %d requests, want 9", n)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	s := server()
	s.Fail(githubtest.Fault{Method: "PATCH", Status: 503, Count: 1})
	s.Fail(githubtest.Fault{Method: "PATCH", Status: 502, Count: 1, Late: true})
	patch := func() int {
		status, _ := send(t, s.Transport(), "PATCH", "http://x/repos/acme/site", "t", `{"visibility":"private"}`)
		return status
	}
	state := func() string { r, _ := s.Repo("acme", "site"); return r.Visibility }
	var got []any
	for range 3 {
		got = append(got, patch(), state())
	}
	if diff := cmp.Diff([]any{503, "public", 502, "private", 422, "private"}, got); diff != "" {
		t.Error(diff)
	}
}

// A lax test server would hide a client that GitHub refuses.
func TestAppTokensAreHeldToGitHubsRules(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	s := githubtest.New(githubtest.Options{App: &githubtest.App{ID: "42", Key: &key.PublicKey, Installations: []githubtest.Installation{{ID: 3, Account: "acme"}}}})
	sign := func(method jwt.SigningMethod, key any, issuer string, from, to time.Duration) string {
		token, err := jwt.NewWithClaims(method, jwt.RegisteredClaims{
			Issuer: issuer, IssuedAt: jwt.NewNumericDate(now.Add(from)), ExpiresAt: jwt.NewNumericDate(now.Add(to)),
		}).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	for name, tt := range map[string]struct {
		token  string
		status int
	}{
		"right":         {sign(jwt.SigningMethodRS256, key, "42", -time.Minute, 8*time.Minute), 200},
		"too_long":      {sign(jwt.SigningMethodRS256, key, "42", -time.Minute, 10*time.Minute), 401},
		"expired":       {sign(jwt.SigningMethodRS256, key, "42", -9*time.Minute, -time.Minute), 401},
		"from_later":    {sign(jwt.SigningMethodRS256, key, "42", time.Minute, 8*time.Minute), 401},
		"other_app":     {sign(jwt.SigningMethodRS256, key, "43", -time.Minute, 8*time.Minute), 401},
		"other_method":  {sign(jwt.SigningMethodHS256, []byte("k"), "42", -time.Minute, 8*time.Minute), 401},
		"other_digest":  {sign(jwt.SigningMethodRS512, key, "42", -time.Minute, 8*time.Minute), 401},
		"no_token_text": {"", 401},
	} {
		if status, says := send(t, s.Transport(), "GET", "http://x/app/installations/3", tt.token, ""); status != tt.status {
			t.Errorf("%s: got %d %s, want %d", name, status, says, tt.status)
		}
	}
}

func TestPayloadAndDeliver(t *testing.T) {
	t.Parallel()
	body, err := server().Payload(7, "publicized", "ann")
	if err != nil {
		t.Fatal(err)
	}
	r, err := githubtest.Deliver("http://localhost/webhooks/github", body, "repository", "d-1", "s3cret")
	if err != nil {
		t.Fatal(err)
	}
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := webhook.GitHub("s3cret").Verify(r.Header, sent); err != nil {
		t.Error(err)
	}
	var got struct {
		Action       string
		Repository   struct{ ID int64 }
		Organization struct{ Login string }
		Sender       struct{ Login, Type string }
	}
	if err := json.Unmarshal(sent, &got); err != nil {
		t.Fatal(err)
	}
	want := got
	want.Action, want.Repository.ID, want.Organization.Login, want.Sender.Login, want.Sender.Type = "publicized", 7, "acme", "ann", "User"
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := server().Payload(8, "publicized", "ann"); err == nil {
		t.Error("a payload of no repository")
	}
}
