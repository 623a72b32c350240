package github_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas/github"
	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
)

// vault is where credentials are stored.
type vault struct {
	members map[string]string
	err     error
	refused []bool // how it was asked
}

func (v *vault) read(_ context.Context, id string, refused bool) (map[string]string, error) {
	if id != "arn:github" {
		return nil, errors.New("asked for " + id)
	}
	v.refused = append(v.refused, refused)
	return v.members, v.err
}

func withStored(t *testing.T, s *githubtest.Server, v *vault) *github.Client {
	t.Helper()
	e := env(t, s, map[string]string{"EBB_GITHUB_CREDENTIALS_ARN": "arn:github", "GITHUB_TOKEN": "of a setting"})
	e.Secret = v.read
	c, err := github.New(e)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestStoredCredentials_are_replaced_while_running(t *testing.T) {
	t.Parallel()
	v := &vault{members: map[string]string{"token": "0ld"}}
	c := withStored(t, server(githubtest.Options{Tokens: []githubtest.Token{org()}}), v)
	if len(v.refused) > 0 {
		t.Error("the secret was read before anything needed it")
	}
	_, err := c.Repository(t.Context(), site)
	if err == nil || !strings.Contains(err.Error(), "401") || !strings.Contains(err.Error(), "the secret arn:github") || strings.Contains(err.Error(), "0ld") {
		t.Errorf("error = %v, want one that names the secret", err)
	}
	v.members = map[string]string{"token": "t0ken"}
	for range 2 {
		if _, err := c.Repository(t.Context(), site); err != nil {
			t.Fatal(err)
		}
	}
	if want := []bool{false, true, false}; !slices.Equal(v.refused, want) {
		t.Errorf("the secret was asked for with refused = %v, want %v", v.refused, want)
	}
}

func TestStoredCredentials_stay_refused_until_they_were_read(t *testing.T) {
	t.Parallel()
	v := &vault{members: map[string]string{"token": "0ld"}}
	c := withStored(t, server(githubtest.Options{Tokens: []githubtest.Token{org()}}), v)
	_, _ = c.Repository(t.Context(), site)
	v.err = errors.New("no answer")
	if _, err := c.Repository(t.Context(), site); !errors.Is(err, v.err) || remedy.IsPermanent(err) {
		t.Errorf("error = %v, want the store's, for a retry", err)
	}
	v.members, v.err = map[string]string{"token": "t0ken"}, nil
	if _, err := c.Repository(t.Context(), site); err != nil {
		t.Fatal(err)
	}
	if want := []bool{false, true, true}; !slices.Equal(v.refused, want) {
		t.Errorf("the secret was asked for with refused = %v, want %v", v.refused, want)
	}
}

func TestStoredCredentials_of_an_App(t *testing.T) {
	t.Parallel()
	key, text := newKey(t)
	s := server(githubtest.Options{App: &githubtest.App{ID: "42", Key: &key.PublicKey, Installations: []githubtest.Installation{all()}}})
	v := &vault{members: map[string]string{"token": "", "app_id": "42", "private_key": text}}
	c := withStored(t, s, v)
	for range 2 {
		if _, err := c.Repository(t.Context(), site); err != nil {
			t.Fatal(err)
		}
	}
	tokens := 0
	for _, call := range calls(s) {
		if strings.HasSuffix(call, "/access_tokens") {
			tokens++
		}
	}
	if tokens != 1 {
		t.Errorf("%d tokens were asked for, want 1: an unchanged secret keeps the App's", tokens)
	}
}

func TestStoredCredentials_that_are_none(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		members map[string]string
		want    string
	}{
		"empty":        {map[string]string{"token": "", "app_id": "", "private_key": ""}, "holds no credentials"},
		"another name": {map[string]string{"GITHUB_TOKEN": "t0ken"}, `put {"token"`},
		"line break":   {map[string]string{"token": "t0ken\n"}, "GITHUB_TOKEN"},
		"App, no key":  {map[string]string{"app_id": "42", "token": "t0ken"}, "no private_key"},
		"App, bad key": {map[string]string{"app_id": "42", "private_key": "t0ken"}, "GITHUB_APP_PRIVATE_KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := server(githubtest.Options{})
			_, err := withStored(t, s, &vault{members: tt.members}).Repository(t.Context(), site)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "secret arn:github") || strings.Contains(err.Error(), "t0ken") {
				t.Errorf("error = %v, want the secret's name and %s", err, tt.want)
			}
			if remedy.IsPermanent(err) {
				t.Error("no retry would mend it")
			}
			if len(calls(s)) > 0 {
				t.Errorf("GitHub was asked: %v", calls(s))
			}
			if err := github.Check(tt.members); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Check = %v, want one with %s", err, tt.want)
			}
		})
	}
	if err := github.Check(map[string]string{"token": "t0ken"}); err != nil {
		t.Errorf("Check = %v", err)
	}
}

func TestStoredCredentials_where_nothing_reads_them(t *testing.T) {
	t.Parallel()
	_, err := github.New(env(t, server(githubtest.Options{}), map[string]string{"EBB_GITHUB_CREDENTIALS_ARN": "arn:github"}))
	if err == nil || !strings.Contains(err.Error(), "EBB_GITHUB_CREDENTIALS_ARN") {
		t.Errorf("error = %v, want one that names the setting", err)
	}
}
