package githubrepositoryvisibility

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
	"github.com/ebb-ops/ebb/pkg/saas/github"
	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest/contract"
)

type suite = remedytest.Suite[Target, State, Change, Params]

type world = remedytest.World[Target, State, Change]

func conformance(open func(testing.TB) world) suite {
	was := func(visibility string) *State { s := site(visibility); return &s }
	toInternal, allowed := Params{Fallback: internal}, allowing("acme/*")
	patch := []string{"PATCH /repos/{owner}/{repo}"}
	bad := []string{"public-repository"}
	return suite{
		Function: Function, Rule: rules, Open: open,
		Cases: []remedytest.Case[State, Params]{
			{Name: "private", Live: site(private)},
			{Name: "internal", Live: site(internal)},
			{Name: "allowed", Live: site(public), Params: &allowed},
			{Name: "public", Live: site(public), Rules: bad, Want: site(private), Calls: patch},
			{Name: "public with internal fallback", Live: site(public), Params: &toInternal, Rules: bad, Want: site(internal), Calls: patch},
			{Name: "was internal", Live: site(public), Baseline: was(internal), Rules: bad, Want: site(internal), Calls: patch},
			{Name: "was private", Live: site(public), Baseline: was(private), Params: &toInternal, Rules: bad, Want: site(private), Calls: patch},
		},
	}
}

func TestConformanceOnAFake(t *testing.T) {
	t.Parallel()
	remedytest.Run(t, conformance(func(testing.TB) world {
		f := &fake{}
		return world{
			Resource: store{f},
			Seed: func(_ testing.TB, s State) remedy.Event {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.live = &s
				return event("public", []byte(`{"repository":{"id":7,"name":"site","html_url":"https://github.com/acme/site","owner":{"login":"acme"}}}`))
			},
			State: func(t testing.TB) State {
				f.mu.Lock()
				defer f.mu.Unlock()
				if f.live == nil {
					t.Fatal("it is gone")
				}
				return *f.live
			},
			Remove: func(testing.TB) {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.live = nil
			},
		}
	}))
}

// fake is GitHub with at most one repository.
type fake struct {
	mu   sync.Mutex
	live *State
}

func (f *fake) Repository(_ context.Context, r github.Ref) (github.Repository, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.live == nil || r.ID != 7 {
		return github.Repository{}, remedy.ErrGone
	}
	s := *f.live
	return github.Repository{ID: 7, Host: "github.com", Owner: s.Owner, Name: s.Name, Visibility: s.Visibility, Archived: s.Archived, Fork: s.Fork, Topics: s.Topics}, nil
}

func (f *fake) SetVisibility(_ context.Context, r github.Ref, owner, name, visibility string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.live == nil || r.ID != 7 || owner != f.live.Owner || name != f.live.Name {
		return errors.New("no such repository")
	}
	f.live.Visibility = visibility
	return nil
}

// description is loaded once: that takes longer than most of the tests.
var description = sync.OnceValues(contract.Load)

