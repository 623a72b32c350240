package gitearepositoryvisibility

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
	"github.com/ebb-ops/ebb/pkg/saas/gitea/giteatest"
)

// target is the repository of the tests.
var target = Target{Owner: "acme", Name: "site", ID: 7}

type world = remedytest.World[Target, State, Change]

func open(t testing.TB) (world, *giteatest.Server) {
	t.Helper()
	server := giteatest.New(giteatest.User{Token: "t0ken", Login: "ebb", Owns: []string{"acme"}})
	api := httptest.NewServer(server.Handler())
	t.Cleanup(api.Close)
	settings := map[string]string{"EBB_GITEA_URL": api.URL, "GITEA_TOKEN": "t0ken"}
	s, err := newStore(remedy.Env{Getenv: func(name string) string { return settings[name] }})
	if err != nil {
		t.Fatal(err)
	}
	return world{
		Resource: s,
		Seed: func(_ testing.TB, s State) remedy.Event {
			server.Put(giteatest.Repo{
				ID: target.ID, Owner: s.Owner, Name: s.Name, OwnerVisibility: s.OwnerVisibility,
				Private: s.Private, Archived: s.Archived, Fork: s.Fork, Mirror: s.Mirror, Topics: s.Topics,
			})
			return event("push", []byte(`{"repository":{"id":7,"name":"site","owner":{"login":"acme"}}}`))
		},
		State: func(t testing.TB) State {
			r, ok := server.Repo(target.ID)
			if !ok {
				t.Fatal("it is gone")
			}
			return State{r.Owner, r.Name, r.OwnerVisibility, r.Private, r.Archived, r.Fork, r.Mirror, r.Topics}
		},
		Remove: func(testing.TB) { server.Remove(target.ID) },
	}, server
}

func TestConformance(t *testing.T) {
	t.Parallel()
	bad, patch := []string{"public-repository"}, []string{"PATCH /repos/{owner}/{repo}"}
	private, archived := site(true), site(false)
	archived.Archived, archived.Mirror = true, true
	archivedPrivate := archived
	archivedPrivate.Private = true
	allowed, elsewhere := Params{AllowedPublic: []string{"acme/*"}}, Params{Owners: []string{"other"}}
	remedytest.Run(t, remedytest.Suite[Target, State, Change, Params]{
		Function: Function, Rule: rules,
		Open: func(t testing.TB) world { w, _ := open(t); return w },
		Cases: []remedytest.Case[State, Params]{
			{Name: "private", Live: private},
			{Name: "allowed", Live: site(false), Params: &allowed},
			{Name: "of an owner that is not watched", Live: site(false), Params: &elsewhere},
			{Name: "public", Live: site(false), Rules: bad, Want: private, Calls: patch},
			{Name: "was private", Live: site(false), Baseline: &private, Rules: bad, Want: private, Calls: patch},
			{Name: "archived mirror", Live: archived, Rules: bad, Want: archivedPrivate, Calls: patch},
		},
	})
}

func TestStore_follows_the_repository_not_the_name(t *testing.T) {
	t.Parallel()
	w, server := open(t)
	hidden := site(false)
	hidden.Owner, hidden.Name = "acme-web", "hidden"
	w.Seed(t, hidden)
	server.Put(giteatest.Repo{ID: 8, Owner: "acme", Name: "site", OwnerVisibility: public})
	live, err := w.Resource.Read(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(hidden, live); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	if err := w.Resource.Apply(t.Context(), target, Change{Owner: "acme", Repo: "site", Private: true}); err == nil || !strings.Contains(err.Error(), "it was repository 8, not 7") {
		t.Errorf("a change under a name that was taken over: %v", err)
	}
}

func TestStore_says_that_a_fork_stays_public(t *testing.T) {
	t.Parallel()
	w, _ := open(t)
	fork := site(false)
	fork.Fork = true
	w.Seed(t, fork)
	err := w.Resource.Apply(t.Context(), target, Change{Owner: "acme", Repo: "site", Private: true})
	if !remedy.IsPermanent(err) || !strings.Contains(err.Error(), "forked from") {
		t.Errorf("got %v, want a permanent error that says why", err)
	}
}

// The function may ask for no more than it uses.
func TestActions_are_what_the_calls_need(t *testing.T) {
	t.Parallel()
	w, server := open(t)
	w.Seed(t, site(false))
	if _, err := w.Resource.Read(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	if err := w.Resource.Apply(t.Context(), target, Change{Owner: "acme", Repo: "site", Private: true}); err != nil {
		t.Fatal(err)
	}
	// What Gitea's routes ask of a token; the scope to write includes the one to read.
	// https://docs.gitea.com/development/oauth2-provider#scopes
	scope := map[string]string{"GET /api/v1/repositories/7": "write:repository", "PATCH /api/v1/repos/acme/site": "write:repository"}
	var used []string
	for _, call := range server.Log() {
		used = append(used, scope[call])
	}
	if diff := cmp.Diff(Function.Actions, slices.Compact(used)); diff != "" {
		t.Errorf("scopes (-want +got):\n%s", diff)
	}
}

func TestNew_without_settings(t *testing.T) {
	t.Parallel()
	if _, err := remedy.Open(t.Context(), Function, remedy.Env{}); err == nil || !strings.Contains(err.Error(), "set EBB_GITEA_URL") {
		t.Errorf("got %v, want an error that names the setting", err)
	}
}
