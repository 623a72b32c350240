// Package githubtest is a small GitHub that keeps its state: for tests, and for
// the demo. It does what Ebb's functions need, as strictly as GitHub does it.
package githubtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options say who may call the server. Without a token or an App nobody may.
type Options struct {
	Tokens []Token
	App    *App
	Now    func() time.Time // nil means [time.Now]
}

// Repo is a repository.
type Repo struct {
	ID          int64 // not zero
	Owner, Name string
	User        bool   // the owner is a user, not an organization
	Visibility  string // "public", "private" or "internal"
	Archived    bool
	Fork        bool
	Topics      []string
	Updated     time.Time
}

// Request is one entry of the log.
type Request struct {
	Method, Path, Body string
	Status             int // as answered, faults included
}

// Fault makes matching requests fail.
type Fault struct {
	Method string // empty matches any
	Path   string // empty matches any
	Status int
	Header http.Header
	Body   string // empty means GitHub's usual error with the status's text
	Delay  time.Duration
	Count  int  // how many requests it strikes; 0 means all
	Late   bool // the request takes effect, and its answer is lost
}

// Server is a GitHub instance. It is safe for concurrent use.
type Server struct {
	now    func() time.Time
	tokens []Token
	app    *App

	mu     sync.Mutex
	repos  map[int64]*Repo
	moved  map[string]int64 // lower-case owner/name that was given up → id
	issued map[string]grant // installation tokens
	faults []*Fault
	log    []Request
}

// New makes an empty server.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Server{
		now: o.Now, tokens: o.Tokens, app: o.App,
		repos: map[int64]*Repo{}, moved: map[string]int64{}, issued: map[string]grant{},
	}
}

// Handler serves the REST API, at the root of its host.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]func(*http.Request, caller) answer{
		"GET /repos/{owner}/{repo}":                  s.getRepo,
		"PATCH /repos/{owner}/{repo}":                s.patchRepo,
		"GET /repositories/{id}":                     s.getRepo,
		"PATCH /repositories/{id}":                   s.patchRepo,
		"GET /repos/{owner}/{repo}/installation":     s.getRepoInstallation,
		"GET /app/installations/{id}":                s.getInstallation,
		"POST /app/installations/{id}/access_tokens": s.createToken,
		"GET /user":                        s.getUser,
		"GET /user/memberships/orgs/{org}": s.getMembership,
		"/":                                func(*http.Request, caller) answer { return notFound() },
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, handle) })
	}
	return mux
}

// Transport calls the handler in process, without a network. Its requests may
// go to any host.
func (s *Server) Transport() http.RoundTripper { return inProcess{s.Handler()} }

type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in, w := r.Clone(r.Context()), httptest.NewRecorder()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	p.handler.ServeHTTP(w, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	res := w.Result()
	res.Request = r
	return res, nil
}

