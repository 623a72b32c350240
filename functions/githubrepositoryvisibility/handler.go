// Package githubrepositoryvisibility makes GitHub repositories that became
// public private again.
package githubrepositoryvisibility

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/reponame"
)

// Function takes public repositories back to the visibility they had. Who made
// a copy in the meantime keeps it, so a revert is not the end of the matter:
// what was public must be taken as known.
//
// It follows a repository through renames and transfers, because the event's
// repository id counts, not its name. A public fork stays public: GitHub
// refuses to make one private, and the record says so.
var Function = remedy.Function{
	Name:     "github-repository-visibility",
	Title:    "Makes GitHub repositories that became public private again",
	Severity: remedy.Critical,
	Triggers: triggers(),
	Actions: []string{
		"administration: write",
		"metadata: read",
	},
	Params: Defaults(),
	Doc: remedy.Doc{
		Bad: "A repository is public and is not among the repositories that may be. It goes by the name that the repository has now, so a renamed one is judged under its new name.",
		Repair: "The visibility is set with one call: to the one that the repository had when Ebb last saw it compliant, else to the parameter fallback. " +
			"The repository is followed through renames and transfers, because the event's repository id counts.",
		Keeps: "Only the visibility is set. Topics, settings, branches, collaborators and archived repositories' state stay as they are.",
		Limits: []string{
			"Who made a copy while the repository was public keeps it: what was in it must be taken as known.",
			"A public fork stays public, because GitHub refuses to make one private; the record says so.",
			"A repository that becomes private loses its stars and watchers, and its public forks are detached; an undo does not bring them back.",
			"GitHub does not deliver a webhook again by itself: a delivery that failed must be redelivered.",
		},
		Links: []string{
			"https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/managing-repository-settings/setting-repository-visibility",
			"https://docs.github.com/en/rest/repos/repos#update-a-repository",
		},
	},
	New: func(_ context.Context, env remedy.Env) (remedy.Remedy, error) {
		s, err := newStore(env)
		if err != nil {
			return nil, err
		}
		return remedy.Bind(rules, s), nil
	},
}

// triggers are GitHub's events after which a repository may be public. "public"
// comes beside "repository.publicized", and to webhooks that get nothing else.
func triggers() []remedy.Trigger {
	return []remedy.Trigger{{
		Source: "github",
		Names:  []string{"public", "repository.created", "repository.publicized"},
	}}
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// Target is one repository, as the event names it.
type Target struct {
	Host         string `json:"host"` // "github.com", or an Enterprise Server's
	Owner        string `json:"owner"`
	Name         string `json:"name"`
	ID           int64  `json:"id"`
	Installation int64  `json:"installation,omitempty"` // of the GitHub App that got the event
}

// Ref names the repository by the path of its page.
func (t Target) Ref() remedy.Ref {
	return remedy.Ref{
		Type:    "GitHub::Repository",
		ID:      t.Host + "/" + t.Owner + "/" + t.Name,
		Account: t.Owner,
	}
}

// payload is the part of GitHub's event that names the repository. What the
// event says of its state doesn't count.
//
// https://docs.github.com/en/webhooks/webhook-events-and-payloads#repository
type payload struct {
	Repository struct {
		ID      int64  `json:"id"`
		Name    string `json:"name"`
		HTMLURL string `json:"html_url"`
		Owner   struct {
			Login string `json:"login"`
		} `json:"owner"`
	} `json:"repository"`
	Installation struct {
		ID int64 `json:"id"`
	} `json:"installation"`
}

func decode(ev remedy.Event) ([]Target, error) {
	if !slices.ContainsFunc(triggers(), func(t remedy.Trigger) bool { return t.Matches(ev) }) {
		return nil, nil
	}
	var p payload
	if err := json.Unmarshal(ev.Detail, &p); err != nil {
		return nil, fmt.Errorf("decode GitHub's %s event: %w", ev.Name, err)
	}
	r := p.Repository
	page, err := url.Parse(r.HTMLURL)
	if err != nil || page.Host == "" || r.ID <= 0 || !reponame.Valid(r.Owner.Login) || !reponame.Valid(r.Name) {
		return nil, fmt.Errorf("GitHub's %s event names no repository: id %d, owner %q, name %q, page %q",
			ev.Name, r.ID, r.Owner.Login, r.Name, r.HTMLURL)
	}
	return []Target{{
		Host: strings.ToLower(page.Host), Owner: r.Owner.Login, Name: r.Name, ID: r.ID, Installation: p.Installation.ID,
	}}, nil
}
