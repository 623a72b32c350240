// Command lambda runs the receiver of GitHub's webhooks on Lambda.
package main

import (
	"context"
	"net/http"

	"github.com/ebb-ops/ebb/functions/githubwebhook"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/secret"
	"github.com/ebb-ops/ebb/pkg/webhook"
)

func main() {
	host.MainHTTP("github-webhook", func(in host.Intake) (http.Handler, error) {
		verify, err := secret.Verifier(context.Background(), host.Env(in.Getenv), "EBB_GITHUB_WEBHOOK_SECRET", webhook.GitHub)
		if err != nil {
			return nil, err
		}
		return webhook.Receiver{Forge: githubwebhook.Forge(), Verify: verify, Accept: in.Accept, Log: in.Log}, nil
	})
}
