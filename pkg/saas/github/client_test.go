package github_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas"
	"github.com/ebb-ops/ebb/pkg/saas/github"
	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest/contract"
)

var site = github.Ref{Owner: "acme", Name: "site", ID: 7, Installation: 3}

// org is a classic token of the organization's administrator: it sees all.
func org() githubtest.Token {
	return githubtest.Token{Value: "t0ken", Login: "ann", Scopes: []string{"repo", "read:org"}, AdminOf: []string{"acme"}}
}

// description is loaded once: that takes longer than most of the tests.
var description = sync.OnceValues(contract.Load)

func server(o githubtest.Options) *githubtest.Server {
	s := githubtest.New(o)
	s.AddRepo(githubtest.Repo{ID: 7, Owner: "acme", Name: "site", Visibility: "public", Topics: []string{"web"}, Updated: time.Unix(1700000000, 0)})
	return s
}

// env gives an Env whose every call is held to GitHub's description.
func env(t *testing.T, s *githubtest.Server, settings map[string]string) remedy.Env {
	t.Helper()
	d, err := description()
	if err != nil {
		t.Fatal(err)
	}
	return remedy.Env{Transport: d.Transport(t, s.Transport()), Getenv: func(name string) string { return settings[name] }}
}

func withToken(t *testing.T, s *githubtest.Server) *github.Client {
	t.Helper()
	c, err := github.New(env(t, s, map[string]string{"GITHUB_TOKEN": "t0ken"}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// appKey too.
var appKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func newKey(t *testing.T) (*rsa.PrivateKey, string) {
	t.Helper()
	key, err := appKey()
	if err != nil {
		t.Fatal(err)
	}
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// withApp makes a client of an App with the one installation.
func withApp(t *testing.T, in githubtest.Installation) (*github.Client, *githubtest.Server) {
	t.Helper()
	key, text := newKey(t)
	s := server(githubtest.Options{App: &githubtest.App{ID: "42", Key: &key.PublicKey, Installations: []githubtest.Installation{in}}})
	c, err := github.New(env(t, s, map[string]string{"GITHUB_APP_ID": "42", "GITHUB_APP_PRIVATE_KEY": text}))
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

func all() githubtest.Installation { return githubtest.Installation{ID: 3, Account: "acme"} }

func calls(s *githubtest.Server) []string {
	var out []string
	for _, r := range s.Log() {
		out = append(out, r.Method+" "+r.Path)
	}
	return out
}

func TestRepository(t *testing.T) {
	t.Parallel()
	live := github.Repository{ID: 7, Host: "github.com", Owner: "acme", Name: "site", Visibility: "public", Topics: []string{"web"}}
	renamed := live
	renamed.Name = "web"
	for _, tt := range []struct {
		name   string
		change func(*githubtest.Server)
		want   github.Repository
		calls  []string
	}{
		{"as_named", func(*githubtest.Server) {}, live, []string{"GET /repos/acme/site"}},
		{"renamed", func(s *githubtest.Server) { _ = s.Rename(7, "acme", "web") }, renamed, []string{"GET /repos/acme/site", "GET /repositories/7"}},
		{"renamed_and_the_name_taken_over", func(s *githubtest.Server) {
			_ = s.Rename(7, "acme", "web")
			s.AddRepo(githubtest.Repo{ID: 8, Owner: "acme", Name: "site", Visibility: "public"})
		}, renamed, []string{"GET /repos/acme/site", "GET /repositories/7"}},
		{"server_error_once", func(s *githubtest.Server) { s.Fail(githubtest.Fault{Status: 502, Count: 1}) }, live, []string{"GET /repos/acme/site", "GET /repos/acme/site"}},
		{"secondary_rate_limit_once", func(s *githubtest.Server) {
			s.Fail(githubtest.Fault{Status: 403, Count: 1, Body: `{"message":"slow down","documentation_url":"https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`})
		}, live, []string{"GET /repos/acme/site", "GET /repos/acme/site"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := server(githubtest.Options{Tokens: []githubtest.Token{org()}})
				tt.change(s)
				got, err := withToken(t, s).Repository(t.Context(), site)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(tt.calls, calls(s)); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// A 404 means that the repository is gone only to credentials that provably see
// everything the owner has.
func TestRepositoryNotFound(t *testing.T) {
	t.Parallel()
	fine := githubtest.Token{Value: "t0ken", Login: "acme"}
	of := func(login string, scopes []string, adminOf ...string) *githubtest.Token {
		return &githubtest.Token{Value: "t0ken", Login: login, Scopes: scopes, AdminOf: adminOf}
	}
	repo := []string{"read:org", "repo"}
	for _, tt := range []struct {
		name  string
		token *githubtest.Token
		app   *githubtest.Installation
		gone  bool
	}{
		{"fine_grained_token_of_the_owner", &fine, nil, false},
		{"classic_token_without_repo", of("acme", []string{"public_repo", "repo:status"}), nil, false},
		{"classic_token_without_any_scope", of("acme", []string{""}), nil, false},
		{"classic_token_of_the_owner", of("Acme", repo), nil, true},
		{"classic_token_of_the_organizations_administrator", of("ann", repo, "acme"), nil, true},
		{"classic_token_of_another_organizations_administrator", of("ann", repo, "other"), nil, false},
		{"classic_token_of_the_organizations_member", &githubtest.Token{Value: "t0ken", Login: "ann", Scopes: repo, MemberOf: []string{"acme"}}, nil, false},
		{"classic_token_of_a_stranger", of("bob", repo), nil, false},
		{"app_on_all_repositories", nil, &githubtest.Installation{ID: 3, Account: "acme"}, true},
		{"app_on_selected_repositories", nil, &githubtest.Installation{ID: 3, Account: "acme", Only: []int64{9}}, false},
		{"app_of_another_owner", nil, &githubtest.Installation{ID: 3, Account: "other"}, false},
		{"app_that_is_suspended", nil, &githubtest.Installation{ID: 3, Account: "acme", Suspended: true}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var c *github.Client
				var s *githubtest.Server
				if tt.app != nil {
					c, s = withApp(t, *tt.app)
				} else {
					s = server(githubtest.Options{Tokens: []githubtest.Token{*tt.token}})
					c = withToken(t, s)
				}
				s.Remove(7)
				got, err := c.Repository(t.Context(), site)
				if err == nil || !cmp.Equal(got, github.Repository{}) {
					t.Fatalf("got %+v, %v, want an error", got, err)
				}
				if errors.Is(err, remedy.ErrGone) != tt.gone {
					t.Errorf("got %v, want gone %v", err, tt.gone)
				}
				if remedy.IsPermanent(err) {
					t.Errorf("%v: a retry may know more", err)
				}
			})
		})
	}
}

func TestRepositoryThatATokenMayNotSee(t *testing.T) {
	t.Parallel()
	narrow := githubtest.Token{Value: "t0ken", Login: "ann", Only: []int64{9}}
	s := server(githubtest.Options{Tokens: []githubtest.Token{narrow}})
	s.AddRepo(githubtest.Repo{ID: 7, Owner: "acme", Name: "site", Visibility: "private"})
	_, err := withToken(t, s).Repository(t.Context(), site)
	if err == nil || errors.Is(err, remedy.ErrGone) || !strings.Contains(err.Error(), "GITHUB_TOKEN may not see it") {
		t.Errorf("got %v, want an error that says the token may not see it", err)
	}
}

// A replica that lags behind a creation must not pass for a deletion.
func TestRepositoryThatShowsUpLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := server(githubtest.Options{Tokens: []githubtest.Token{org()}})
		s.Fail(githubtest.Fault{Path: "/repos/acme/site", Status: 404, Count: 1})
		s.Fail(githubtest.Fault{Path: "/repositories/7", Status: 404, Count: 1})
		got, err := withToken(t, s).Repository(t.Context(), site)
		if err != nil || got.Visibility != "public" {
			t.Errorf("got %+v, %v, want the public repository", got, err)
		}
	})
}

// Making a repository public and moving it away must not look like a deletion.
func TestRepositoryTransferredOutOfTheInstallation(t *testing.T) {
	t.Parallel()
	c, s := withApp(t, all())
	if err := s.Rename(7, "mallory", "site"); err != nil {
		t.Fatal(err)
	}
	got, err := c.Repository(t.Context(), site)
	if err != nil || got.Owner != "mallory" || got.Visibility != "public" {
		t.Errorf("got %+v, %v, want mallory's public repository", got, err)
	}
	if err := c.SetVisibility(t.Context(), site, got.Owner, got.Name, github.Private); err == nil || !strings.Contains(err.Error(), "administration") {
		t.Errorf("got %v, want an error that names the permission", err)
	}
}

func TestSetVisibility(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		change    func(*githubtest.Server)
		token     githubtest.Token
		want      string // afterwards
		err       string
		permanent bool
	}{
		{name: "public_to_private", token: org(), want: "private"},
		{name: "already_private", token: org(), want: "private", change: func(s *githubtest.Server) {
			s.AddRepo(githubtest.Repo{ID: 7, Owner: "acme", Name: "site", Visibility: "private"})
		}},
		{name: "public_fork", token: org(), want: "public", err: "Public forks can't be made private", permanent: true, change: func(s *githubtest.Server) {
			s.AddRepo(githubtest.Repo{ID: 7, Owner: "acme", Name: "site", Visibility: "public", Fork: true})
		}},
		{name: "archived", token: org(), want: "public", err: "Repository was archived so is read-only.", change: func(s *githubtest.Server) {
			s.AddRepo(githubtest.Repo{ID: 7, Owner: "acme", Name: "site", Visibility: "public", Archived: true})
		}},
		{name: "no_permission", token: githubtest.Token{Value: "t0ken", Login: "ann", ReadOnly: true}, want: "public",
			err: "give GITHUB_TOKEN the permission administration: write (GitHub asks for administration=write): Must have admin rights to Repository."},
		{name: "bad_credentials", token: githubtest.Token{Value: "another", Login: "ann"}, want: "public", err: "refuses the credentials (401): check GITHUB_TOKEN"},
		{name: "server_error_is_not_repeated", token: org(), want: "public", err: "GitHub answers 502", change: func(s *githubtest.Server) {
			s.Fail(githubtest.Fault{Method: "PATCH", Status: 502, Count: 1})
		}},
		{name: "the_answer_was_lost", token: org(), want: "private", err: "GitHub answers 502", change: func(s *githubtest.Server) {
			s.Fail(githubtest.Fault{Method: "PATCH", Status: 502, Count: 1, Late: true})
		}},
		{name: "rate_limit_once", token: org(), want: "private", change: func(s *githubtest.Server) {
			s.Fail(githubtest.Fault{Method: "PATCH", Status: 429, Count: 1, Header: http.Header{"Retry-After": {"2"}}})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := server(githubtest.Options{Tokens: []githubtest.Token{tt.token}})
				if tt.change != nil {
					tt.change(s)
				}
				err := withToken(t, s).SetVisibility(t.Context(), site, "acme", "site", github.Private)
				if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
					t.Errorf("got %v, want %q", err, tt.err)
				}
				if remedy.IsPermanent(err) != tt.permanent {
					t.Errorf("%v: got permanent %v, want %v", err, remedy.IsPermanent(err), tt.permanent)
				}
				if got, _ := s.Repo("acme", "site"); got.Visibility != tt.want {
					t.Errorf("it is %s, want %s", got.Visibility, tt.want)
				}
			})
		})
	}
}

