package github

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	gogithub "github.com/google/go-github/v88/github"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

const (
	// jwtBackdate covers clocks that disagree; GitHub allows 10 minutes in all:
	// https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
	jwtBackdate = time.Minute
	jwtLifetime = 8 * time.Minute
	// refreshBefore is how long before its expiry a token is replaced.
	refreshBefore = 5 * time.Minute
)

// app is a GitHub App. Its tokens are narrowed to one repository and to the
// permissions that are needed.
type app struct {
	client *Client
	id     string
	key    *rsa.PrivateKey
	now    func() time.Time

	mu    sync.Mutex
	cache map[cacheKey]installationToken
}

type cacheKey struct{ installation, repository int64 }

type installationToken struct {
	value   string
	expires time.Time
}

func privateKey(env remedy.Env) (*rsa.PrivateKey, error) {
	name, pem := "GITHUB_APP_PRIVATE_KEY", env.Setting("GITHUB_APP_PRIVATE_KEY")
	if file := env.Setting("GITHUB_APP_PRIVATE_KEY_FILE"); pem == "" && file != "" {
		name = "GITHUB_APP_PRIVATE_KEY_FILE"
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		pem = string(raw)
	}
	if pem == "" {
		return nil, errors.New("GITHUB_APP_ID is set, but its key is not: set GITHUB_APP_PRIVATE_KEY or GITHUB_APP_PRIVATE_KEY_FILE")
	}
	// Settings of one line carry line breaks as \n.
	key, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(strings.ReplaceAll(pem, `\n`, "\n")))
	if err != nil {
		return nil, fmt.Errorf("%s is not an RSA private key in PEM: %w", name, err)
	}
	return key, nil
}

func (a *app) String() string { return "the GitHub App " + a.id }

// token gives the cached token of the repository, or a new one. When GitHub
// won't narrow one to the repository, because it is not among those that the
// App is installed on or because the App lacks a permission, the token may only
// read metadata: the repository may be public elsewhere by now, and the call that
// follows says what is missing.
func (a *app) token(ctx context.Context, r Ref) (string, error) {
	installation, err := a.installation(ctx, r)
	if err != nil {
		return "", err
	}
	key := cacheKey{installation, r.ID}
	a.mu.Lock()
	cached := a.cache[key]
	a.mu.Unlock()
	if cached.value != "" && a.now().Before(cached.expires.Add(-refreshBefore)) {
		return cached.value, nil
	}
	read, write := "read", "write"
	fresh, err := a.request(ctx, installation, &gogithub.InstallationTokenOptions{
		RepositoryIDs: []int64{r.ID},
		Permissions:   &gogithub.InstallationPermissions{Administration: &write, Metadata: &read},
	})
	if isStatus(err, http.StatusUnprocessableEntity) {
		fresh, err = a.request(ctx, installation, &gogithub.InstallationTokenOptions{
			Permissions: &gogithub.InstallationPermissions{Metadata: &read},
		})
		return fresh.value, a.explainToken(err, installation, r)
	}
	if err != nil {
		return "", a.explainToken(err, installation, r)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.cache, func(_ cacheKey, t installationToken) bool { return a.now().After(t.expires) })
	a.cache[key] = fresh
	return fresh.value, nil
}

// explainToken hides the status from the caller: a 404 here speaks of the
// installation, not of the repository.
func (a *app) explainToken(err error, installation int64, r Ref) error {
	return a.client.explain(err, fmt.Sprintf("get a token of installation %d", installation), r, "administration: write")
}

func (a *app) request(ctx context.Context, installation int64, o *gogithub.InstallationTokenOptions) (installationToken, error) {
	api, err := a.signedIn()
	if err != nil {
		return installationToken{}, err
	}
	t, _, err := api.Apps.CreateInstallationToken(ctx, installation, o)
	if err != nil {
		return installationToken{}, err
	}
	if t.GetToken() == "" {
		return installationToken{}, errors.New("GitHub's answer holds no token")
	}
	return installationToken{t.GetToken(), t.GetExpiresAt().Time}, nil
}

// installation gives the id from the event, or asks GitHub for it.
func (a *app) installation(ctx context.Context, r Ref) (int64, error) {
	if r.Installation != 0 {
		return r.Installation, nil
	}
	api, err := a.signedIn()
	if err != nil {
		return 0, err
	}
	found, _, err := api.Apps.GetRepositoryInstallation(ctx, r.Owner, r.Name)
	if err != nil {
		return 0, a.client.explain(err, "find "+a.String()+"'s installation on "+r.String(), r, "an installation on the repository")
	}
	return found.GetID(), nil
}

func (a *app) seesAll(ctx context.Context, r Ref) (bool, error) {
	id, err := a.installation(ctx, r)
	if err != nil {
		return false, err
	}
	api, err := a.signedIn()
	if err != nil {
		return false, err
	}
	found, _, err := api.Apps.GetInstallation(ctx, id)
	if err != nil {
		return false, a.client.explain(err, fmt.Sprintf("read installation %d", id), r, "an installation on "+r.Owner)
	}
	return found.GetRepositorySelection() == "all" && found.SuspendedAt == nil &&
		strings.EqualFold(found.GetAccount().GetLogin(), r.Owner), nil
}

// refused forgets the repository's token: it was revoked before its time.
func (a *app) refused(r Ref) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key := range a.cache {
		if key.repository == r.ID {
			delete(a.cache, key)
		}
	}
}

// signedIn gives the API as the App itself.
func (a *app) signedIn() (*gogithub.Client, error) {
	now := a.now()
	token, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.RegisteredClaims{
		Issuer:    a.id,
		IssuedAt:  jwt.NewNumericDate(now.Add(-jwtBackdate)),
		ExpiresAt: jwt.NewNumericDate(now.Add(jwtLifetime)),
	}).SignedString(a.key)
	if err != nil {
		return nil, fmt.Errorf("sign as %s: %w", a, err)
	}
	return a.client.as(token)
}
