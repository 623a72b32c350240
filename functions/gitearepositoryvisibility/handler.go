// Package gitearepositoryvisibility makes public repositories of a Gitea or
// Forgejo instance private again.
package gitearepositoryvisibility

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/reponame"
)

// Function makes public repositories private. Who made a copy in the meantime
// keeps it, so a revert is not the end of the matter: what was public must be
// taken as known.
//
// Gitea sends no event when the visibility of a repository or of its owner
// changes, nor when a repository is transferred (v1.26, services/webhook/notifier.go):
// it does when one is created, migrated, or forked into an organization. So what
// became public later is found at the next push or release.
//
// It follows a repository through renames and transfers, because the event's
// repository id counts, not its name. Archived repositories and mirrors are made
// private like others. A fork is as visible as what it was forked from: Gitea
// leaves it so, and the record says that; and forks of a repository that is made
// private become private with it. Gitea forgets a repository's stars when it
// becomes private, and an undo doesn't bring them back.
var Function = remedy.Function{
	Name:     "gitea-repository-visibility",
	Title:    "Makes public Gitea repositories private again",
	Severity: remedy.Critical,
	Triggers: triggers(),
	Actions:  []string{"write:repository"},
	Params:   Defaults(),
	Doc: remedy.Doc{
		Bad: "A repository is public, its owner is public too, and it is not among the repositories that may be. What belongs to a limited or a private owner is not public, whatever it says itself.",
		Repair: "The repository is made private with one call, whether a baseline is known or not. " +
			"It is followed through renames and transfers, because the event's repository id counts.",
		Keeps: "Only whether it is private is set. All else of the repository stays as it is, and so does its owner's visibility.",
		Limits: []string{
			"Gitea sends no event when the visibility of a repository or of its owner changes, nor when a repository is transferred: what became public later is found at the next push or release.",
			"Who made a copy while the repository was public keeps it: what was in it must be taken as known.",
			"A fork is as visible as what it was forked from; Gitea leaves it so, and the record says that. Forks of a repository that is made private become private with it.",
			"Gitea forgets a repository's stars when it becomes private, and an undo does not bring them back.",
		},
		Links: []string{"https://docs.gitea.com/usage/webhooks"},
	},
	New: func(_ context.Context, env remedy.Env) (remedy.Remedy, error) {
		s, err := newStore(env)
		if err != nil {
			return nil, err
		}
		return remedy.Bind(rules, s), nil
	},
}

// triggers are Gitea's events after which a repository may be public. Only the
// first tells of a change to the repository itself.
func triggers() []remedy.Trigger {
	return []remedy.Trigger{{
		Source: "gitea",
		Names:  []string{"repository.created", "push", "release.published"},
	}}
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// Target is one repository of the one instance, as the event names it.
type Target struct {
	Owner string `json:"owner"`
	Name  string `json:"name"`
	ID    int64  `json:"id"`
}

// Ref names the repository by the path of its page. The host is not in it: Gitea
// words it as each of its own requests came in.
func (t Target) Ref() remedy.Ref {
	return remedy.Ref{Type: "Gitea::Repository", ID: t.Owner + "/" + t.Name, Account: t.Owner}
}

// payload is the part of Gitea's event that names the repository. What the event
// says of its state doesn't count.
//
// https://docs.gitea.com/usage/webhooks#event-information
type payload struct {
	Repository struct {
		ID    int64  `json:"id"`
		Name  string `json:"name"`
		Owner struct {
			Login string `json:"login"`
		} `json:"owner"`
	} `json:"repository"`
}

func decode(ev remedy.Event) ([]Target, error) {
	if !slices.ContainsFunc(triggers(), func(t remedy.Trigger) bool { return t.Matches(ev) }) {
		return nil, nil
	}
	var p payload
	if err := json.Unmarshal(ev.Detail, &p); err != nil {
		return nil, fmt.Errorf("decode Gitea's %s event: %w", ev.Name, err)
	}
	t := Target{Owner: p.Repository.Owner.Login, Name: p.Repository.Name, ID: p.Repository.ID}
	if t.ID <= 0 || !reponame.Valid(t.Owner) || !reponame.Valid(t.Name) {
		return nil, fmt.Errorf("the event %s of Gitea's names no repository: id %d, owner %q, name %q", ev.Name, t.ID, t.Owner, t.Name)
	}
	return []Target{t}, nil
}
