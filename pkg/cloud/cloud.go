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
	cfg.APIOptions = append(cfg.APIOptions, traceCalls, measureCalls(metrics.NewCalls(nil)), refusePages)
	return cfg, nil
}

// Clients makes one client of a service per region, when it is first asked for.
type Clients[C any] struct {
	cfg aws.Config
	new func(aws.Config) C

	mu       sync.Mutex
	byRegion map[string]C
}

// NewClients prepares the clients of one service. new is called once per region.
func NewClients[C any](ctx context.Context, env remedy.Env, new func(aws.Config) C) (*Clients[C], error) {
	cfg, err := LoadConfig(ctx, env)
	if err != nil {
		return nil, err
	}
	return &Clients[C]{cfg: cfg, new: new, byRegion: map[string]C{}}, nil
}

// For gives the client for a resource's region; an empty region means the
// configuration's own.
func (c *Clients[C]) For(r remedy.Ref) C {
	region := r.Region
	if region == "" {
		region = c.cfg.Region
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	client, ok := c.byRegion[region]
	if !ok {
		cfg := c.cfg.Copy()
		cfg.Region = region
		client = c.new(cfg)
		c.byRegion[region] = client
	}
	return client
}