func TestSetVisibilityOfARenamedRepository(t *testing.T) {
	t.Parallel()
	s := server(githubtest.Options{Tokens: []githubtest.Token{org()}})
	if err := s.Rename(7, "acme", "web"); err != nil {
		t.Fatal(err)
	}
	if err := withToken(t, s).SetVisibility(t.Context(), site, "acme", "site", github.Private); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.Repo("acme", "web"); got.Visibility != "private" {
		t.Errorf("it is %s, want private", got.Visibility)
	}
	want := []string{"PATCH /repos/acme/site", "PATCH /repositories/7"}
	if diff := cmp.Diff(want, calls(s)); diff != "" {
		t.Error(diff)
	}
}

func TestSetVisibilityOfANameThatWasTakenOver(t *testing.T) {
	t.Parallel()
	s := server(githubtest.Options{Tokens: []githubtest.Token{org()}})
	s.Remove(7)
	s.AddRepo(githubtest.Repo{ID: 8, Owner: "acme", Name: "site", Visibility: "public"})
	err := withToken(t, s).SetVisibility(t.Context(), site, "acme", "site", github.Private)
	if err == nil || !strings.Contains(err.Error(), "it was repository 8, not 7") {
		t.Errorf("got %v, want an error that says which repository it was", err)
	}
}

