// Command lambda runs the receiver of GitHub's webhooks on Lambda.
package main

import (
	"fmt"
	"net/http"

	"github.com/ebb-ops/ebb/functions/githubwebhook"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/webhook"
)

// The settings that hold the webhook's secret, and the one before it while it
// is being replaced.
const (
	current  = "EBB_GITHUB_WEBHOOK_SECRET"
	previous = "EBB_GITHUB_WEBHOOK_SECRET_PREVIOUS"
)

func main() { host.MainHTTP("github-webhook", receiver) }

func receiver(in host.Intake) (http.Handler, error) {
	proof := webhook.GitHub(in.Getenv(current))
	if old := in.Getenv(previous); old != "" {
		proof.Secrets = append(proof.Secrets, old)
	}
	if err := proof.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", current, err)
	}
	return githubwebhook.Receiver{Verify: proof.Verify, Accept: in.Accept, Log: in.Log}, nil
}
