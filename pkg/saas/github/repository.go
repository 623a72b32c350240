package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	gogithub "github.com/google/go-github/v88/github"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// settle is how long a repository that can't be found is given to show up:
// GitHub's replicas may lag behind a creation.
const settle = time.Second

// The visibilities of a repository.
const (
	Public   = "public"
	Private  = "private"
	Internal = "internal" // to the enterprise's members
)

// Ref is a repository as an event names it. The id is what counts: names are
// given up and taken over.
type Ref struct {
	Owner, Name  string
	ID           int64
	Installation int64 // of the GitHub App; 0 when the event doesn't say
}

func (r Ref) String() string { return r.Owner + "/" + r.Name }

// Repository is a live repository, under the name it has now.
type Repository struct {
	ID          int64
	Host        string // of its web page: "github.com"
	Owner, Name string
	Visibility  string // [Public], [Private] or [Internal]
	Archived    bool
	Fork        bool
	Topics      []string
}

// Repository gives the repository with the id of r, whatever its name is now.
//
// GitHub answers 404 for what doesn't exist and for what the caller may not see.
// So it returns [remedy.ErrGone] only when the credentials provably see every
// repository of the owner: a GitHub App installed on all of the owner's
// repositories, or a classic token with the scope repo of the owner, or of an
// administrator of the owning organization. Otherwise a 404 is an error: nothing
// is known, so nothing may be concluded.
func (c *Client) Repository(ctx context.Context, r Ref) (Repository, error) {
	repo, err := c.find(ctx, r)
	if !isStatus(err, http.StatusNotFound) {
		return repo, c.explain(err, "read repository "+r.String(), r, "metadata: read")
	}
	all, trustErr := c.auth.seesAll(ctx, r)
	if trustErr != nil {
		return Repository{}, fmt.Errorf("read repository %s: GitHub answers 404; find out whether %s would see it: %w", r, c.auth, trustErr)
	}
	if !all {
		return Repository{}, fmt.Errorf("read repository %s (id %d): GitHub answers 404: it was deleted, or %s may not see it; "+
			"a GitHub App that is installed on all of %s's repositories could tell which", r, r.ID, c.auth, r.Owner)
	}
	select {
	case <-ctx.Done():
		return Repository{}, fmt.Errorf("read repository %s: %w", r, ctx.Err())
	case <-time.After(settle):
	}
	if repo, err = c.find(ctx, r); isStatus(err, http.StatusNotFound) {
		return Repository{}, fmt.Errorf("read repository %s (id %d): %w", r, r.ID, remedy.ErrGone)
	}
	return repo, c.explain(err, "read repository "+r.String(), r, "metadata: read")
}

// find looks under the name first, because that is the documented call; GitHub
// redirects it when the repository was renamed or transferred. When another
// repository has taken the name, and when there is none, the id decides.
func (c *Client) find(ctx context.Context, r Ref) (Repository, error) {
	api, err := c.authorized(ctx, r)
	if err != nil {
		return Repository{}, err
	}
	repo, _, err := api.Repositories.Get(ctx, r.Owner, r.Name)
	if isStatus(err, http.StatusNotFound) || err == nil && repo.GetID() != r.ID {
		repo, _, err = api.Repositories.GetByID(ctx, r.ID)
	}
	if err != nil {
		return Repository{}, err
	}
	return fromAPI(repo, r)
}

// SetVisibility changes the visibility of the repository r, which is now named
// owner/name. Setting what holds already is no error. What GitHub refuses for
// good (a public repository's fork, for instance) is [remedy.Permanent].
func (c *Client) SetVisibility(ctx context.Context, r Ref, owner, name, visibility string) error {
	op := fmt.Sprintf("make repository %s/%s %s", owner, name, visibility)
	api, err := c.authorized(ctx, r)
	if err != nil {
		return c.explain(err, op, r, "administration: write")
	}
	repo, _, err := api.Repositories.Edit(ctx, owner, name, &gogithub.Repository{Visibility: &visibility})
	if isStatus(err, http.StatusUnprocessableEntity) {
		// GitHub refuses to set what already holds; only the state tells that
		// from a refusal that matters.
		if live, findErr := c.find(ctx, r); findErr == nil && live.Visibility == visibility {
			return nil
		}
	}
	if err != nil {
		return c.explain(err, op, r, "administration: write")
	}
	if repo.GetID() != r.ID {
		return fmt.Errorf("%s: it was repository %d, not %d: the name was taken over in between; set its visibility by hand", op, repo.GetID(), r.ID)
	}
	return nil
}

func (c *Client) authorized(ctx context.Context, r Ref) (*gogithub.Client, error) {
	token, err := c.auth.token(ctx, r)
	if err != nil {
		return nil, err
	}
	return c.as(token)
}

func fromAPI(repo *gogithub.Repository, r Ref) (Repository, error) {
	page, err := url.Parse(repo.GetHTMLURL())
	if err != nil || page.Host == "" || repo.GetID() != r.ID || repo.GetName() == "" || repo.GetOwner().GetLogin() == "" {
		return Repository{}, errors.New("GitHub's answer is not the repository that was asked for")
	}
	out := Repository{
		ID: repo.GetID(), Host: page.Host, Owner: repo.GetOwner().GetLogin(), Name: repo.GetName(),
		Visibility: repo.GetVisibility(), Archived: repo.GetArchived(), Fork: repo.GetFork(), Topics: repo.Topics,
	}
	if !slices.Contains([]string{Public, Private, Internal}, out.Visibility) {
		return Repository{}, fmt.Errorf("the repository has the unknown visibility %q", out.Visibility)
	}
	return out, nil
}
