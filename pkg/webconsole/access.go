package webconsole

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/ebb-ops/ebb/pkg/webconsole/signin"
)

// visit is who looks at a page, and what they may do.
type visit struct {
	Person    *signin.Person // nil for one who has not signed in
	Operator  bool           // may change something
	CanSignIn bool           // there is a way to sign in from here
	Path      string         // of the page, with its query: where to come back to
}

// CSRF gives what the session's forms carry.
func (v visit) CSRF() string {
	if v.Person == nil {
		return ""
	}
	return v.Person.CSRF
}

// visitOf tells who sends a request. A session that began with the token holds
// only where the token does.
func (c *Console) visitOf(r *http.Request) visit {
	direct := c.cfg.Direct(r)
	v := visit{
		Person: c.cfg.Desk.Who(r), Path: r.URL.RequestURI(),
		CanSignIn: c.cfg.Desk.HasProvider() || c.cfg.Desk.HasToken() && direct,
	}
	if v.Person != nil && v.Person.Via == signin.ByToken && !direct {
		v.Person = nil
	}
	if r.Method != http.MethodGet {
		v.Path = "/" // a form's address is no page to come back to
	}
	v.Operator = v.Person != nil && v.Person.Operator
	return v
}

// mayRead reports whether a page may be shown. Records hold what strangers must
// not see, so that is whoever has signed in; on loopback, where nobody signs in
// at a provider, it is whoever is at this machine.
func (c *Console) mayRead(r *http.Request, v visit) bool {
	return v.Person != nil || !c.cfg.Desk.HasProvider() && c.cfg.Open(r)
}

// reading guards a page.
func (c *Console) reading(next func(http.ResponseWriter, *http.Request, visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := c.visitOf(r)
		switch {
		case c.mayRead(r, v):
			next(w, r, v)
		case v.CanSignIn:
			http.Redirect(w, r, "/sign-in?to="+url.QueryEscape(v.Path), http.StatusSeeOther)
		default:
			c.problem(w, r, http.StatusForbidden, problem{
				Title: "The console is closed here",
				Text: "Records tell of other people's work, so they are shown to those who sign in. Set EBB_OIDC_ISSUER and the settings beside it, " +
					"or open the console on the machine that runs ebb serve, at a loopback address and without a proxy.",
			})
		}
	}
}

// acting guards what changes something.
func (c *Console) acting(next func(http.ResponseWriter, *http.Request, visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := c.visitOf(r)
		switch {
		case !v.Operator && v.Person != nil:
			c.problem(w, r, http.StatusForbidden, problem{
				Title: "Only operators may do this",
				Text:  "You may look, but not change anything. Ask for membership in one of the groups that EBB_OIDC_OPERATORS names.",
			})
		case !v.Operator && v.CanSignIn:
			c.problem(w, r, http.StatusUnauthorized, problem{
				Title: "Sign in first", Text: "Nothing was done: your session has ended, or never began. Sign in, and do it again.",
				Link: "/sign-in", LinkText: "Sign in",
			})
		case !v.Operator:
			c.problem(w, r, http.StatusForbidden, problem{
				Title: "The console only shows things here",
				Text:  "Nobody can sign in, so nothing can be changed. Start ebb serve with --operator-token new on this machine, or set up a provider.",
			})
		case !v.Person.Valid(r.PostFormValue("csrf")):
			c.problem(w, r, http.StatusForbidden, problem{
				Title: "This form is out of date",
				Text:  "Nothing was done: the form belongs to an earlier session, or it was too long. Open its page again, and send it from there.",
			})
		default:
			next(w, r, v)
		}
	}
}

// signInData is what the sign-in page shows.
type signInData struct {
	To       string
	Provider string // its host; empty when there is none
	Token    bool   // whether there is a form for the token
	Name     string
	Problem  string
}

func (c *Console) signInPage(w http.ResponseWriter, r *http.Request) {
	c.showSignIn(w, r, http.StatusOK, signInData{To: signin.Local(r.URL.Query().Get("to"))})
}

func (c *Console) showSignIn(w http.ResponseWriter, r *http.Request, status int, d signInData) {
	v := c.visitOf(r)
	d.Provider, d.Token = c.cfg.Desk.ProviderName(), c.cfg.Desk.HasToken() && c.cfg.Direct(r)
	c.render(w, r, status, "signin", shell{Title: "Sign in", Section: "sign-in", visit: v, Page: d})
}

func (c *Console) toProvider(w http.ResponseWriter, r *http.Request) {
	to := signin.Local(r.URL.Query().Get("to"))
	if err := c.cfg.Desk.Begin(w, r, to); err != nil {
		c.cfg.Log.ErrorContext(r.Context(), "begin a sign-in", "error", err.Error())
		c.showSignIn(w, r, http.StatusBadGateway, signInData{To: to, Problem: sentence(err)})
	}
}

func (c *Console) fromProvider(w http.ResponseWriter, r *http.Request) {
	p, to, err := c.cfg.Desk.Finish(w, r)
	if err != nil {
		who := ""
		if p != nil {
			who = p.ID
		}
		c.cfg.Log.WarnContext(r.Context(), "a sign-in was refused", "person", who, "error", err.Error())
		c.showSignIn(w, r, http.StatusForbidden, signInData{To: to, Problem: sentence(err)})
		return
	}
	c.cfg.Log.InfoContext(r.Context(), "signed in", "person", p.ID, "operator", p.Operator, "via", p.Via)
	http.Redirect(w, r, to, http.StatusSeeOther) // #nosec G710 -- a path of ours, out of a sealed cookie
}

func (c *Console) withToken(w http.ResponseWriter, r *http.Request) {
	d := signInData{To: signin.Local(r.PostFormValue("to")), Name: r.PostFormValue("name")}
	if !c.cfg.Direct(r) {
		d.Problem = "The operator's token is taken only on the machine that runs ebb serve, at a loopback address and without a proxy. Open the console there."
		c.showSignIn(w, r, http.StatusForbidden, d)
		return
	}
	p, err := c.cfg.Desk.WithToken(w, r, r.PostFormValue("token"), d.Name)
	if err != nil {
		status := http.StatusInternalServerError
		if errors.Is(err, signin.ErrToken) || errors.Is(err, signin.ErrNoName) {
			status = http.StatusForbidden
		}
		c.cfg.Log.WarnContext(r.Context(), "a sign-in was refused", "error", err.Error())
		d.Problem = sentence(err)
		c.showSignIn(w, r, status, d)
		return
	}
	c.cfg.Log.InfoContext(r.Context(), "signed in", "person", p.ID, "operator", true, "via", p.Via)
	http.Redirect(w, r, d.To, http.StatusSeeOther)
}

func (c *Console) signOut(w http.ResponseWriter, r *http.Request) {
	if p := c.visitOf(r).Person; p == nil || p.Valid(r.PostFormValue("csrf")) {
		c.cfg.Desk.SignOut(w, r)
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
