package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/host/local"
	"github.com/ebb-ops/ebb/pkg/logs"
	"github.com/ebb-ops/ebb/pkg/policy/describe"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/webconsole"
	"github.com/ebb-ops/ebb/pkg/webconsole/signin"
)

// The settings of the console's sign-in. Those of the provider are in the
// environment only, as one of them is a secret and all belong together.
const (
	settingOperatorToken = "EBB_OPERATOR_TOKEN" // #nosec G101 -- the names of secrets
	settingURL           = "EBB_URL"
	settingIssuer        = "EBB_OIDC_ISSUER"
	settingClientID      = "EBB_OIDC_CLIENT_ID"
	settingClientSecret  = "EBB_OIDC_CLIENT_SECRET" // #nosec G101
	settingOperators     = "EBB_OIDC_OPERATORS"
	settingReaders       = "EBB_OIDC_READERS"
	settingScopes        = "EBB_OIDC_SCOPES"
)

// keyFile holds the key of the console's cookies, in the data folder.
const keyFile = "console.key"

// people is who may use the console.
type people struct {
	token, url string
	made       string // the token, when this process made it
}

func (p *people) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.token, "operator-token", "",
		`token that signs an operator in on this machine; "new" makes one and prints it, others are better set in the environment`)
	fromEnv(cmd.Flags(), "operator-token", settingOperatorToken)
	cmd.Flags().StringVar(&p.url, "url", "", "where people reach the console, such as https://ebb.example.com; the address it listens on when empty")
	fromEnv(cmd.Flags(), "url", settingURL)
}

// console gives what makes the console's pages.
func (a *app) console(listen string, p *people) (func(local.Parts) (http.Handler, error), error) {
	if p.token != "" && !onLoopback(listen) {
		return nil, usagef("--operator-token is for this machine only, and --listen %s is open to others: listen on 127.0.0.1, or let people sign in at a provider (%s)", listen, settingIssuer)
	}
	if p.token == "new" {
		p.token = rand.Text()
		p.made = p.token
	}
	provider, err := a.provider()
	if err != nil {
		return nil, err
	}
	return func(parts local.Parts) (http.Handler, error) {
		key, err := cookieKey(filepath.Join(a.data, keyFile))
		if err != nil {
			return nil, err
		}
		url := p.url
		if url == "" {
			url = "http://" + parts.Addr.String()
		}
		desk, err := signin.New(signin.Options{Key: key, Token: p.token, Provider: provider, URL: url})
		if err != nil {
			return nil, fmt.Errorf("set up the console's sign-in: %w", err)
		}
		return webconsole.New(webconsole.Config{
			Ledger: parts.Ledger, Policy: parts.Policy, Functions: a.Functions, Host: parts.Host, Desk: desk,
			Describe: func(f remedy.Function) (console.Function, error) { return describe.Function(f, parts.Policy.Policy) },
			Traces:   store{parts.Ledger, parts.Ledger}.traces,
			Direct:   parts.Direct, Open: parts.Open, Unavailable: parts.Unavailable,
			Log: logs.New(a.Stderr, logs.Options{Getenv: a.Getenv}),
		})
	}, nil
}

// onLoopback reports whether an address to listen on is this machine's own.
func onLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// provider gives where people sign in, or nil.
func (a *app) provider() (*signin.Provider, error) {
	issuer := a.Getenv(settingIssuer)
	if issuer == "" {
		return nil, nil
	}
	p := &signin.Provider{Issuer: issuer, ClientID: a.Getenv(settingClientID), ClientSecret: a.Getenv(settingClientSecret)}
	var err error
	if p.Operators, err = signin.ParseClaims(a.Getenv(settingOperators)); err != nil {
		return nil, usagef("%s: %w", settingOperators, err)
	}
	if p.Readers, err = signin.ParseClaims(a.Getenv(settingReaders)); err != nil {
		return nil, usagef("%s: %w", settingReaders, err)
	}
	p.Scopes = strings.Fields(a.Getenv(settingScopes))
	return p, nil
}

// cookieKey gives the key in a file, and makes both when there is none: sessions
// outlive a restart.
func cookieKey(path string) (key [32]byte, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		b = make([]byte, len(key))
		if _, err = rand.Read(b); err == nil {
			err = os.WriteFile(path, b, 0o600)
		}
	}
	if err != nil {
		return key, fmt.Errorf("the console's key: %w", err)
	}
	if len(b) != len(key) {
		return key, fmt.Errorf("the console's key: %s has %d bytes instead of %d: remove it, and people sign in again", path, len(b), len(key))
	}
	return [32]byte(b), nil
}
