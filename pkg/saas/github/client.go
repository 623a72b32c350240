// Package github makes the GitHub calls that Ebb's functions need, as a
// fine-grained or classic token, or as a GitHub App.
package github

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	gogithub "github.com/google/go-github/v88/github"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas"
)

const defaultURL = "https://api.github.com"

// Client calls one GitHub instance. It is safe for concurrent use.
type Client struct {
	http *http.Client
	base string // with a slash at its end
	auth credentials
}

// credentials are who Ebb is to GitHub.
type credentials interface {
	// token gives a token to read and administer the repository with.
	token(context.Context, Ref) (string, error)
	// seesAll reports whether the credentials provably see every repository of
	// the owner, private ones too. Only then does a 404 mean that there is none.
	seesAll(ctx context.Context, r Ref) (bool, error)
	// refused is told that GitHub answered a token with 401.
	refused(Ref)
	// String names the setting to look at, for errors.
	String() string
}

// New makes a client from the settings of env, with these secrets:
//
//   - GITHUB_APP_ID with GITHUB_APP_PRIVATE_KEY (PEM) or
//     GITHUB_APP_PRIVATE_KEY_FILE (its path): a GitHub App. It is used when
//     GITHUB_TOKEN is set too.
//   - GITHUB_TOKEN: a personal access token, fine-grained or classic.
//   - EBB_GITHUB_CREDENTIALS_ARN: the id of a stored secret with a member token,
//     or with app_id and private_key. It is used instead of the others, and read
//     by env's Secret when it is first needed.
//
// It makes no call. It returns an error that names the setting to mend.
func New(env remedy.Env) (*Client, error) {
	base, err := baseURL(env.GitHubURL)
	if err != nil {
		return nil, err
	}
	c := &Client{base: base.String(), http: saas.NewClient(saas.Options{
		Product: "github", Transport: env.Transport, UserAgent: "ebb (https://github.com/ebb-ops/ebb)",
		Routes: routes(base.Path), Throttled: throttled,
	})}
	if c.auth, err = configured(env, c); err != nil {
		return nil, err
	}
	return c, nil
}

func configured(env remedy.Env, c *Client) (credentials, error) {
	if id := env.Setting(SettingStored); id != "" {
		return newStored(env, c, id)
	}
	if id := env.Setting("GITHUB_APP_ID"); id != "" {
		key, err := privateKey(env)
		if err != nil {
			return nil, err
		}
		return &app{client: c, id: id, key: key, now: time.Now, cache: map[cacheKey]installationToken{}}, nil
	}
	if token := env.Setting("GITHUB_TOKEN"); token != "" {
		if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, fmt.Errorf("GITHUB_TOKEN holds a character that no token has, perhaps a line break at its end")
		}
		return personal{client: c, secret: token}, nil
	}
	return nil, fmt.Errorf("no GitHub credentials: set GITHUB_TOKEN, or GITHUB_APP_ID with GITHUB_APP_PRIVATE_KEY or GITHUB_APP_PRIVATE_KEY_FILE")
}

func baseURL(raw string) (*url.URL, error) {
	if raw == "" {
		raw = defaultURL
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
		// The URL isn't quoted: it may hold a password.
		return nil, fmt.Errorf("the GitHub URL must be like %s or https://HOST/api/v3, without user and query", defaultURL)
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + "/"
	return u, nil
}

// routes are the paths that this package calls, for the names of the spans.
func routes(prefix string) []string {
	paths := []string{
		"repos/{owner}/{repo}", "repositories/{id}", "repos/{owner}/{repo}/installation",
		"app/installations/{installation_id}", "app/installations/{installation_id}/access_tokens",
		"user", "user/memberships/orgs/{org}",
	}
	for i := range paths {
		paths[i] = prefix + paths[i]
	}
	return paths
}

// throttled recognises a secondary rate limit that comes without headers.
//
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits
func throttled(status int, body []byte) bool {
	if status != http.StatusForbidden && status != http.StatusTooManyRequests {
		return false
	}
	var answer struct {
		URL string `json:"documentation_url"`
	}
	return json.Unmarshal(body, &answer) == nil &&
		(strings.HasSuffix(answer.URL, "secondary-rate-limits") || strings.HasSuffix(answer.URL, "#abuse-rate-limits"))
}

// as gives the API as the bearer of token sees it.
func (c *Client) as(token string) (*gogithub.Client, error) {
	// The rate limit check of go-github refuses calls by its own memory; the
	// transport asks GitHub.
	return gogithub.NewClient(gogithub.WithHTTPClient(c.http), gogithub.WithAuthToken(token),
		gogithub.WithURLs(&c.base, nil), gogithub.WithDisableRateLimitCheck())
}
