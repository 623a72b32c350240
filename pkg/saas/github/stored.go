package github

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// SettingStored names the stored secret that holds the credentials.
const SettingStored = "EBB_GITHUB_CREDENTIALS_ARN"

// The members of a stored secret: either a token, or an App's id and key. They
// are what the settings GITHUB_TOKEN, GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY
// are to [New].
const (
	memberToken = "token"
	memberApp   = "app_id"
	memberKey   = "private_key"
)

// Check reports whether members are credentials: nil, or an error that names
// what to mend. It makes no call.
func Check(members map[string]string) error {
	_, err := fromMembers(members, &Client{})
	return err
}

func fromMembers(members map[string]string, c *Client) (credentials, error) {
	switch {
	case members[memberApp] != "" && members[memberKey] == "":
		return nil, fmt.Errorf("it has an %s but no %s: put the App's key beside it, PEM", memberApp, memberKey)
	case members[memberApp] == "" && members[memberToken] == "":
		return nil, fmt.Errorf(`it holds no credentials: put {"%s": "…"} or {"%s": "…", "%s": "…"} into it`, memberToken, memberApp, memberKey)
	}
	settings := map[string]string{
		"GITHUB_TOKEN": members[memberToken], "GITHUB_APP_ID": members[memberApp], "GITHUB_APP_PRIVATE_KEY": members[memberKey],
	}
	return configured(remedy.Env{Getenv: func(name string) string { return settings[name] }}, c)
}

// stored is credentials in a stored secret, which may be replaced at any time.
type stored struct {
	client *Client
	id     string
	read   func(ctx context.Context, id string, refused bool) (map[string]string, error)

	mu       sync.Mutex
	rejected bool              // GitHub answered 401 to auth
	members  map[string]string // what auth was made of
	auth     credentials
}

func newStored(env remedy.Env, c *Client, id string) (credentials, error) {
	if env.Secret == nil {
		return nil, fmt.Errorf("%s is set, but nothing here reads stored secrets: set GITHUB_TOKEN, or GITHUB_APP_ID with its key, instead", SettingStored)
	}
	return &stored{client: c, id: id, read: env.Secret}, nil
}

func (s *stored) String() string { return "the credentials in the secret " + s.id }

// current gives the credentials as they are stored now.
func (s *stored) current(ctx context.Context) (credentials, error) {
	s.mu.Lock()
	rejected := s.rejected
	s.mu.Unlock()
	members, err := s.read(ctx, s.id, rejected)
	if err != nil {
		return nil, fmt.Errorf("GitHub credentials: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected = s.rejected && !rejected
	if s.auth == nil || !maps.Equal(members, s.members) {
		auth, err := fromMembers(members, s.client)
		if err != nil {
			return nil, fmt.Errorf("GitHub credentials: secret %s: %w", s.id, err)
		}
		s.auth, s.members = auth, members
	}
	return s.auth, nil
}

func (s *stored) token(ctx context.Context, r Ref) (string, error) {
	auth, err := s.current(ctx)
	if err != nil {
		return "", err
	}
	return auth.token(ctx, r)
}

func (s *stored) seesAll(ctx context.Context, r Ref) (bool, error) {
	auth, err := s.current(ctx)
	if err != nil {
		return false, err
	}
	return auth.seesAll(ctx, r)
}

// refused has the secret read anew before its next use: the event comes again.
func (s *stored) refused(r Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected = true
	if s.auth != nil {
		s.auth.refused(r)
	}
}