func TestRateLimitSaysWhenToComeBack(t *testing.T) {
	t.Parallel()
	s := server(githubtest.Options{Tokens: []githubtest.Token{org()}})
	s.Fail(githubtest.Fault{Status: 403, Header: http.Header{"Retry-After": {"3000"}}})
	_, err := withToken(t, s).Repository(t.Context(), site)
	later, ok := errors.AsType[*saas.RetryLater](err)
	if !ok || time.Until(later.RetryAt()) < 2900*time.Second || remedy.IsPermanent(err) {
		t.Errorf("got %v, want a *saas.RetryLater in 50 minutes", err)
	}
}

func TestAppToken(t *testing.T) {
	t.Parallel()
	const token = "POST /app/installations/3/access_tokens"
	get := "GET /repos/acme/site"
	t.Run("is_narrowed_and_kept", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c, s := withApp(t, all())
			read(t, c, site)
			time.Sleep(54 * time.Minute) // of the test's own clock
			read(t, c, site)
			if diff := cmp.Diff([]string{token, get, get}, calls(s)); diff != "" {
				t.Error(diff)
			}
			want := `{"repository_ids":[7],"permissions":{"administration":"write","metadata":"read"}}`
			if got := s.Log()[0].Body; got != want {
				t.Errorf("asked for %s, want %s", got, want)
			}
		})
	})
	t.Run("is_replaced_before_it_expires", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c, s := withApp(t, all())
			read(t, c, site)
			time.Sleep(56 * time.Minute)
			read(t, c, site)
			if diff := cmp.Diff([]string{token, get, token, get}, calls(s)); diff != "" {
				t.Error(diff)
			}
		})
	})
	t.Run("is_replaced_after_it_was_refused", func(t *testing.T) {
		t.Parallel()
		c, s := withApp(t, all())
		read(t, c, site)
		s.Revoke()
		if _, err := c.Repository(t.Context(), site); err == nil || !strings.Contains(err.Error(), "the GitHub App 42") {
			t.Errorf("got %v, want an error that names the App", err)
		}
		read(t, c, site)
	})
	t.Run("of_an_installation_that_the_event_does_not_name", func(t *testing.T) {
		t.Parallel()
		c, s := withApp(t, all())
		r := site
		r.Installation = 0
		read(t, c, r)
		if diff := cmp.Diff([]string{"GET /repos/acme/site/installation", token, get}, calls(s)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("without_the_permission", func(t *testing.T) {
		t.Parallel()
		in := all()
		in.ReadOnly = true
		c, s := withApp(t, in)
		read(t, c, site)
		err := c.SetVisibility(t.Context(), site, "acme", "site", github.Private)
		if err == nil || !strings.Contains(err.Error(), "give the GitHub App 42 the permission administration: write") {
			t.Errorf("got %v, want an error that names the permission", err)
		}
		if got, _ := s.Repo("acme", "site"); got.Visibility != "public" {
			t.Errorf("it is %s", got.Visibility)
		}
	})
	t.Run("not_installed", func(t *testing.T) {
		t.Parallel()
		c, _ := withApp(t, githubtest.Installation{ID: 4, Account: "other"})
		r := site
		r.Installation = 0
		if _, err := c.Repository(t.Context(), r); err == nil || errors.Is(err, remedy.ErrGone) || !strings.Contains(err.Error(), "installation on acme/site") {
			t.Errorf("got %v, want an error about the installation", err)
		}
	})
}

func read(t *testing.T, c *github.Client, r github.Ref) {
	t.Helper()
	if _, err := c.Repository(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	_, key := newKey(t)
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		url      string
		settings map[string]string
		err      string // part of it; empty means none
	}{
		{"token", "", map[string]string{"GITHUB_TOKEN": "t"}, ""},
		{"enterprise_server", "https://github.acme.com/api/v3", map[string]string{"GITHUB_TOKEN": "t"}, ""},
		{"app", "", map[string]string{"GITHUB_APP_ID": "42", "GITHUB_APP_PRIVATE_KEY": key}, ""},
		{"app_with_a_key_of_one_line", "", map[string]string{"GITHUB_APP_ID": "42", "GITHUB_APP_PRIVATE_KEY": strings.ReplaceAll(key, "\n", `\n`)}, ""},
		{"app_with_a_key_file", "", map[string]string{"GITHUB_APP_ID": "42", "GITHUB_APP_PRIVATE_KEY_FILE": file}, ""},
		{"nothing", "", nil, "no GitHub credentials: set GITHUB_TOKEN, or GITHUB_APP_ID"},
		{"token_with_a_line_break", "", map[string]string{"GITHUB_TOKEN": "s3cret\n"}, "GITHUB_TOKEN holds a character"},
		{"app_without_a_key", "", map[string]string{"GITHUB_APP_ID": "42", "GITHUB_TOKEN": "t"}, "set GITHUB_APP_PRIVATE_KEY"},
		{"app_with_no_file", "", map[string]string{"GITHUB_APP_ID": "42", "GITHUB_APP_PRIVATE_KEY_FILE": file + "x"}, "no such file"},
		{"app_with_a_broken_key", "", map[string]string{"GITHUB_APP_ID": "42", "GITHUB_APP_PRIVATE_KEY": "s3cret"}, "GITHUB_APP_PRIVATE_KEY is not an RSA private key in PEM"},
		{"url_without_a_host", "api.github.com", map[string]string{"GITHUB_TOKEN": "t"}, "the GitHub URL must be like"},
		{"url_with_a_password", "https://u:s3cret@api.github.com", map[string]string{"GITHUB_TOKEN": "t"}, "without user and query"},
		{"url_of_another_scheme", "ftp://api.github.com", map[string]string{"GITHUB_TOKEN": "t"}, "the GitHub URL must be like"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := github.New(remedy.Env{GitHubURL: tt.url, Getenv: func(name string) string { return tt.settings[name] }})
			if tt.err == "" {
				if err != nil || c == nil {
					t.Errorf("got %v, want a client", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %v, want %q and no secret", err, tt.err)
			}
		})
	}
}

// Each answer is nonsense in another way. None may be taken for a state.
func TestNonsenseIsAnError(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"not_json": "<html>", "null": "null", "empty": "", "empty_object": "{}", "wrong_type": `{"id":"7"}`, "list": "[]",
		"another_repository": `{"id":8,"name":"site","owner":{"login":"acme"},"html_url":"https://github.com/acme/site","visibility":"public"}`,
		"unknown_visibility": `{"id":7,"name":"site","owner":{"login":"acme"},"html_url":"https://github.com/acme/site","visibility":"hidden"}`,
		"no_visibility":      `{"id":7,"name":"site","owner":{"login":"acme"},"html_url":"https://github.com/acme/site","private":true}`,
		"truncated":          `{"id":7,"name":"site","owner":{"login":"acme"},"html_url":"https://github.com/acme/site","visibility":"publ`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := server(githubtest.Options{Tokens: []githubtest.Token{org()}})
			s.Fail(githubtest.Fault{Status: 200, Body: body})
			c, err := github.New(remedy.Env{Transport: s.Transport(), Getenv: func(n string) string { return map[string]string{"GITHUB_TOKEN": "t0ken"}[n] }})
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Repository(t.Context(), site)
			if err == nil || !cmp.Equal(got, github.Repository{}) || errors.Is(err, remedy.ErrGone) {
				t.Errorf("got %+v, %v, want an error", got, err)
			}
		})
	}
}

func TestCancelledCallsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := server(githubtest.Options{Tokens: []githubtest.Token{org()}})
		s.Fail(githubtest.Fault{Delay: time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		_, err := withToken(t, s).Repository(ctx, site)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 4*time.Second {
			t.Errorf("got %v after %s, want the deadline's error after 3s", err, time.Since(start))
		}
	})
}

func TestSecretsStayOutOfErrors(t *testing.T) {
	t.Parallel()
	s := server(githubtest.Options{Tokens: []githubtest.Token{{Value: "another", Login: "ann"}}})
	c := withToken(t, s)
	_, readErr := c.Repository(t.Context(), site)
	setErr := c.SetVisibility(t.Context(), site, "acme", "site", github.Private)
	for _, err := range []error{readErr, setErr} {
		if err == nil || strings.Contains(err.Error(), "t0ken") {
			t.Errorf("got %v, want an error without the token", err)
		}
	}
	if slices.ContainsFunc(s.Log(), func(r githubtest.Request) bool { return strings.Contains(r.Path+r.Body, "t0ken") }) {
		t.Error("the token is in a URL or a body")
	}
}
