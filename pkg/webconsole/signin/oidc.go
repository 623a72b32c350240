package signin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// askFor is how long the provider may take to answer.
const askFor = 10 * time.Second

// CallbackPath is where the provider sends people back to.
const CallbackPath = "/sign-in/callback"

// Provider is an OpenID Connect provider, and whom of its people Ebb lets in.
type Provider struct {
	Issuer       string
	ClientID     string
	ClientSecret string   // empty for a public client: PKCE is used either way
	Operators    []Claim  // one of which makes a person an operator
	Readers      []Claim  // one of which lets a person look; operators may look anyway
	Scopes       []string // beside openid, profile and email
	Transport    http.RoundTripper
}

// Claim is something that a provider says of a person.
type Claim struct{ Name, Value string }

// ParseClaims takes "groups=sre, email=ann@example.com".
func ParseClaims(s string) ([]Claim, error) {
	var out []Claim
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok || name == "" || value == "" {
			return nil, fmt.Errorf("%q: want claims with their values, such as groups=sre or email=ann@example.com, with commas between", part)
		}
		out = append(out, Claim{name, value})
	}
	return out, nil
}

// flow is a sign-in that has begun.
type flow struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	To       string    `json:"to"`
	Expires  time.Time `json:"exp"`
}

// Begin sends a person to the provider, and afterwards to a path of the console.
func (d *Desk) Begin(w http.ResponseWriter, r *http.Request, to string) error {
	cfg, _, err := d.client(r.Context())
	if err != nil {
		return err
	}
	f := flow{rand.Text(), rand.Text(), oauth2.GenerateVerifier(), Local(to), d.opts.Now().Add(flowFor)}
	if err := d.write(w, r, flowCookie, f, flowFor); err != nil {
		return err
	}
	http.Redirect(w, r, cfg.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), http.StatusFound)
	return nil
}

// Finish takes a person who comes back from the provider, begins a session, and
// tells where they wanted to go.
func (d *Desk) Finish(w http.ResponseWriter, r *http.Request) (p *Person, to string, err error) {
	var f flow
	begun := d.read(r, flowCookie, &f)
	d.drop(w, r, flowCookie)
	q := r.URL.Query()
	if !begun || !d.opts.Now().Before(f.Expires) || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(f.State)) != 1 {
		return nil, "/", ErrExpired
	}
	if e := q.Get("error"); e != "" {
		return nil, f.To, fmt.Errorf("the provider did not sign you in: it says %q (%s); try again, or ask its administrator", q.Get("error_description"), e)
	}
	claims, err := d.exchange(r.Context(), q.Get("code"), f)
	if err != nil {
		return nil, f.To, fmt.Errorf("the provider's answer can't be used: %w", err)
	}
	provider := d.opts.Provider
	p = claims.person()
	p.Via = provider.Issuer
	p.Operator = claims.any(provider.Operators)
	if !p.Operator && !claims.any(provider.Readers) {
		return p, f.To, ErrRefused
	}
	return p, f.To, d.welcome(w, r, p)
}

// client asks the provider for its endpoints, once it answers. Until then
// nobody can sign in, and everything else works.
func (d *Desk) client(ctx context.Context) (*oauth2.Config, *oidc.Provider, error) {
	p := d.opts.Provider
	if p == nil {
		return nil, nil, errors.New("no provider is set up: set EBB_OIDC_ISSUER and the settings beside it")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.provider == nil {
		ctx, cancel := context.WithTimeout(d.asking(ctx), askFor)
		defer cancel()
		found, err := oidc.NewProvider(ctx, p.Issuer)
		if err != nil {
			return nil, nil, fmt.Errorf("the sign-in provider %s can't be reached; try again in a minute: %w", p.Issuer, err)
		}
		d.provider = found
	}
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: d.provider.Endpoint(),
		RedirectURL: strings.TrimSuffix(d.opts.URL, "/") + CallbackPath,
		Scopes:      append([]string{oidc.ScopeOpenID, "profile", "email"}, p.Scopes...),
	}, d.provider, nil
}

// asking gives a context whose calls to the provider end in time. The keys that
// it signs with are asked for again and again, beyond any one request.
func (d *Desk) asking(ctx context.Context) context.Context {
	return oidc.ClientContext(context.WithoutCancel(ctx), &http.Client{Transport: d.opts.Provider.Transport, Timeout: askFor})
}

// exchange gives what the provider says of the person, in the token that it
// signs and, where it has one, at its userinfo endpoint.
func (d *Desk) exchange(ctx context.Context, code string, f flow) (claims, error) {
	cfg, provider, err := d.client(ctx)
	if err != nil {
		return nil, err
	}
	ctx = d.asking(ctx)
	token, err := cfg.Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return nil, exchangeError(err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, errors.New("it holds no id_token: check that the client may ask for the scope openid")
	}
	id, err := provider.VerifierContext(ctx, &oidc.Config{ClientID: cfg.ClientID, Now: d.opts.Now}).Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.Nonce)) != 1 {
		return nil, ErrExpired
	}
	out := claims{}
	if err := id.Claims(&out); err != nil {
		return nil, fmt.Errorf("read its claims: %w", err)
	}
	if provider.UserInfoEndpoint() == "" {
		return out, nil
	}
	info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, fmt.Errorf("ask who you are: %w", err)
	}
	if info.Subject != id.Subject {
		return nil, errors.New("it speaks of two people: the token's subject is another than the userinfo's")
	}
	more := claims{}
	if err := info.Claims(&more); err != nil {
		return nil, fmt.Errorf("read who you are: %w", err)
	}
	for name, value := range more {
		if _, signed := out[name]; !signed {
			out[name] = value
		}
	}
	return out, nil
}

// exchangeError leaves out the body of the provider's answer, in which a
// careless one may repeat the secret.
func exchangeError(err error) error {
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return fmt.Errorf("it refuses the code with status %d %s %s", e.Response.StatusCode, e.ErrorCode, e.ErrorDescription)
	}
	return err
}

// claims is what a provider says of a person.
type claims map[string]json.RawMessage

func (c claims) text(name string) string {
	var s string
	_ = json.Unmarshal(c[name], &s) // what is no text names nobody
	return s
}

// any reports whether one of the claims holds.
func (c claims) any(wanted []Claim) bool {
	return slices.ContainsFunc(wanted, c.holds)
}

// holds reports whether the person has a claim: as text, or in a list of texts.
// An address that the provider did not verify is anybody's.
func (c claims) holds(want Claim) bool {
	if want.Name == "email" && !c.verified() {
		return false
	}
	var list []string
	if json.Unmarshal(c[want.Name], &list) != nil {
		list = []string{c.text(want.Name)}
	}
	return slices.Contains(list, want.Value)
}

// verified reports whether the e-mail address is; some providers write text.
func (c claims) verified() bool {
	v := string(c["email_verified"])
	return v == "true" || v == `"true"`
}

// person gives the person, named by what others can't take on.
func (c claims) person() *Person {
	p := &Person{ID: c.text("sub"), Name: c.text("name"), Subject: c.text("sub")}
	if email := c.text("email"); email != "" && c.verified() {
		p.ID = email
	}
	if len(p.Name) > maxName {
		p.Name = ""
	}
	return p
}
