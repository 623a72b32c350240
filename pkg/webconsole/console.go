// Package webconsole is the console that people open in a browser: what Ebb did,
// what it left alone, and what an operator may do about it.
//
// Pages are made on the server and work without a script. Nothing on them can be
// changed by someone who has not signed in as an operator; whatever is, is
// written into the ledger's audit trail before it is tried. What the pages show
// comes from events and so from strangers: html/template escapes it, and the
// Content-Security-Policy lets no script run but the console's own file.
package webconsole

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/ledger/sqlite"
	"github.com/ebb-ops/ebb/pkg/page"
	"github.com/ebb-ops/ebb/pkg/policy"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/waterfall"
	"github.com/ebb-ops/ebb/pkg/webconsole/signin"
)

// Host does what operators ask for.
type Host interface {
	// Undo undoes a record, as [remedy.Engine.Undo] does.
	Undo(ctx context.Context, record string, by remedy.Actor, reason string) (remedy.Record, error)
	// Replay sends a dead letter on its way again, and gives the functions that will handle it.
	Replay(ctx context.Context, letter string) ([]string, error)
}

// Config is what a console is made of. All fields but Unavailable, Now and Log are required.
type Config struct {
	Ledger    *sqlite.Ledger
	Policy    *policy.Overlay
	Functions []remedy.Function
	Host      Host
	Desk      *signin.Desk
	Describe  func(remedy.Function) (console.Function, error)
	Traces    func(context.Context, remedy.Record) ([]waterfall.Trace, error)

	// Direct reports whether a request came straight from this machine, to a
	// host that listens to no other: only there is the operator's token taken.
	Direct func(*http.Request) bool
	// Open reports whether pages may be read without signing in, where people do
	// not sign in at a provider.
	Open func(*http.Request) bool

	Unavailable map[string]error // functions that could not be opened, and why
	Now         func() time.Time // nil means time.Now
	Log         *slog.Logger     // nil means none
}

// Console is the handler of all pages.
type Console struct {
	cfg     Config
	origin  *http.CrossOriginProtection
	pages   map[string]*template.Template
	static  map[string]file
	csp     string
	counts  counts
	handler http.Handler
}

//go:embed templates/*.tmpl
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

// file is one of the console's own, under a name that changes with its content.
type file struct {
	content []byte
	kind    string
}

// New gives a console.
func New(cfg Config) (*Console, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &Console{
		cfg: cfg, origin: http.NewCrossOriginProtection(), pages: map[string]*template.Template{}, static: map[string]file{},
		// The provider's page is reached by links, so forms may stay at home.
		csp: "default-src 'none'; style-src 'self' " + page.StyleSource() + "; script-src 'self'; connect-src 'self'; " +
			"img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	}
	links := map[string]string{}
	for name, kind := range map[string]string{
		"console.css": "text/css; charset=utf-8", "console.js": "text/javascript; charset=utf-8", "ebb.svg": "image/svg+xml",
	} {
		content, err := staticFiles.ReadFile("static/" + name)
		if err != nil {
			return nil, fmt.Errorf("make the console: %w", err)
		}
		sum := sha256.Sum256(content)
		links[name] = "/static/" + hex.EncodeToString(sum[:6]) + "/" + name
		c.static[links[name]] = file{content, kind}
	}
	funcs := page.Funcs()
	for name, f := range c.funcs(links) {
		funcs[name] = f
	}
	shared, err := template.New("").Funcs(funcs).ParseFS(templateFiles, "templates/layout.tmpl", "templates/parts.tmpl")
	if err != nil {
		return nil, fmt.Errorf("make the console: %w", err)
	}
	names, err := fs.Glob(templateFiles, "templates/*.page.tmpl")
	if err != nil {
		return nil, fmt.Errorf("make the console: %w", err)
	}
	for _, name := range names {
		t, err := template.Must(shared.Clone()).ParseFS(templateFiles, name)
		if err != nil {
			return nil, fmt.Errorf("make the console: %w", err)
		}
		c.pages[name] = t
	}
	c.handler = c.routes()
	return c, nil
}

// ServeHTTP implements [http.Handler].
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.handler.ServeHTTP(w, r) }

func (c *Console) routes() http.Handler {
	mux := http.NewServeMux()
	look := func(pattern string, h func(http.ResponseWriter, *http.Request, visit)) {
		mux.HandleFunc("GET "+pattern, c.reading(h))
	}
	act := func(pattern string, h func(http.ResponseWriter, *http.Request, visit)) {
		mux.HandleFunc("POST "+pattern, c.acting(h))
	}
	look("/{$}", c.list)
	look("/records/{id}", c.record)
	look("/records/{id}/json", c.recordJSON)
	look("/functions", c.functions)
	look("/functions/{name}", c.function)
	look("/exemptions", c.exemptions)
	look("/dead-letters", c.deadLetters)
	look("/dead-letters/{id}", c.deadLetter)
	look("/audit", c.audit)
	look("/", c.nowhere)
	act("/records/{id}/undo", c.undo)
	act("/dead-letters/{id}/replay", c.replay)
	act("/functions/{name}/mode", c.setMode)
	act("/exemptions", c.exempt)
	act("/overrides/{id}/end", c.end)

	mux.HandleFunc("GET /sign-in", c.signInPage)
	mux.HandleFunc("GET /sign-in/provider", c.toProvider)
	mux.HandleFunc("GET "+signin.CallbackPath, c.fromProvider)
	mux.HandleFunc("POST /sign-in/token", c.withToken)
	mux.HandleFunc("POST /sign-out", c.signOut)
	mux.HandleFunc("GET /static/", c.serveStatic)
	return c.secured(mux)
}

// maxForm is the most bytes of a form.
const maxForm = 64 << 10

// secured sets the headers of every answer, and turns away what another site's
// page has sent.
func (c *Console) secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", c.csp)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		if err := c.origin.Check(r); err != nil {
			c.problem(w, r, http.StatusForbidden, problem{
				Title: "This came from another site",
				Text:  "The form was not sent from a page of this console, so nothing was done. Open the console and do it there.",
			})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

func (c *Console) serveStatic(w http.ResponseWriter, r *http.Request) {
	f, ok := c.static[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", f.kind)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(f.content) // who does not listen needs no answer
}

// shell is what every page has around its own content.
type shell struct {
	Title   string
	Section string // of the navigation: "records"
	visit
	Page any
	Done *remedy.Action // what the person has just done; nil when nothing
}

// render writes a page whole, or an error in its place.
func (c *Console) render(w http.ResponseWriter, r *http.Request, status int, name string, s shell) {
	c.execute(w, r, status, name, "layout", s)
}

func (c *Console) execute(w http.ResponseWriter, r *http.Request, status int, name, part string, data any) {
	var b bytes.Buffer
	if err := c.pages["templates/"+name+".page.tmpl"].ExecuteTemplate(&b, part, data); err != nil {
		c.cfg.Log.ErrorContext(r.Context(), "render a page", "page", name, "error", err.Error())
		http.Error(w, "This page can't be shown. The log of ebb serve says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // who does not listen needs no answer
}
