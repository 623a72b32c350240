// Package gitea makes the calls that Ebb's functions need of one instance of
// Gitea or Forgejo.
package gitea

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas"
)

// The settings of [New].
const (
	SettingURL    = "EBB_GITEA_URL"             // where the instance is, such as https://git.example.com; required
	SettingToken  = "GITEA_TOKEN"               // #nosec G101 -- the name of an access token
	SettingStored = "EBB_GITEA_CREDENTIALS_ARN" // #nosec G101 -- the id of a stored secret
)

// Client calls one instance. It is safe for concurrent use.
type Client struct {
	http *http.Client
	base *url.URL // with a slash at its end
	auth *credentials
}

// New makes a client from the settings of env: [SettingURL], and either
// [SettingToken] or [SettingStored], the id of a stored secret with a member
// token, which is used instead of the other and read when it is first needed.
//
// It makes no call. It returns an error that names the setting to mend.
func New(env remedy.Env) (*Client, error) {
	base, err := url.Parse(env.Setting(SettingURL))
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" || base.User != nil || base.RawQuery != "" {
		// The URL isn't quoted: it may hold a password.
		return nil, fmt.Errorf("set %s to where Gitea is, such as https://git.example.com, without user and query", SettingURL)
	}
	base.Path = strings.TrimSuffix(base.Path, "/") + "/"
	auth, err := newCredentials(env)
	if err != nil {
		return nil, err
	}
	return &Client{base: base, auth: auth, http: saas.NewClient(saas.Options{
		Product: "gitea", Transport: env.Transport, UserAgent: "ebb (https://github.com/ebb-ops/ebb)", Routes: routes(base.Path),
	})}, nil
}

// routes are the paths that this package calls, for the names of the spans.
func routes(prefix string) []string {
	paths := []string{"repositories/{id}", "repos/{owner}/{repo}", "user", "users/{username}/orgs/{org}/permissions"}
	for i := range paths {
		paths[i] = prefix + "api/v1/" + paths[i]
	}
	return paths
}

// do makes a call to a path below /api/v1/, whose parts are escaped, and decodes
// the answer into out. in is the body; nil means none. An answer that is not the
// call's success is a [*refusal].
func (c *Client) do(ctx context.Context, method string, path []string, in, out any) error {
	token, err := c.auth.token(ctx)
	if err != nil {
		return err
	}
	for i := range path {
		path[i] = url.PathEscape(path[i])
	}
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(append([]string{"api/v1"}, path...)...).String(), body)
	if err != nil {
		return saas.Redact(err)
	}
	req.Header.Set("Authorization", "token "+token)
	req.Header.Set("Accept", "application/json")
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return saas.Redact(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return refused(res.StatusCode, raw)
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return errors.New("the answer is not JSON of Gitea's: something else may answer at " + SettingURL)
	}
	return nil
}