// gitHub opens a world on the stateful server, every call held to GitHub's own
// description.
func gitHub(t testing.TB) (world, *githubtest.Server) {
	t.Helper()
	d, err := description()
	if err != nil {
		t.Fatal(err)
	}
	server := githubtest.New(githubtest.Options{Tokens: []githubtest.Token{
		{Value: "t0ken", Login: "ann", Scopes: []string{"repo"}, AdminOf: []string{"acme"}},
	}})
	s, err := newStore(remedy.Env{
		Transport: d.Transport(t, server.Transport()),
		Getenv: func(name string) string {
			if name == "GITHUB_TOKEN" {
				return "t0ken"
			}
			return ""
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return world{
		Resource: s,
		Seed: func(t testing.TB, s State) remedy.Event {
			server.AddRepo(githubtest.Repo{ID: 7, Owner: s.Owner, Name: s.Name, Visibility: s.Visibility, Archived: s.Archived, Fork: s.Fork, Topics: s.Topics, Updated: time.Now()})
			body, err := server.Payload(7, "publicized", "ann")
			if err != nil {
				t.Fatal(err)
			}
			return event("repository.publicized", body)
		},
		State: func(t testing.TB) State {
			r, ok := server.Repo("acme", "site")
			if !ok {
				t.Fatal("it is gone")
			}
			return State{Owner: r.Owner, Name: r.Name, Visibility: r.Visibility, Archived: r.Archived, Fork: r.Fork, Topics: r.Topics}
		},
		Remove: func(testing.TB) { server.Remove(7) },
	}, server
}

func TestConformanceOnGitHub(t *testing.T) {
	t.Parallel()
	remedytest.Run(t, conformance(func(t testing.TB) world {
		w, _ := gitHub(t)
		return w
	}))
}

func target() Target { return Target{Host: "github.com", Owner: "acme", Name: "site", ID: 7} }

func TestStoreFollowsTheRepositoryNotTheName(t *testing.T) {
	t.Parallel()
	w, server := gitHub(t)
	w.Seed(t, site(public))
	if err := server.Rename(7, "acme", "hidden"); err != nil {
		t.Fatal(err)
	}
	server.AddRepo(githubtest.Repo{ID: 8, Owner: "acme", Name: "site", Visibility: public})
	live, err := w.Resource.Read(t.Context(), target())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range diff(target(), live, repair(target(), live, remedy.Baseline[State]{}, Defaults())) {
		if err := w.Resource.Apply(t.Context(), target(), c); err != nil {
			t.Fatal(err)
		}
	}
	mine, _ := server.Repo("acme", "hidden")
	other, _ := server.Repo("acme", "site")
	if mine.Visibility != private || other.Visibility != public {
		t.Errorf("the event's repository is %s and the other one %s, want private and public", mine.Visibility, other.Visibility)
	}
}

func TestStoreReadsOneInstanceOnly(t *testing.T) {
	t.Parallel()
	w, _ := gitHub(t)
	w.Seed(t, site(public))
	elsewhere := target()
	elsewhere.Host = "github.acme.com"
	got, err := w.Resource.Read(t.Context(), elsewhere)
	if err == nil || !remedy.IsPermanent(err) || !cmp.Equal(got, State{}) || !strings.Contains(err.Error(), "github.acme.com") {
		t.Errorf("got %+v, %v, want a permanent error that names the host", got, err)
	}
}

func TestStoreSaysWhatGitHubRefuses(t *testing.T) {
	t.Parallel()
	w, _ := gitHub(t)
	fork := site(public)
	fork.Fork = true
	w.Seed(t, fork)
	err := w.Resource.Apply(t.Context(), target(), Change{Owner: "acme", Repo: "site", Visibility: private})
	if err == nil || !remedy.IsPermanent(err) || !strings.Contains(err.Error(), "Public forks can't be made private") {
		t.Errorf("got %v, want GitHub's own words, permanent", err)
	}
	if got := w.State(t); got.Visibility != public {
		t.Errorf("it is %s", got.Visibility)
	}
}

// The function may ask for no more than it uses, and must ask for that.
func TestActionsAreWhatTheCallsNeed(t *testing.T) {
	t.Parallel()
	w, server := gitHub(t)
	w.Seed(t, site(public))
	if _, err := w.Resource.Read(t.Context(), target()); err != nil {
		t.Fatal(err)
	}
	if err := w.Resource.Apply(t.Context(), target(), Change{Owner: "acme", Repo: "site", Visibility: private}); err != nil {
		t.Fatal(err)
	}
	// https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens
	permission := map[string]string{"GET /repos/acme/site": "metadata: read", "PATCH /repos/acme/site": "administration: write"}
	var used []string
	for _, r := range server.Log() {
		used = append(used, permission[r.Method+" "+r.Path])
	}
	slices.Sort(used)
	if diff := cmp.Diff(Function.Actions, used); diff != "" {
		t.Error(diff)
	}
}

func TestNewWithoutCredentials(t *testing.T) {
	t.Parallel()
	if _, err := remedy.Open(t.Context(), Function, remedy.Env{}); err == nil || !strings.Contains(err.Error(), "set GITHUB_TOKEN") {
		t.Errorf("got %v, want an error that names the setting", err)
	}
}
