// Command lambda runs the receiver of GitHub's webhooks on Lambda.
package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/ebb-ops/ebb/functions/githubwebhook"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/secret"
	"github.com/ebb-ops/ebb/pkg/webhook"
)

// The settings: the secret's ARN in Secrets Manager, or else the secret itself,
// and the one before it while it is being replaced.
const (
	stored   = "EBB_GITHUB_WEBHOOK_SECRET_ARN"
	current  = "EBB_GITHUB_WEBHOOK_SECRET"
	previous = "EBB_GITHUB_WEBHOOK_SECRET_PREVIOUS"
)

func main() { host.MainHTTP("github-webhook", receiver) }

func receiver(in host.Intake) (http.Handler, error) {
	verify, err := verifier(in.Getenv)
	if err != nil {
		return nil, err
	}
	return githubwebhook.Receiver{Verify: verify, Accept: in.Accept, Log: in.Log}, nil
}

func verifier(getenv func(string) string) (func(context.Context, http.Header, []byte) error, error) {
	if id := getenv(stored); id != "" {
		store, err := secret.Open(context.Background(), host.Env(getenv))
		if err != nil {
			return nil, err
		}
		return secret.Webhook{ID: id, Read: store.Read, Scheme: webhook.GitHub}.Verify, nil
	}
	secrets := []string{getenv(current)}
	if old := getenv(previous); old != "" {
		secrets = append(secrets, old)
	}
	if err := webhook.GitHub(secrets...).Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w; or name the secret in %s", current, err, stored)
	}
	return githubwebhook.Signed(secrets...), nil
}
