// Package giteatest is a small Gitea that keeps its state: for tests. It does
// what Ebb's function needs, as Gitea v1.26 does it.
package giteatest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Repo is a repository.
type Repo struct {
	ID              int64 // not zero
	Owner, Name     string
	OwnerVisibility string // "public", "limited" or "private"
	Private         bool
	Archived        bool
	Fork            bool // of one that is never made private
	Mirror          bool
	Topics          []string
}

// User is the one who may call the server.
type User struct {
	Token, Login string
	Admin        bool     // of the whole site
	Owns         []string // organizations
}

// Server is an instance. It is safe for concurrent use.
type Server struct {
	user User

	mu    sync.Mutex
	repos map[int64]Repo
	log   []string
}

// New makes an empty server that user may call.
func New(user User) *Server { return &Server{user: user, repos: map[int64]Repo{}} }

// Put adds a repository, or replaces the one with its id.
func (s *Server) Put(r Repo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repos[r.ID] = r
}

// Remove deletes a repository.
func (s *Server) Remove(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.repos, id)
}

// Repo gives a repository by its id.
func (s *Server) Repo(id int64) (Repo, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.repos[id]
	return r, ok
}

// Log gives the requests so far: "GET /api/v1/user".
func (s *Server) Log() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// Handler serves the API below /api/v1.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]func(*http.Request) (int, any){
		"GET /api/v1/repositories/{id}":                s.get,
		"PATCH /api/v1/repos/{owner}/{repo}":           s.patch,
		"GET /api/v1/user":                             s.getUser,
		"GET /api/v1/users/{u}/orgs/{org}/permissions": s.getPermissions,
		"/": func(*http.Request) (int, any) { return missing() },
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.log = append(s.log, r.Method+" "+r.URL.Path)
			status, body := http.StatusUnauthorized, any(object{"message": "invalid username, password or token"})
			if r.Header.Get("Authorization") == "token "+s.user.Token {
				status, body = handle(r)
			}
			w.Header().Set("Content-Type", "application/json;charset=utf-8")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(body) // who has hung up needs no answer
		})
	}
	return mux
}

type object = map[string]any

func missing() (int, any) {
	return http.StatusNotFound, object{"message": "The target couldn't be found.", "errors": []string{}}
}

// sees reports whether the user may read the repository.
func (s *Server) sees(r Repo) bool {
	return !r.Private && r.OwnerVisibility != "private" || s.administers(r.Owner)
}

func (s *Server) administers(owner string) bool {
	return s.user.Admin || strings.EqualFold(owner, s.user.Login) || s.owns(owner)
}

func (s *Server) owns(org string) bool {
	return slices.ContainsFunc(s.user.Owns, func(o string) bool { return strings.EqualFold(o, org) })
}

func (s *Server) get(r *http.Request) (int, any) {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	repo, ok := s.repos[id]
	if !ok || !s.sees(repo) {
		return missing()
	}
	return http.StatusOK, repo.object()
}

func (s *Server) patch(r *http.Request) (int, any) {
	for id, repo := range s.repos {
		if !strings.EqualFold(repo.Owner+"/"+repo.Name, r.PathValue("owner")+"/"+r.PathValue("repo")) || !s.sees(repo) {
			continue
		}
		if !s.administers(repo.Owner) {
			return http.StatusForbidden, object{"message": "user should be an owner or a collaborator with admin write of a repository"}
		}
		var in struct{ Private *bool }
		d := json.NewDecoder(r.Body)
		d.DisallowUnknownFields() // nothing else may be changed
		if d.Decode(&in) != nil || in.Private == nil {
			return http.StatusUnprocessableEntity, object{"message": "this server takes private alone"}
		}
		repo.Private = *in.Private && !repo.Fork
		s.repos[id] = repo
		return http.StatusOK, repo.object()
	}
	return missing()
}

func (s *Server) getUser(*http.Request) (int, any) {
	return http.StatusOK, object{"id": 1, "login": s.user.Login, "is_admin": s.user.Admin}
}

func (s *Server) getPermissions(r *http.Request) (int, any) {
	if r.PathValue("u") != s.user.Login {
		return missing()
	}
	return http.StatusOK, object{"is_owner": s.owns(r.PathValue("org"))}
}

// object gives the part of Gitea's repository that Ebb reads.
func (r Repo) object() object {
	return object{
		"id": r.ID, "name": r.Name, "full_name": r.Owner + "/" + r.Name,
		"owner":   object{"id": 2, "login": r.Owner, "visibility": r.OwnerVisibility},
		"private": r.Private, "archived": r.Archived, "fork": r.Fork, "mirror": r.Mirror, "topics": r.Topics,
	}
}

// Deliver makes a signed delivery, as Gitea sends it to url.
func Deliver(url string, body []byte, event, delivery, secret string) (*http.Request, error) {
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	signature := hex.EncodeToString(mac.Sum(nil))
	for name, value := range map[string]string{
		"Content-Type":       "application/json",
		"X-Gitea-Delivery":   delivery,
		"X-Gitea-Event":      event,
		"X-Gitea-Event-Type": event,
		"X-Gitea-Signature":  signature,
		// Gitea sends these beside its own.
		"X-GitHub-Delivery":   delivery,
		"X-GitHub-Event":      event,
		"X-Hub-Signature-256": "sha256=" + signature,
	} {
		req.Header.Set(name, value)
	}
	return req, nil
}
