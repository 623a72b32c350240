// Package secret reads secrets from AWS Secrets Manager, and keeps them for a
// while: a secret is replaced without a deployment.
//
// A secret is a JSON object whose members are strings. What they are called is
// for its reader to say: see [Keys], and package github.
package secret

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

const (
	// KeepFor is how long a secret is used without looking whether it was replaced.
	KeepFor = 5 * time.Minute
	// RereadAfter is how long after a read a refusal makes for another one: who
	// sends wrong signatures doesn't decide how often Secrets Manager is asked.
	RereadAfter = 10 * time.Second
)

// API is the part of Secrets Manager that is needed.
type API interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

// Store reads secrets. It is safe for concurrent use; who asks for a secret that
// is being read waits for that read.
type Store struct {
	client API
	now    func() time.Time

	mu   sync.Mutex
	kept map[string]*entry
}

// entry is a secret, and how reading it went.
type entry struct {
	turn    chan struct{} // holds one: whose turn it is to look at the rest
	members map[string]string
	read    time.Time // when members were
	asked   time.Time // when Secrets Manager was last asked
	err     error     // what it answered then
}

// New gives a store over a client. now is the clock; nil means [time.Now].
func New(client API, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{client: client, now: now, kept: map[string]*entry{}}
}

// Open gives a store for env. It makes no call.
func Open(ctx context.Context, env remedy.Env) (*Store, error) {
	cfg, err := cloud.LoadConfig(ctx, env)
	if err != nil {
		return nil, err
	}
	return New(secretsmanager.NewFromConfig(cfg), nil), nil
}

// Function gives f with a store as the Secret of its environment.
func Function(f remedy.Function) remedy.Function {
	open := f.New
	f.New = func(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
		s, err := Open(ctx, env)
		if err != nil {
			return nil, err
		}
		env.Secret = s.Read
		return open(ctx, env)
	}
	return f
}

// Read gives the members of the secret with the ARN or name id, at most
// [KeepFor] old. refused says that somebody did not accept what Read gave: then
// it is read anew, unless that happened within [RereadAfter]. The map belongs to
// the store.
//
// An error names the secret and what to do; nothing of the secret is in it.
func (s *Store) Read(ctx context.Context, id string, refused bool) (map[string]string, error) {
	e := s.entry(id)
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("read secret %s: %w", id, ctx.Err())
	}
	now := s.now()
	switch fresh := e.members != nil && now.Sub(e.read) < KeepFor; {
	case fresh && !refused:
		return e.members, nil
	case fresh && now.Sub(e.asked) < RereadAfter:
		return e.members, e.err
	}
	members, err := s.get(ctx, id)
	e.asked, e.err = now, err
	if err != nil {
		return nil, err
	}
	e.members, e.read = members, now
	return members, nil
}

func (s *Store) entry(id string) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.kept[id]
	if !ok {
		e = &entry{turn: make(chan struct{}, 1)}
		s.kept[id] = e
	}
	return e
}

func (s *Store) get(ctx context.Context, id string) (map[string]string, error) {
	out, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id})
	switch {
	case cloud.HasCode(err, "ResourceNotFoundException"):
		return nil, fmt.Errorf("read secret %s: there is no such secret, or it has no value yet: create it, or correct the setting that names it: %w", id, err)
	case cloud.Denied(err):
		return nil, fmt.Errorf("read secret %s: access denied: grant secretsmanager:GetSecretValue on it to the function's role, and kms:Decrypt where the key is your own: %w", id, err)
	case err != nil:
		return nil, fmt.Errorf("read secret %s: %w", id, err)
	case out.SecretString == nil:
		return nil, fmt.Errorf("read secret %s: it holds bytes: store a JSON object as its string", id)
	}
	var members map[string]string
	// The decoder's own error quotes what it read.
	if json.Unmarshal([]byte(*out.SecretString), &members) != nil || members == nil {
		return nil, fmt.Errorf("read secret %s: it is not a JSON object whose members are strings: store it anew", id)
	}
	return members, nil
}
