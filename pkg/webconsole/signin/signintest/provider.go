// Package signintest runs a real OpenID Connect provider, that of the certified
// library zitadel/oidc, with people in it.
package signintest

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// What a client of the provider needs to know.
const (
	ClientID     = "ebb"
	ClientSecret = "a secret of the tests"
	Password     = "a password of the tests" // of all people
)

// The people: their names to sign in with, which are their ids too. All have a
// verified e-mail address at example.com, but Mallory, who claims Ann's.
const (
	Ann     = "ann"     // of the groups staff and sre
	Bob     = "bob"     // of the group staff
	Carol   = "carol"   // of no group
	Mallory = "mallory" // of no group
)

func groups(id string) []string {
	return map[string][]string{Ann: {"staff", "sre"}, Bob: {"staff"}}[id]
}

// people are the provider's.
type people struct{}

func (people) GetUserByID(id string) *storage.User {
	first, ok := map[string]string{Ann: "Ann", Bob: "Bob", Carol: "Carol", Mallory: "Mallory"}[id]
	if !ok {
		return nil
	}
	u := &storage.User{
		ID: id, Username: id, Password: Password, FirstName: first, LastName: "Example",
		Email: id + "@example.com", EmailVerified: true,
	}
	if id == Mallory {
		u.Email, u.EmailVerified = "ann@example.com", false
	}
	return u
}

func (p people) GetUserByUsername(name string) *storage.User { return p.GetUserByID(name) }

func (people) ExampleClientID() string { return ClientID }

// withGroups is the library's storage, with a claim that real providers have.
type withGroups struct{ *storage.Storage }

// SetUserinfoFromToken gives what the userinfo endpoint says.
func (s withGroups) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, tokenID, subject, origin string) error {
	if err := s.Storage.SetUserinfoFromToken(ctx, info, tokenID, subject, origin); err != nil {
		return err
	}
	info.AppendClaims("groups", groups(subject))
	return nil
}

// Start runs a provider that lets people back to the given addresses, and gives
// its issuer. It ends with the test.
func Start(t testing.TB, redirects ...string) (issuer string) {
	t.Helper()
	clients := map[string]*storage.Client{ClientID: storage.WebClient(ClientID, ClientSecret, redirects...)}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	issuer = "http://" + l.Addr().String()
	store := withGroups{storage.NewStorageWithClients(people{}, clients)}
	srv := httptest.NewUnstartedServer(handler(issuer, store))
	_ = srv.Listener.Close()
	srv.Listener = l
	srv.Start()
	t.Cleanup(srv.Close)
	return issuer
}

func handler(issuer string, store withGroups) http.Handler {
	return exampleop.SetupServer(issuer, store, nil, false, op.WithAllowInsecure())
}
