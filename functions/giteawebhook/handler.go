// Package giteawebhook says how the webhooks of Gitea and Forgejo are received.
// What that takes is in pkg/webhook.
package giteawebhook

import "github.com/ebb-ops/ebb/pkg/webhook"

// maxBody is the largest body that is read, in bytes: Gitea sets no limit of its
// own, and its largest payloads, of pushes, hold a few commits.
const maxBody = 25 << 20

// Forge is Gitea, as its webhooks word it. A webhook must send application/json:
// of a form, Gitea signs the payload and not the body. Forgejo sends the same
// headers beside its own. A test delivery is a push like any other.
//
// https://docs.gitea.com/usage/webhooks
func Forge() webhook.Forge {
	return webhook.Forge{Source: "gitea", Headers: "X-Gitea-", MaxBody: maxBody, Lifecycle: []string{"repository"}}
}
