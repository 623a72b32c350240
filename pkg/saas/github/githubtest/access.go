package githubtest

import (
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Token is a personal access token.
type Token struct {
	Value    string
	Login    string   // whose it is
	Scopes   []string // of a classic token; nil means a fine-grained one
	Only     []int64  // the repositories that it is narrowed to; nil means all
	ReadOnly bool     // lacks administration: write
	AdminOf  []string // organizations that the user administers
	MemberOf []string // organizations that the user is a mere member of
}

// App is a GitHub App with its installations.
type App struct {
	ID            string
	Key           *rsa.PublicKey
	Installations []Installation
}

// Installation is an App's installation on one owner's repositories.
type Installation struct {
	ID        int64
	Account   string  // the owner
	Only      []int64 // the repositories selected; nil means all
	ReadOnly  bool    // lacks administration: write
	Suspended bool
}

// grant is what an installation token may do.
type grant struct {
	sees, administers func(*Repo) bool
	expires           time.Time
}

// caller is who sends a request, and what it may see and do.
type caller struct {
	user              *Token
	isApp             bool
	sees, administers func(*Repo) bool
}

func (s *Server) authenticate(r *http.Request) (caller, bool) {
	value, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return caller{}, false
	}
	for _, t := range s.tokens {
		if t.Value == value {
			sees := func(r *Repo) bool { return r.Visibility == "public" || t.Only == nil || slices.Contains(t.Only, r.ID) }
			return caller{user: &t, sees: sees, administers: func(r *Repo) bool {
				return !t.ReadOnly && (t.Only == nil || slices.Contains(t.Only, r.ID))
			}}, true
		}
	}
	if g, ok := s.issued[value]; ok && s.now().Before(g.expires) {
		return caller{sees: g.sees, administers: g.administers}, true
	}
	if s.app != nil && s.isJWT(value) {
		return caller{isApp: true}, true
	}
	return caller{}, false
}

// isJWT holds the App's token to GitHub's rules: RS256, issued in the past, at
// most ten minutes long.
func (s *Server) isJWT(value string) bool {
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(value, &claims, func(*jwt.Token) (any, error) { return s.app.Key, nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(s.app.ID), jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(), jwt.WithTimeFunc(s.now))
	return err == nil && claims.IssuedAt != nil && claims.ExpiresAt.Sub(claims.IssuedAt.Time) <= 10*time.Minute
}

func (in Installation) covers(r *Repo) bool {
	return strings.EqualFold(in.Account, r.Owner) && (in.Only == nil || slices.Contains(in.Only, r.ID))
}

// installation gives the installation of the path's id.
func (s *Server) installation(r *http.Request, who caller) (Installation, bool) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || !who.isApp {
		return Installation{}, false
	}
	i := slices.IndexFunc(s.app.Installations, func(in Installation) bool { return in.ID == id })
	if i < 0 {
		return Installation{}, false
	}
	return s.app.Installations[i], true
}

func (s *Server) getInstallation(r *http.Request, who caller) answer {
	if in, ok := s.installation(r, who); ok {
		return answer{status: http.StatusOK, body: in.json(s.now())}
	}
	return notFound()
}

func (s *Server) getRepoInstallation(r *http.Request, who caller) answer {
	repo := s.named(r.PathValue("owner"), r.PathValue("repo"))
	if repo == nil || !who.isApp {
		return notFound()
	}
	for _, in := range s.app.Installations {
		if in.covers(repo) {
			return answer{status: http.StatusOK, body: in.json(s.now())}
		}
	}
	return notFound()
}

func (s *Server) createToken(r *http.Request, who caller) answer {
	in, ok := s.installation(r, who)
	if !ok {
		return notFound()
	}
	if in.Suspended {
		return failure(http.StatusForbidden, "This installation has been suspended")
	}
	var want struct {
		RepositoryIDs []int64           `json:"repository_ids"`
		Permissions   map[string]string `json:"permissions"`
	}
	if err := json.NewDecoder(r.Body).Decode(&want); err != nil {
		return failure(http.StatusBadRequest, "Problems parsing JSON")
	}
	if in.ReadOnly && want.Permissions["administration"] != "" {
		return invalid("The permissions requested are not granted to this installation.")
	}
	for _, id := range want.RepositoryIDs {
		if repo := s.repos[id]; repo == nil || !in.covers(repo) {
			return invalid("There is at least one repository that does not exist or is not accessible to the parent installation.")
		}
	}
	covers := func(r *Repo) bool {
		return in.covers(r) && (want.RepositoryIDs == nil || slices.Contains(want.RepositoryIDs, r.ID))
	}
	value, expires := fmt.Sprintf("ghs_%d_%d", in.ID, len(s.issued)+1), s.now().Add(time.Hour)
	s.issued[value] = grant{
		sees:        func(r *Repo) bool { return r.Visibility == "public" || covers(r) },
		administers: func(r *Repo) bool { return want.Permissions["administration"] == "write" && covers(r) },
		expires:     expires,
	}
	return answer{status: http.StatusCreated, body: encode(map[string]any{
		"token": value, "expires_at": expires.UTC().Format(time.RFC3339), "permissions": want.Permissions, "repository_selection": "selected",
	})}
}

// Revoke ends every installation token before its time.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.issued)
}

func (s *Server) getUser(_ *http.Request, who caller) answer {
	if who.user == nil {
		return failure(http.StatusForbidden, "Resource not accessible by integration")
	}
	a := answer{status: http.StatusOK, body: who.user.json(), header: http.Header{}}
	if who.user.Scopes != nil {
		a.header.Set("X-Oauth-Scopes", strings.Join(who.user.Scopes, ", "))
	}
	return a
}

func (s *Server) getMembership(r *http.Request, who caller) answer {
	org := r.PathValue("org")
	in := func(orgs []string) bool {
		return slices.ContainsFunc(orgs, func(o string) bool { return strings.EqualFold(o, org) })
	}
	switch {
	case who.user != nil && in(who.user.AdminOf):
		return answer{status: http.StatusOK, body: membership(*who.user, org, "admin")}
	case who.user != nil && in(who.user.MemberOf):
		return answer{status: http.StatusOK, body: membership(*who.user, org, "member")}
	}
	return notFound()
}
