// Package githubwebhook says how GitHub's webhooks are received: a delivery is
// verified, made an event of, and answered once the event is in safe hands. What
// that takes is in pkg/webhook.
package githubwebhook

import "github.com/ebb-ops/ebb/pkg/webhook"

// Forge is GitHub, as its webhooks word it.
//
// https://docs.github.com/en/webhooks/webhook-events-and-payloads
func Forge() webhook.Forge {
	return webhook.Forge{
		Source: "github", Headers: "X-GitHub-", MaxBody: webhook.GitHubMaxBody,
		Forms: true, Ping: "ping", Lifecycle: []string{"repository", "public"},
	}
}
