// Package cloud is what functions' stores need of AWS: configured clients by
// account and region, a span for each call, and what an error means.
package cloud

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ebb-ops/ebb/pkg/metrics"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// LoadConfig gives the SDK configuration for env: its endpoint, its transport,
// and its credentials and region where its settings name them
// (AWS_ACCESS_KEY_ID, AWS_REGION, …). What they don't name comes from the SDK's
// default chain; in a build for Lambda, with the tag ebb.lambda, it is an error.
// Every call made with it is a span and measured, and no web page passes for an answer.
func LoadConfig(ctx context.Context, env remedy.Env) (aws.Config, error) {
	cfg, err := load(ctx, env)
	if err != nil {
		return aws.Config{}, fmt.Errorf("load AWS configuration: %w", err)
	}
	if env.Transport != nil {
		cfg.HTTPClient = &http.Client{Transport: env.Transport}
	}
	cfg.HTTPClient = KeepAnswers(cfg.HTTPClient)
	cfg.APIOptions = append(cfg.APIOptions, traceCalls, measureCalls(metrics.NewCalls(nil)), refusePages)
	return cfg, nil
}

// Clients makes one client of a service per account and region, when it is first
// asked for.
type Clients[C any] struct {
	cfg      aws.Config
	accounts *Accounts
	new      func(aws.Config) C

	mu   sync.Mutex
	made map[place]C
}

type place struct{ account, region string }

// NewClients prepares the clients of one service. new is called once per account
// and region.
func NewClients[C any](ctx context.Context, env remedy.Env, new func(aws.Config) C) (*Clients[C], error) {
	cfg, err := LoadConfig(ctx, env)
	if err != nil {
		return nil, err
	}
	accounts, err := NewAccounts(cfg, env)
	if err != nil {
		return nil, err
	}
	return &Clients[C]{cfg: cfg, accounts: accounts, new: new, made: map[place]C{}}, nil
}

// For gives the client for a resource's account and region; an empty region
// means the configuration's own. Its calls fail where [Accounts.Credentials] does.
func (c *Clients[C]) For(r remedy.Ref) C {
	at := place{region: r.Region}
	if at.region == "" {
		at.region = c.cfg.Region
	}
	if c.accounts.away(r.Account) {
		at.account = r.Account
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	client, ok := c.made[at]
	if !ok {
		cfg := c.cfg.Copy()
		cfg.Region = at.region
		cfg.Credentials = c.accounts.Credentials(r.Account)
		client = c.new(cfg)
		c.made[at] = client
	}
	return client
}
