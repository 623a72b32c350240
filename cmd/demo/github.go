package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
)

// nowhere is AWS's endpoint where there is no emulator: nothing listens there.
const nowhere = "http://127.0.0.1:1"

// awsURL is where AWS is.
func (s *stage) awsURL() string {
	if s.trail == nil {
		return nowhere
	}
	return s.trail.URL
}

// gitHubScenes are the bad changes that GitHub's webhooks tell of.
func (s *stage) gitHubScenes() []scene {
	const id, owner, name, hidden = 186853002, "Codertocat", "Hello-World", "Hidden-World"
	renamed := s.gitHubScene(
		"a repository is made public, and renamed before its webhook arrives",
		githubtest.Repo{ID: id, Owner: owner, Name: name, User: true, Visibility: "public"}, hidden,
		"github-webhook/public.json", "public")
	first := renamed.change
	renamed.change = func(ctx context.Context) (string, error) {
		call, err := first(ctx)
		return call + "\ngh repo rename " + hidden + " --repo " + owner + "/" + name, errors.Join(err, s.github.Rename(id, owner, hidden))
	}
	return []scene{
		s.repository(),
		s.gitHubScene("a public repository is created in an organization",
			githubtest.Repo{ID: 186853261, Owner: "Octocoders", Name: name, Visibility: "public"}, name,
			"github-webhook/created.json", "repository"),
		renamed,
	}
}

// gitHubScene is a repository that is there and public once the change is made,
// under the name live; and the real payload that tells of it.
func (s *stage) gitHubScene(title string, r githubtest.Repo, live, file, event string) scene {
	call := fmt.Sprintf("gh repo edit %s/%s --visibility public", r.Owner, r.Name)
	if event == "repository" {
		call = fmt.Sprintf("gh repo create %s/%s --public", r.Owner, r.Name)
	}
	return scene{
		title:    title,
		function: "github-repository-visibility",
		arrange:  func(context.Context) error { return nil },
		change: func(context.Context) (string, error) {
			s.github.AddRepo(r)
			return call, nil
		},
		event: func(ctx context.Context) (string, error) { return s.deliverWebhook(ctx, file, event) },
		state: func(context.Context) (string, error) {
			repo, ok := s.github.Repo(r.Owner, live)
			if !ok {
				return "", fmt.Errorf("%s/%s is not there", r.Owner, live)
			}
			return repo.Owner + "/" + repo.Name + " " + repo.Visibility, nil
		},
		good: func(state string) bool { return state == r.Owner+"/"+live+" private" },
	}
}

// forge sends a delivery that somebody else has signed, which must be refused.
func (s *stage) forge(ctx context.Context, out *printer) error {
	out.line("\n%s", out.paint("1", "somebody else sends a webhook"))
	body, err := os.ReadFile(filepath.Join("events", "github-webhook/publicized.json"))
	if err != nil {
		return fmt.Errorf("read the sample webhook: %w", err)
	}
	req, err := githubtest.Deliver(s.ebbURL+"/webhooks/github", body, "repository", rand.Text(), "a guess")
	if err != nil {
		return err
	}
	out.field("signed", "", "with a guessed secret")
	if err := s.do(req.WithContext(ctx), http.StatusUnauthorized, nil); err != nil {
		return fmt.Errorf("a forged delivery was not refused: %w", err)
	}
	out.field("ebb", "36", "401: the signature does not match the body; nothing was read")
	return nil
}
