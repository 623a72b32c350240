package gitearepositoryvisibility

import (
	"context"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas/gitea"
)

// client is the part of Gitea's API that is needed.
type client interface {
	Repository(context.Context, gitea.Ref) (gitea.Repository, error)
	SetPrivate(ctx context.Context, r gitea.Ref, owner, name string, private bool) error
}

type store struct{ client client }

func newStore(env remedy.Env) (store, error) {
	c, err := gitea.New(env)
	if err != nil {
		return store{}, err
	}
	return store{c}, nil
}

// Read gives the repository with the target's id, under whatever name it has
// now. A repository that merely took over the name is never read.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	r, err := s.client.Repository(ctx, gitea.Ref(t))
	if err != nil {
		return State{}, err
	}
	return State(r), nil
}

// Apply makes the repository private, or not.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	return s.client.SetPrivate(ctx, gitea.Ref(t), c.Owner, c.Repo, c.Private)
}
