package signin

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const token = "an operator's long token"

func desk(t *testing.T, opts Options) *Desk {
	t.Helper()
	d, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func request(cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

func TestWithToken(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		has, token, name string
		want             error
	}{
		"right":            {token, token, "ann", nil},
		"with white space": {token, " " + token + "\n", "ann", nil},
		"wrong":            {token, token + "x", "ann", ErrToken},
		"none given":       {token, "", "ann", ErrToken},
		"none is set":      {"", "", "ann", ErrToken},
		"no name":          {token, token, "  ", ErrNoName},
		"a long name":      {token, token, strings.Repeat("a", maxName+1), ErrNoName},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := desk(t, Options{Token: tt.has})
			w := httptest.NewRecorder()
			p, err := d.WithToken(w, request(), tt.token, tt.name)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got error %v, want %v", err, tt.want)
			}
			if diff := cmp.Diff(p, d.Who(request(w.Result().Cookies()...)), cmp.Comparer(func(a, b Person) bool {
				a.Expires, b.Expires = a.Expires.UTC(), b.Expires.UTC()
				return a.ID == b.ID && a.Operator && b.Operator && a.CSRF == b.CSRF && a.Expires.Equal(b.Expires)
			})); tt.want == nil && diff != "" {
				t.Errorf("the session is another's (-want +got):\n%s", diff)
			}
			if tt.want != nil && len(w.Result().Cookies()) > 0 {
				t.Error("a cookie is set in spite of the error")
			}
		})
	}
}

func TestCookies(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"":                        "ebb_session; Path=/; Max-Age=28800; HttpOnly; SameSite=Lax",
		"https://ebb.example.com": "__Host-ebb_session; Path=/; Max-Age=28800; HttpOnly; Secure; SameSite=Lax",
	} {
		w := httptest.NewRecorder()
		if _, err := desk(t, Options{Token: token, URL: url}).WithToken(w, request(), token, "ann"); err != nil {
			t.Fatal(err)
		}
		c := w.Result().Cookies()[0]
		name, rest, _ := strings.Cut(c.Raw, "="+c.Value)
		if got := name + rest; got != want {
			t.Errorf("the cookie for %q is %s, want %s", url, got, want)
		}
		if strings.Contains(c.Value, "ann") {
			t.Errorf("the cookie can be read: %s", c.Value)
		}
	}
}

// No cookie but the one that was set is believed.
func TestForgedCookies(t *testing.T) {
	t.Parallel()
	d := desk(t, Options{Token: token, Key: [32]byte{1}})
	seal := func(d *Desk, name string) string {
		s, err := d.seal.seal(name, Person{ID: "eve", Operator: true, Expires: d.opts.Now().Add(SessionFor)})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	good := seal(d, sessionCookie)
	if d.Who(request(&http.Cookie{Name: sessionCookie, Value: good})) == nil {
		t.Fatal("a good cookie is not believed: the test proves nothing")
	}
	flipped := []byte(good)
	flipped[len(flipped)/2] ^= 1
	for name, value := range map[string]string{
		"another key":   seal(desk(t, Options{Token: token, Key: [32]byte{2}}), sessionCookie),
		"another token": seal(desk(t, Options{Token: token + "x", Key: [32]byte{1}}), sessionCookie),
		"other people": seal(desk(t, Options{Token: token, Key: [32]byte{1}, URL: "https://ebb.example.com", Provider: &Provider{
			Issuer: "https://id.example.com", ClientID: "ebb", Operators: []Claim{{"groups", "sre"}},
		}}), sessionCookie),
		"another use": seal(d, flowCookie),
		"changed":     string(flipped),
		"short":       good[:20],
		"empty":       "",
		"plain":       `{"id":"eve","op":true}`,
	} {
		if p := d.Who(request(&http.Cookie{Name: sessionCookie, Value: value})); p != nil {
			t.Errorf("%s: %+v is believed", name, p)
		}
	}
}

func TestValid(t *testing.T) {
	t.Parallel()
	if (Person{}).Valid("") || (Person{CSRF: "a"}).Valid("b") || (Person{CSRF: "a"}).Valid("") || !(Person{CSRF: "a"}).Valid("a") {
		t.Error("a form's token is not compared with the session's")
	}
}

func TestLocal(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{
		"/": "/", "/records/1?a=b#c": "/records/1?a=b#c", "": "/", "records": "/", "//evil.example": "/", "///evil.example": "/",
		"https://evil.example/": "/", `/\evil.example`: "/", "/\t/evil.example": "/", "javascript:alert(1)": "/", "/%2f/evil.example": "/",
	} {
		if got := Local(to); got != want {
			t.Errorf("Local(%q) = %q, want %q", to, got, want)
		}
	}
}

func TestParseClaims(t *testing.T) {
	t.Parallel()
	got, err := ParseClaims("groups=sre, email=ann@example.com,a=b=c,")
	want := []Claim{{"groups", "sre"}, {"email", "ann@example.com"}, {"a", "b=c"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("claims (-want +got):\n%s%v", diff, err)
	}
	for _, s := range []string{"sre", "=sre", "groups="} {
		if _, err := ParseClaims(s); err == nil || !strings.Contains(err.Error(), "want claims with their values") {
			t.Errorf("%q: got error %v", s, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	provider := func(change func(*Provider)) *Provider {
		p := &Provider{Issuer: "https://id.example.com", ClientID: "ebb", Operators: []Claim{{"groups", "sre"}}}
		change(p)
		return p
	}
	for want, opts := range map[string]Options{
		"at least 20 characters": {Token: "short"},
		"the console's URL is":   {Provider: provider(func(*Provider) {})},
		"client id is missing":   {URL: "https://ebb.example.com", Provider: provider(func(p *Provider) { p.ClientID = "" })},
		"nobody could sign in":   {URL: "https://ebb.example.com", Provider: provider(func(p *Provider) { p.Operators = nil })},
	} {
		if _, err := New(opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
}
