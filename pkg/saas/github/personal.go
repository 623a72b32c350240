package github

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// personal is a personal access token.
type personal struct {
	client *Client
	secret string
}

func (personal) String() string                               { return "GITHUB_TOKEN" }
func (personal) refused(Ref)                                  {}
func (p personal) token(context.Context, Ref) (string, error) { return p.secret, nil }

// seesAll is never true of a fine-grained token: it may be narrowed to some
// repositories, and GitHub doesn't tell.
func (p personal) seesAll(ctx context.Context, r Ref) (bool, error) {
	api, err := p.client.as(p.secret)
	if err != nil {
		return false, err
	}
	user, res, err := api.Users.Get(ctx, "")
	if err != nil {
		return false, p.client.explain(err, "read the token's user", r, "a valid token")
	}
	// Only classic tokens have scopes:
	// https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
	scopes := strings.Split(strings.ReplaceAll(res.Header.Get("X-Oauth-Scopes"), " ", ""), ",")
	if !slices.Contains(scopes, "repo") {
		return false, nil
	}
	if strings.EqualFold(user.GetLogin(), r.Owner) {
		return true, nil
	}
	member, _, err := api.Organizations.GetOrgMembership(ctx, "", r.Owner)
	if isStatus(err, http.StatusNotFound) || isStatus(err, http.StatusForbidden) {
		return false, nil
	}
	if err != nil {
		return false, p.client.explain(err, "read the token's membership of "+r.Owner, r, "members: read")
	}
	return member.GetState() == "active" && member.GetRole() == "admin", nil
}
