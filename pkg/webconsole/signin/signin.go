// Package signin tells who uses the console: people whom an OpenID Connect
// provider vouches for, or the one who has the operator's token.
//
// A session is a cookie that only this process can read or make. Nothing is kept
// on the server: a session ends by itself after [SessionFor].
package signin

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// How long sessions live, and how long a person may take at the provider.
const (
	SessionFor = 8 * time.Hour
	flowFor    = 10 * time.Minute
)

// MinToken is the fewest characters that an operator's token may have.
const MinToken = 20

// Errors of people who can't be signed in. Each says what to do.
var (
	ErrToken   = errors.New("this is not the operator's token: copy it from the terminal or the settings of ebb serve")
	ErrNoName  = errors.New("a name is missing: it stands in the audit trail beside what you do")
	ErrExpired = errors.New("the sign-in took too long, or began in another browser: begin again")
	ErrRefused = errors.New("you are known to the provider, but not as one of those who may look: ask for membership in one of the groups that Ebb lets in")
)

// ByToken is the Via of a person who signed in with the operator's token.
const ByToken = "operator token"

// Person is who has signed in.
type Person struct {
	ID       string    `json:"id"`             // a verified e-mail address, the provider's own id, or the name given with the token
	Name     string    `json:"name,omitempty"` // for people
	Subject  string    `json:"sub,omitempty"`  // the provider's id
	Via      string    `json:"via"`            // the provider's URL, or [ByToken]
	Operator bool      `json:"op,omitempty"`   // may change something
	CSRF     string    `json:"csrf"`           // what forms of this session carry
	Expires  time.Time `json:"exp"`
}

// Actor names the person in records.
func (p Person) Actor() remedy.Actor {
	return remedy.Actor{Type: "Operator", ID: p.ID, Name: p.Name, Session: p.Subject, Via: "ebb console, " + p.Via}
}

// Valid reports whether a form carries this session's own token.
func (p Person) Valid(csrf string) bool {
	return p.CSRF != "" && subtle.ConstantTimeCompare([]byte(csrf), []byte(p.CSRF)) == 1
}

// Options say who may sign in. With neither a token nor a provider nobody can.
type Options struct {
	Key      [32]byte  // the cookies' seal is made of it and of who may sign in
	Token    string    // the operator's; empty means that there is none
	Provider *Provider // nil means that there is none
	URL      string    // where people reach the console: "https://ebb.example.com"; needed with a provider
	Now      func() time.Time
}

// Desk signs people in and out. It is safe for concurrent use.
type Desk struct {
	opts  Options
	token [sha256.Size]byte
	seal  sealer

	mu       sync.Mutex
	provider *oidc.Provider // once it was asked for
}

// New gives a desk. It calls nobody: a provider is asked when the first person
// signs in.
func New(opts Options) (*Desk, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Token != "" && len(opts.Token) < MinToken {
		return nil, fmt.Errorf("the operator's token is short: it needs at least %d characters", MinToken)
	}
	if p := opts.Provider; p != nil {
		switch u, err := url.Parse(opts.URL); {
		case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
			return nil, fmt.Errorf("the console's URL is %q: people come back from the provider to it, so give one such as https://ebb.example.com", opts.URL)
		case p.ClientID == "":
			return nil, errors.New("the provider's client id is missing: register Ebb at the provider, which gives it one")
		case len(p.Operators)+len(p.Readers) == 0:
			return nil, errors.New("nobody could sign in: name the claims of operators, such as groups=sre")
		}
	}
	seal, err := newSealer(opts.sealingKey())
	if err != nil {
		return nil, fmt.Errorf("make the cookies' key: %w", err)
	}
	return &Desk{opts: opts, token: sha256.Sum256([]byte(opts.Token)), seal: seal}, nil
}

// sealingKey gives the key for the cookies of just these options: with another
// token, or others who are let in, earlier sessions end.
func (o Options) sealingKey() (key [32]byte) {
	h := hmac.New(sha256.New, o.Key[:])
	put := func(parts ...string) {
		for _, s := range parts {
			_, _ = fmt.Fprintf(h, "%d:%s", len(s), s) // a hash takes all
		}
	}
	put(o.Token)
	if p := o.Provider; p != nil {
		put(p.Issuer, p.ClientID)
		for _, list := range [][]Claim{p.Operators, p.Readers} {
			put(strconv.Itoa(len(list)))
			for _, c := range list {
				put(c.Name, c.Value)
			}
		}
	}
	return [32]byte(h.Sum(nil))
}

// HasToken reports whether an operator can sign in with a token.
func (d *Desk) HasToken() bool { return d.opts.Token != "" }

// HasProvider reports whether people sign in at a provider.
func (d *Desk) HasProvider() bool { return d.opts.Provider != nil }

// ProviderName gives the host of the provider, for people.
func (d *Desk) ProviderName() string {
	if !d.HasProvider() {
		return ""
	}
	u, err := url.Parse(d.opts.Provider.Issuer)
	if err != nil {
		return d.opts.Provider.Issuer
	}
	return u.Host
}

// Who gives the person of a request, or nil.
func (d *Desk) Who(r *http.Request) *Person {
	var p Person
	if !d.read(r, sessionCookie, &p) || !d.opts.Now().Before(p.Expires) {
		return nil
	}
	return &p
}

// WithToken signs an operator in who has the token and says who they are.
func (d *Desk) WithToken(w http.ResponseWriter, r *http.Request, token, name string) (*Person, error) {
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	if !d.HasToken() || subtle.ConstantTimeCompare(sum[:], d.token[:]) != 1 {
		return nil, ErrToken
	}
	if name = strings.TrimSpace(name); name == "" || len(name) > maxName {
		return nil, ErrNoName
	}
	p := Person{ID: name, Via: ByToken, Operator: true}
	return &p, d.welcome(w, r, &p)
}

// maxName is the most bytes of a name that a person gives.
const maxName = 200

// SignOut ends the session in this browser.
func (d *Desk) SignOut(w http.ResponseWriter, r *http.Request) { d.drop(w, r, sessionCookie) }

// welcome begins a session.
func (d *Desk) welcome(w http.ResponseWriter, r *http.Request, p *Person) error {
	p.CSRF, p.Expires = rand.Text(), d.opts.Now().Add(SessionFor)
	return d.write(w, r, sessionCookie, p, SessionFor)
}

// Local gives a path of this console that a person may be sent to; "/" for
// whatever else is asked for.
func Local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(u.Path, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return to
}
