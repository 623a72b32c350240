package contract_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest/contract"
)

// reports keeps what is reported instead of failing the test.
type reports struct{ said []string }

func (r *reports) Helper() {}
func (r *reports) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

type answers func(*http.Request) *http.Response

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) { return a(r), nil }

func TestTransportReportsViolations(t *testing.T) {
	t.Parallel()
	description, err := contract.Load()
	if err != nil {
		t.Fatal(err)
	}
	server := githubtest.New(githubtest.Options{Tokens: []githubtest.Token{{Value: "t", Login: "ann"}}})
	server.AddRepo(githubtest.Repo{ID: 7, Owner: "acme", Name: "site", Visibility: "public"})
	half := answers(func(r *http.Request) *http.Response {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
			Body: io.NopCloser(strings.NewReader(`{"id": 7, "visibility": "public"}`))}
	})
	for _, tt := range []struct {
		name               string
		next               http.RoundTripper
		method, path, body string
		want               string // part of the report; empty means none
	}{
		{"complete", server.Transport(), "GET", "/repos/acme/site", "", ""},
		{"by_id", server.Transport(), "GET", "/repositories/7", "", ""},
		{"known_change", server.Transport(), "PATCH", "/repos/acme/site", `{"visibility":"internal"}`, ""},
		{"not_found", server.Transport(), "GET", "/repos/acme/other", "", ""},
		{"half_a_repository", half, "GET", "/repos/acme/site", "", "the answer 200 to GET /repos/acme/site is not as GitHub describes it"},
		{"half_a_repository_by_id", half, "GET", "/repositories/7", "", "the answer 200 to GET /repositories/7"},
		{"unknown_visibility", server.Transport(), "PATCH", "/repos/acme/site", `{"visibility":"hidden"}`, "PATCH /repos/acme/site is not as GitHub describes it"},
		{"wrong_type", server.Transport(), "PATCH", "/repos/acme/site", `{"visibility":true}`, "PATCH /repos/acme/site is not as GitHub describes it"},
		{"unknown_call", server.Transport(), "DELETE", "/repos/acme/site", "", "DELETE /repos/acme/site is not as GitHub describes it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &reports{}
			req, err := http.NewRequest(tt.method, "https://api.github.com"+tt.path, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer t")
			req.Header.Set("Content-Type", "application/json")
			res, err := description.Transport(r, tt.next).RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			got := strings.Join(r.said, "\n")
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("reported %q, want %q", got, tt.want)
			}
		})
	}
}
