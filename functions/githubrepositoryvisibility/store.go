package githubrepositoryvisibility

import (
	"context"
	"fmt"
	"strings"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas/github"
)

// client is the part of GitHub's API that is needed.
type client interface {
	Repository(context.Context, github.Ref) (github.Repository, error)
	SetVisibility(ctx context.Context, r github.Ref, owner, name, visibility string) error
}

type store struct{ client client }

func newStore(env remedy.Env) (store, error) {
	c, err := github.New(env)
	if err != nil {
		return store{}, err
	}
	return store{c}, nil
}

// Read gives the repository with the target's id, under whatever name it has
// now. A repository that merely took over the name is never read.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	r, err := s.client.Repository(ctx, ref(t))
	if err != nil {
		return State{}, err
	}
	// Two instances may give out the same id and name.
	if !strings.EqualFold(r.Host, t.Host) {
		return State{}, remedy.Permanent(fmt.Errorf("the event is about a repository on %s, but the configured GitHub API belongs to %s", t.Host, r.Host))
	}
	return State{
		Owner: r.Owner, Name: r.Name, Visibility: r.Visibility,
		Archived: r.Archived, Fork: r.Fork, Topics: r.Topics,
	}, nil
}

// Apply sets the visibility.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	return s.client.SetVisibility(ctx, ref(t), c.Owner, c.Repo, c.Visibility)
}

func ref(t Target) github.Ref {
	return github.Ref{Owner: t.Owner, Name: t.Name, ID: t.ID, Installation: t.Installation}
}
