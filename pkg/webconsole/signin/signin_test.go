package signin_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ebb-ops/ebb/pkg/webconsole/signin"
	"github.com/ebb-ops/ebb/pkg/webconsole/signin/signintest"
)

// front is a console's front door, with a real provider behind it.
type front struct {
	t        *testing.T
	url      string
	issuer   string
	desk     *signin.Desk
	now      time.Time
	person   *signin.Person
	to       string
	err      error
	callback string // the last callback's URL
}

func newFront(t *testing.T, change func(*signin.Options)) *front {
	t.Helper()
	f := &front{t: t, now: time.Now()}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/sign-in":
			f.err = f.desk.Begin(w, r, r.URL.Query().Get("to"))
		case signin.CallbackPath:
			f.callback = r.URL.String()
			f.person, f.to, f.err = f.desk.Finish(w, r)
		case "/out":
			f.desk.SignOut(w, r)
		default:
			f.person = f.desk.Who(r)
		}
	}))
	t.Cleanup(srv.Close)
	f.url = srv.URL
	f.issuer = signintest.Start(t, f.url+signin.CallbackPath)
	opts := signin.Options{
		Key: [32]byte{1}, URL: f.url, Now: func() time.Time { return f.now },
		Provider: &signin.Provider{
			Issuer: f.issuer, ClientID: signintest.ClientID, ClientSecret: signintest.ClientSecret,
			Operators: []signin.Claim{{Name: "groups", Value: "sre"}}, Readers: []signin.Claim{{Name: "groups", Value: "staff"}},
		},
	}
	if change != nil {
		change(&opts)
	}
	var err error
	if f.desk, err = signin.New(opts); err != nil {
		t.Fatal(err)
	}
	return f
}

// browser keeps cookies.
type browser struct {
	t *testing.T
	http.Client
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

func (b *browser) get(address string) string {
	b.t.Helper()
	res, err := b.Get(address)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.body(res)
}

func (b *browser) body(res *http.Response) string {
	b.t.Helper()
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

var requestID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// signIn goes through the provider's own pages.
func (b *browser) signIn(f *front, who, to string) {
	b.t.Helper()
	page := b.get(f.url + "/sign-in?to=" + url.QueryEscape(to))
	id := requestID.FindStringSubmatch(page)
	if id == nil {
		b.t.Fatalf("the provider shows no form: %s (%v)", page, f.err)
	}
	res, err := b.PostForm(f.issuer+"/login/username", url.Values{"id": {id[1]}, "username": {who}, "password": {signintest.Password}})
	if err != nil {
		b.t.Fatal(err)
	}
	if page := b.body(res); page != "" {
		b.t.Fatalf("the provider does not let %s in: %s", who, page)
	}
}

func TestSignInAtTheProvider(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		who  string
		want *signin.Person
		err  error
	}{
		"an operator":       {signintest.Ann, &signin.Person{ID: "ann@example.com", Name: "Ann Example", Subject: "ann", Operator: true}, nil},
		"a reader":          {signintest.Bob, &signin.Person{ID: "bob@example.com", Name: "Bob Example", Subject: "bob"}, nil},
		"one of no group":   {signintest.Carol, nil, signin.ErrRefused},
		"another's address": {signintest.Mallory, nil, signin.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFront(t, func(o *signin.Options) {
				o.Provider.Operators = append(o.Provider.Operators, signin.Claim{Name: "email", Value: "ann@example.com"})
			})
			b := newBrowser(t)
			b.signIn(f, tt.who, "/records/1?a=b")
			if !errors.Is(f.err, tt.err) || f.to != "/records/1?a=b" {
				t.Fatalf("finish: to %q, error %v; want error %v", f.to, f.err, tt.err)
			}
			b.get(f.url)
			if tt.want != nil {
				tt.want.Via = f.issuer
			}
			if diff := cmp.Diff(tt.want, f.person, cmpopts.IgnoreFields(signin.Person{}, "CSRF", "Expires")); diff != "" {
				t.Errorf("person (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	f := newFront(t, nil)
	b := newBrowser(t)
	b.signIn(f, signintest.Ann, "/")
	began := f.now
	for after, want := range map[time.Duration]bool{signin.SessionFor - time.Second: true, signin.SessionFor: false} {
		f.now = began.Add(after)
		if b.get(f.url); (f.person != nil) != want {
			t.Errorf("after %s the person is %v", after, f.person)
		}
	}
	f.now = began
	b.get(f.url + "/out")
	if b.get(f.url); f.person != nil {
		t.Errorf("after signing out the person is %v", f.person)
	}
}

func TestCallbackIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		callback func(t *testing.T, f *front, b *browser)
		want     string
	}{
		"a second time": {func(_ *testing.T, f *front, b *browser) { b.signIn(f, signintest.Ann, "/"); b.get(f.url + f.callback) }, signin.ErrExpired.Error()},
		"in another browser": {func(t *testing.T, f *front, b *browser) {
			b.signIn(f, signintest.Ann, "/")
			newBrowser(t).get(f.url + f.callback)
		}, signin.ErrExpired.Error()},
		"too late": {func(t *testing.T, f *front, b *browser) {
			b.get(f.url + "/sign-in")
			f.now = f.now.Add(11 * time.Minute)
			b.get(f.url + signin.CallbackPath + "?code=1&state=1")
		}, signin.ErrExpired.Error()},
		"never begun": {func(_ *testing.T, f *front, b *browser) { b.get(f.url + signin.CallbackPath) }, signin.ErrExpired.Error()},
		"with another state": {func(_ *testing.T, f *front, b *browser) {
			b.get(f.url + "/sign-in")
			b.get(f.url + signin.CallbackPath + "?code=1&state=1")
		}, signin.ErrExpired.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFront(t, nil)
			tt.callback(t, f, newBrowser(t))
			if f.err == nil || f.err.Error() != tt.want {
				t.Errorf("got error %v, want %s", f.err, tt.want)
			}
		})
	}
}

func TestWrongClientSecret(t *testing.T) {
	t.Parallel()
	f := newFront(t, func(o *signin.Options) { o.Provider.ClientSecret = "another secret" })
	newBrowser(t).signIn(f, signintest.Ann, "/")
	if f.err == nil || !strings.Contains(f.err.Error(), "it refuses the code with status 40") || strings.Contains(f.err.Error(), "another secret") {
		t.Errorf("got error %v", f.err)
	}
}

// A provider that is down keeps nobody else from anything, and is asked again.
func TestProviderThatIsDown(t *testing.T) {
	t.Parallel()
	down := true
	f := newFront(t, func(o *signin.Options) {
		o.Provider.Transport = transport(func(r *http.Request) (*http.Response, error) {
			if down {
				return nil, errors.New("connection refused")
			}
			return http.DefaultTransport.RoundTrip(r)
		})
	})
	b := newBrowser(t)
	if b.get(f.url + "/sign-in"); f.err == nil || !strings.Contains(f.err.Error(), "can't be reached; try again in a minute") {
		t.Errorf("got error %v", f.err)
	}
	down = false
	if b.signIn(f, signintest.Ann, "/"); f.err != nil {
		t.Error(f.err)
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
