package gitea

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// memberToken is the member of a stored secret that holds the token.
const memberToken = "token"

// credentials are a token, or where it is stored.
type credentials struct {
	value    string // empty when it is stored
	id       string
	read     func(ctx context.Context, id string, refused bool) (map[string]string, error)
	rejected atomic.Bool // Gitea answered 401 to it
}

func newCredentials(env remedy.Env) (*credentials, error) {
	if id := env.Setting(SettingStored); id != "" {
		if env.Secret == nil {
			return nil, fmt.Errorf("%s is set, but nothing here reads stored secrets: set %s instead", SettingStored, SettingToken)
		}
		return &credentials{id: id, read: env.Secret}, nil
	}
	value := env.Setting(SettingToken)
	if value == "" {
		return nil, fmt.Errorf("no Gitea credentials: set %s", SettingToken)
	}
	if err := isToken(value); err != nil {
		return nil, fmt.Errorf("%s %w", SettingToken, err)
	}
	return &credentials{value: value}, nil
}

// Check reports whether members, of a stored secret, are credentials: nil, or an
// error that says what to mend. It makes no call.
func Check(members map[string]string) error {
	value := members[memberToken]
	if value == "" {
		return fmt.Errorf(`it holds no credentials: put {"%s": "…"} into it`, memberToken)
	}
	if err := isToken(value); err != nil {
		return fmt.Errorf("its %s %w", memberToken, err)
	}
	return nil
}

func isToken(value string) error {
	if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("holds a character that no token has, perhaps a line break at its end")
	}
	return nil
}

// String names the setting to look at, for errors.
func (c *credentials) String() string {
	if c.id != "" {
		return "the token in the secret " + c.id
	}
	return SettingToken
}

// refused has the secret read anew before its next use: the event comes again.
func (c *credentials) refused() { c.rejected.Store(true) }

func (c *credentials) token(ctx context.Context) (string, error) {
	if c.id == "" {
		return c.value, nil
	}
	rejected := c.rejected.Load()
	members, err := c.read(ctx, c.id, rejected)
	if err != nil {
		return "", fmt.Errorf("credentials: %w", err)
	}
	c.rejected.CompareAndSwap(rejected, false)
	if err := Check(members); err != nil {
		return "", fmt.Errorf("credentials: secret %s: %w", c.id, err)
	}
	return members[memberToken], nil
}
