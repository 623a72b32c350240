package gitea_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas/gitea"
	"github.com/ebb-ops/ebb/pkg/saas/gitea/giteatest"
)

var site = gitea.Ref{Owner: "acme", Name: "site", ID: 7}

// owner is who owns the organization acme.
func owner() giteatest.User {
	return giteatest.User{Token: "t0ken", Login: "ebb", Owns: []string{"acme"}}
}

func env(t *testing.T, handler http.Handler, settings map[string]string) remedy.Env {
	t.Helper()
	api := httptest.NewServer(handler)
	t.Cleanup(api.Close)
	if settings["EBB_GITEA_URL"] == "" {
		settings["EBB_GITEA_URL"] = api.URL
	}
	return remedy.Env{Getenv: func(name string) string { return settings[name] }}
}

func client(t *testing.T, handler http.Handler) *gitea.Client {
	t.Helper()
	c, err := gitea.New(env(t, handler, map[string]string{"GITEA_TOKEN": "t0ken"}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRepository(t *testing.T) {
	t.Parallel()
	s := giteatest.New(owner())
	s.Put(giteatest.Repo{ID: 7, Owner: "new-acme", Name: "web", OwnerVisibility: "public", Archived: true, Mirror: true, Topics: []string{"web"}})
	got, err := client(t, s.Handler()).Repository(t.Context(), site)
	if err != nil {
		t.Fatal(err)
	}
	want := gitea.Repository{Owner: "new-acme", Name: "web", OwnerVisibility: "public", Archived: true, Mirror: true, Topics: []string{"web"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("repository (-want +got):\n%s", diff)
	}
}

// A 404 means that the repository is gone only to a token that provably sees all
// of its owner's.
func TestRepository_that_is_not_found(t *testing.T) {
	t.Parallel()
	user := func(edit func(*giteatest.User)) giteatest.User {
		u := giteatest.User{Token: "t0ken", Login: "ebb"}
		edit(&u)
		return u
	}
	for name, tt := range map[string]struct {
		user giteatest.User
		gone bool
	}{
		"owner of the organization": {owner(), true},
		"the owner":                 {user(func(u *giteatest.User) { u.Login = "Acme" }), true},
		"site administrator":        {user(func(u *giteatest.User) { u.Admin = true }), true},
		"owner of another":          {user(func(u *giteatest.User) { u.Owns = []string{"other"} }), false},
		"nobody":                    {user(func(*giteatest.User) {}), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client(t, giteatest.New(tt.user).Handler()).Repository(t.Context(), site)
			if err == nil || errors.Is(err, remedy.ErrGone) != tt.gone || remedy.IsPermanent(err) {
				t.Errorf("error = %v, gone: want %v", err, tt.gone)
			}
		})
	}
}

func TestRepository_that_is_hidden(t *testing.T) {
	t.Parallel()
	s := giteatest.New(giteatest.User{Token: "t0ken", Login: "ebb"})
	s.Put(giteatest.Repo{ID: 7, Owner: "acme", Name: "site", OwnerVisibility: "public", Private: true})
	if _, err := client(t, s.Handler()).Repository(t.Context(), site); err == nil || errors.Is(err, remedy.ErrGone) {
		t.Errorf("error = %v, want one that leaves it open", err)
	}
}

// answer is a server with one answer to everything.
func answer(status int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

func TestRepository_from_what_is_no_Gitea(t *testing.T) {
	t.Parallel()
	const good = `{"id":7,"name":"site","owner":{"login":"acme","visibility":"public"},"private":false}`
	if _, err := client(t, answer(200, good)).Repository(t.Context(), site); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"a page":               {200, "<html>", "not JSON of Gitea's"},
		"a page, not found":    {404, "<html>", "find out whether GITEA_TOKEN would see it"},
		"nothing":              {200, "{}", "not a repository as Ebb knows"},
		"another repository":   {200, strings.Replace(good, "7", "8", 1), "not a repository as Ebb knows"},
		"no visibility":        {200, strings.Replace(good, `"visibility":"public"`, `"x":1`, 1), "not a repository as Ebb knows"},
		"an unknown one":       {200, strings.Replace(good, `"public"`, `"secret"`, 1), "not a repository as Ebb knows"},
		"no word of private":   {200, strings.Replace(good, `"private"`, `"x"`, 1), "not a repository as Ebb knows"},
		"a long error":         {400, `{"message":"` + strings.Repeat("x", 500) + `"}`, "Gitea answers 400: " + strings.Repeat("x", 300)},
		"a token that is none": {401, `{"message":"user does not exist"}`, "check GITEA_TOKEN"},
		"a scope too few":      {403, `{"message":"token does not have at least one of required scope(s)"}`, "GITEA_TOKEN needs the scope read:repository"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := client(t, answer(tt.status, tt.body)).Repository(t.Context(), site)
			if err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, remedy.ErrGone) || remedy.IsPermanent(err) {
				t.Errorf("error = %v, want one to retry with %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "t0ken") || len(err.Error()) > 500 {
				t.Errorf("error = %v", err)
			}
			if diff := cmp.Diff(gitea.Repository{}, got); diff != "" {
				t.Errorf("an error with a repository: %s", diff)
			}
		})
	}
}

func TestSetPrivate(t *testing.T) {
	t.Parallel()
	public := giteatest.Repo{ID: 7, Owner: "acme", Name: "site", OwnerVisibility: "public", Archived: true, Topics: []string{"web"}}
	private, fork, other := public, public, public
	private.Private, fork.Fork, other.ID = true, true, 8
	for name, tt := range map[string]struct {
		user      giteatest.User
		live      giteatest.Repo
		private   bool
		want      giteatest.Repo
		err       string // part of it
		permanent bool
	}{
		"public to private":  {owner(), public, true, private, "", false},
		"private to public":  {owner(), private, false, public, "", false},
		"private already":    {owner(), private, true, private, "", false},
		"a fork":             {owner(), fork, true, fork, "forked from", true},
		"of another's":       {giteatest.User{Token: "t0ken", Login: "ebb"}, public, true, public, "its user must administer", false},
		"renamed or gone":    {owner(), giteatest.Repo{ID: 7, Owner: "acme", Name: "web"}, true, giteatest.Repo{ID: 7, Owner: "acme", Name: "web"}, "it is gone or renamed", false},
		"a name taken over":  {owner(), other, true, func() giteatest.Repo { o := other; o.Private = true; return o }(), "it was repository 8, not 7", false},
		"with a wrong token": {giteatest.User{Token: "an0ther"}, public, true, public, "check GITEA_TOKEN", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := giteatest.New(tt.user)
			s.Put(tt.live)
			err := client(t, s.Handler()).SetPrivate(t.Context(), site, "acme", "site", tt.private)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) || remedy.IsPermanent(err) != tt.permanent {
				t.Errorf("error = %v, permanent %v; want %q, %v", err, remedy.IsPermanent(err), tt.err, tt.permanent)
			}
			got, _ := s.Repo(tt.live.ID)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("repository (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSetPrivate_that_is_refused_for_good(t *testing.T) {
	t.Parallel()
	err := client(t, answer(422, `{"message":"cannot change private repository to public"}`)).SetPrivate(t.Context(), site, "acme", "site", false)
	if !remedy.IsPermanent(err) || !strings.Contains(err.Error(), "cannot change private repository to public") {
		t.Errorf("error = %v, want Gitea's own words, permanent", err)
	}
}

func TestNew_names_the_setting(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		settings map[string]string
		want     string
	}{
		"no URL":         {map[string]string{"GITEA_TOKEN": "t0ken"}, "set EBB_GITEA_URL"},
		"no scheme":      {map[string]string{"EBB_GITEA_URL": "git.example.com", "GITEA_TOKEN": "t0ken"}, "set EBB_GITEA_URL"},
		"another scheme": {map[string]string{"EBB_GITEA_URL": "ssh://git.example.com", "GITEA_TOKEN": "t0ken"}, "set EBB_GITEA_URL"},
		"a password":     {map[string]string{"EBB_GITEA_URL": "https://ann:hunter2@git.example.com", "GITEA_TOKEN": "t0ken"}, "set EBB_GITEA_URL"},
		"no token":       {map[string]string{"EBB_GITEA_URL": "https://git.example.com"}, "set GITEA_TOKEN"},
		"a line break":   {map[string]string{"EBB_GITEA_URL": "https://git.example.com", "GITEA_TOKEN": "t0ken\n"}, "GITEA_TOKEN holds a character"},
		"nothing reads":  {map[string]string{"EBB_GITEA_URL": "https://git.example.com", "EBB_GITEA_CREDENTIALS_ARN": "arn:gitea"}, "EBB_GITEA_CREDENTIALS_ARN is set"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := gitea.New(remedy.Env{Getenv: func(name string) string { return tt.settings[name] }})
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "t0ken") {
				t.Errorf("error = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestNew_of_an_instance_in_a_folder(t *testing.T) {
	t.Parallel()
	s := giteatest.New(owner())
	s.Put(giteatest.Repo{ID: 7, Owner: "acme", Name: "site", OwnerVisibility: "public"})
	api := httptest.NewServer(http.StripPrefix("/git", s.Handler()))
	t.Cleanup(api.Close)
	c, err := gitea.New(env(t, nil, map[string]string{"EBB_GITEA_URL": api.URL + "/git", "GITEA_TOKEN": "t0ken"}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Repository(t.Context(), site); err != nil {
		t.Error(err)
	}
}

// Stored credentials are replaced while Ebb runs.
func TestStoredCredentials(t *testing.T) {
	t.Parallel()
	s := giteatest.New(owner())
	s.Put(giteatest.Repo{ID: 7, Owner: "acme", Name: "site", OwnerVisibility: "public"})
	members, asked := map[string]string{"token": "0ld"}, []bool(nil)
	e := env(t, s.Handler(), map[string]string{"EBB_GITEA_CREDENTIALS_ARN": "arn:gitea", "GITEA_TOKEN": "of a setting"})
	e.Secret = func(_ context.Context, id string, refused bool) (map[string]string, error) {
		asked = append(asked, refused)
		return members, nil
	}
	c, err := gitea.New(e)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Repository(t.Context(), site); err == nil || !strings.Contains(err.Error(), "the secret arn:gitea") || strings.Contains(err.Error(), "0ld") {
		t.Errorf("error = %v, want one that names the secret", err)
	}
	members = map[string]string{"token": "t0ken"}
	for range 2 {
		if _, err := c.Repository(t.Context(), site); err != nil {
			t.Fatal(err)
		}
	}
	if want := []bool{false, true, false}; !slices.Equal(want, asked) {
		t.Errorf("the secret was asked for with refused = %v, want %v", asked, want)
	}
	for _, members = range []map[string]string{{"token": ""}, {"token": "t0ken\n"}} {
		if _, err := c.Repository(t.Context(), site); err == nil || !strings.Contains(err.Error(), "secret arn:gitea") || strings.Contains(err.Error(), "t0ken") {
			t.Errorf("error = %v, want one that names the secret", err)
		}
	}
}