// serve answers one request at a time: the fault that strikes it, or what
// handle says.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, handle func(*http.Request, caller) answer) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))

	s.mu.Lock()
	fault := s.strike(r)
	s.mu.Unlock()
	if fault != nil && fault.Delay > 0 {
		select {
		case <-r.Context().Done():
			return
		case <-time.After(fault.Delay):
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var a answer
	if fault == nil || fault.Late || fault.Status == 0 {
		if who, ok := s.authenticate(r); ok {
			a = handle(r, who)
		} else {
			a = failure(http.StatusUnauthorized, "Bad credentials")
		}
	}
	if fault != nil && fault.Status != 0 {
		a = failure(fault.Status, http.StatusText(fault.Status))
		a.header = fault.Header
		if fault.Body != "" {
			a.body = json.RawMessage(fault.Body)
		}
	}
	s.log = append(s.log, Request{r.Method, r.URL.Path, strings.TrimSpace(string(body)), a.status})
	a.write(w)
}

// strike gives the first fault that matches, and counts it.
func (s *Server) strike(r *http.Request) *Fault {
	for i, f := range s.faults {
		if f.Method != "" && f.Method != r.Method || f.Path != "" && f.Path != r.URL.Path {
			continue
		}
		if f.Count == 1 {
			s.faults = slices.Delete(s.faults, i, i+1)
		} else if f.Count > 1 {
			f.Count--
		}
		return f
	}
	return nil
}

// AddRepo creates a repository, or replaces the one with its id.
func (s *Server) AddRepo(r Repo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Topics = slices.Clone(r.Topics)
	s.repos[r.ID] = &r
	delete(s.moved, key(r.Owner, r.Name)) // a new owner of the name ends the redirect
}

// Repo gives the repository that has the name now.
func (s *Server) Repo(owner, name string) (Repo, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.named(owner, name); r != nil {
		return *r, true
	}
	return Repo{}, false
}

// Rename renames or transfers a repository; its old name redirects.
func (s *Server) Rename(id int64, owner, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repos[id]
	if r == nil || s.named(owner, name) != nil {
		return fmt.Errorf("repository %d can't become %s/%s", id, owner, name)
	}
	s.moved[key(r.Owner, r.Name)] = id
	r.Owner, r.Name = owner, name
	return nil
}

// Remove deletes a repository.
func (s *Server) Remove(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.repos, id)
}

// Fail makes requests fail from now on. Earlier faults strike first.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Log gives the requests so far, in the order of their answers.
func (s *Server) Log() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

func key(owner, name string) string { return strings.ToLower(owner + "/" + name) }

func (s *Server) named(owner, name string) *Repo {
	for _, r := range s.repos {
		if key(r.Owner, r.Name) == key(owner, name) {
			return r
		}
	}
	return nil
}

// asked gives the repository of the path, or the answer to give instead.
func (s *Server) asked(r *http.Request, who caller) (*Repo, answer) {
	if id := r.PathValue("id"); id != "" {
		n, err := strconv.ParseInt(id, 10, 64)
		if repo := s.repos[n]; err == nil && repo != nil && who.sees(repo) {
			return repo, answer{}
		}
		return nil, notFound()
	}
	owner, name := r.PathValue("owner"), r.PathValue("repo")
	if repo := s.named(owner, name); repo != nil && who.sees(repo) {
		return repo, answer{}
	}
	if repo := s.repos[s.moved[key(owner, name)]]; repo != nil && who.sees(repo) {
		return nil, redirect(r, repo)
	}
	return nil, notFound()
}

func (s *Server) getRepo(r *http.Request, who caller) answer {
	repo, instead := s.asked(r, who)
	if repo == nil {
		return instead
	}
	return answer{status: http.StatusOK, body: repo.json()}
}

func (s *Server) patchRepo(r *http.Request, who caller) answer {
	repo, instead := s.asked(r, who)
	if repo == nil {
		return instead
	}
	if !who.administers(repo) {
		a := failure(http.StatusForbidden, "Must have admin rights to Repository.")
		a.header = http.Header{"X-Accepted-Github-Permissions": {"administration=write"}}
		return a
	}
	var change struct {
		Visibility string `json:"visibility"`
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields() // silence would look like success
	if err := d.Decode(&change); err != nil {
		return failure(http.StatusBadRequest, "Problems parsing JSON: "+err.Error())
	}
	switch {
	case repo.Archived:
		return failure(http.StatusForbidden, "Repository was archived so is read-only.")
	case change.Visibility == repo.Visibility:
		return invalid("Visibility is already " + repo.Visibility + ".")
	case repo.Fork && repo.Visibility == "public":
		return invalid("Public forks can't be made private. Please duplicate the repository.")
	case change.Visibility == "internal" && repo.User:
		return invalid("Only organization-owned repositories can have internal visibility.")
	case !slices.Contains([]string{"public", "private", "internal"}, change.Visibility):
		return invalid("visibility is not one of public, private, internal.")
	}
	repo.Visibility, repo.Updated = change.Visibility, s.now()
	return answer{status: http.StatusOK, body: repo.json()}
}
