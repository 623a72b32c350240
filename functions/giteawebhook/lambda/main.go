// Command lambda runs the receiver of Gitea's webhooks on Lambda.
package main

import (
	"context"
	"net/http"

	"github.com/ebb-ops/ebb/functions/giteawebhook"
	"github.com/ebb-ops/ebb/pkg/host"
	"github.com/ebb-ops/ebb/pkg/secret"
	"github.com/ebb-ops/ebb/pkg/webhook"
)

func main() {
	host.MainHTTP("gitea-webhook", func(in host.Intake) (http.Handler, error) {
		verify, err := secret.Verifier(context.Background(), host.Env(in.Getenv), "EBB_GITEA_WEBHOOK_SECRET", webhook.Gitea)
		if err != nil {
			return nil, err
		}
		return webhook.Receiver{Forge: giteawebhook.Forge(), Verify: verify, Accept: in.Accept, Log: in.Log}, nil
	})
}
