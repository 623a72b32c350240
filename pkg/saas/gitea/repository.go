package gitea

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// The visibilities of a user or an organization. Nobody sees more of a
// repository than of its owner.
//
// https://docs.gitea.com/usage/organization/permissions#organization-visibility
const (
	Public  = "public"
	Limited = "limited" // to those who are signed in
	Private = "private" // to its members
)

// What the token needs.
const (
	scopeRead  = "read:repository"
	scopeWrite = "write:repository"
	scopeWho   = "read:user"
	scopeOrg   = "read:user and read:organization"
)

// Ref is a repository as an event names it. The id is what counts: names are
// given up and taken over.
type Ref struct {
	Owner, Name string
	ID          int64
}

func (r Ref) String() string { return fmt.Sprintf("%s/%s (id %d)", r.Owner, r.Name, r.ID) }

// Repository is a live repository, under the name it has now.
type Repository struct {
	Owner, Name     string
	OwnerVisibility string // [Public], [Limited] or [Private]
	Private         bool
	Archived        bool
	Fork            bool
	Mirror          bool
	Topics          []string
}

// repository is Gitea's answer, as far as it is needed.
//
// https://docs.gitea.com/api/#tag/repository/operation/repoGetByID
type repository struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Owner struct {
		Login      string `json:"login"`
		Visibility string `json:"visibility"`
	} `json:"owner"`
	Private  *bool    `json:"private"`
	Archived bool     `json:"archived"`
	Fork     bool     `json:"fork"`
	Mirror   bool     `json:"mirror"`
	Topics   []string `json:"topics"`
}

// Repository gives the repository with the id of r, whatever its name is now and
// whoever owns it.
//
// Gitea answers 404 for what doesn't exist and for what the caller may not see.
// So it returns [remedy.ErrGone] only when the token provably sees every
// repository of the owner: that of a site administrator, of the owner, or of an
// owner of the organization. Otherwise a 404 is an error: nothing is known, so
// nothing may be concluded.
func (c *Client) Repository(ctx context.Context, r Ref) (Repository, error) {
	op := "read repository " + r.String()
	var got repository
	err := c.do(ctx, http.MethodGet, []string{"repositories", strconv.FormatInt(r.ID, 10)}, nil, &got)
	if isStatus(err, http.StatusNotFound) {
		return Repository{}, c.missing(ctx, r, op)
	}
	if err != nil {
		return Repository{}, c.explain(err, op, scopeRead)
	}
	known := slices.Contains([]string{Public, Limited, Private}, got.Owner.Visibility)
	if got.ID != r.ID || got.Name == "" || got.Owner.Login == "" || got.Private == nil || !known {
		return Repository{}, fmt.Errorf("%s: %w", op, errors.New("the answer is not a repository as Ebb knows them"))
	}
	return Repository{
		Owner: got.Owner.Login, Name: got.Name, OwnerVisibility: got.Owner.Visibility, Private: *got.Private,
		Archived: got.Archived, Fork: got.Fork, Mirror: got.Mirror, Topics: got.Topics,
	}, nil
}

// missing says what a 404 means.
func (c *Client) missing(ctx context.Context, r Ref, op string) error {
	all, err := c.seesAll(ctx, r.Owner)
	if err != nil {
		return fmt.Errorf("%s: Gitea answers 404; find out whether %s would see it: %w", op, c.auth, err)
	}
	if !all {
		return fmt.Errorf("%s: Gitea answers 404: it was deleted, or %s may not see it; the token of an owner of %s could tell which", op, c.auth, r.Owner)
	}
	return fmt.Errorf("%s: %w", op, remedy.ErrGone)
}

// seesAll reports whether the token provably sees every repository of owner.
func (c *Client) seesAll(ctx context.Context, owner string) (bool, error) {
	var user struct {
		Login   string `json:"login"`
		IsAdmin bool   `json:"is_admin"`
	}
	if err := c.do(ctx, http.MethodGet, []string{"user"}, nil, &user); err != nil {
		return false, c.explain(err, "read the token's user", scopeWho)
	}
	if user.IsAdmin || strings.EqualFold(user.Login, owner) {
		return true, nil
	}
	var may struct {
		IsOwner bool `json:"is_owner"`
	}
	err := c.do(ctx, http.MethodGet, []string{"users", user.Login, "orgs", owner, "permissions"}, nil, &may)
	if isStatus(err, http.StatusNotFound) {
		return false, nil // no such organization, or a hidden one
	}
	return may.IsOwner, c.explain(err, "read what the token's user may in "+owner, scopeOrg)
}

// SetPrivate makes the repository r, which is now named owner/name, private or
// not. Setting what holds already is no error. Its forks follow it, and a fork
// follows what it was forked from: of a fork it returns [remedy.Permanent] where
// that is otherwise, and changes nothing.
func (c *Client) SetPrivate(ctx context.Context, r Ref, owner, name string, private bool) error {
	op := fmt.Sprintf("set private of repository %s/%s to %t", owner, name, private)
	var got repository
	err := c.do(ctx, http.MethodPatch, []string{"repos", owner, name}, map[string]bool{"private": private}, &got)
	switch {
	case isStatus(err, http.StatusNotFound):
		return fmt.Errorf("%s: Gitea answers 404: it is gone or renamed, or %s may not see it", op, c.auth)
	case err != nil:
		return c.explain(err, op, scopeWrite)
	case got.ID != r.ID:
		return fmt.Errorf("%s: it was repository %d, not %d: the name was taken over in between; look at its visibility", op, got.ID, r.ID)
	case got.Private == nil || *got.Private != private:
		return remedy.Permanent(fmt.Errorf("%s: Gitea left it as it is: a fork is as visible as the repository that it was forked from", op))
	}
	return nil
}
