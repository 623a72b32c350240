package gitearepositoryvisibility

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/reponame"
)

// public is the visibility of an owner whom anyone sees. What belongs to a
// limited or a private one is not public, whatever it says itself.
const public = "public"

// Params is what a policy may set.
type Params struct {
	Owners        []string `json:"owners" jsonschema:"Organizations and users whose repositories are watched; * stands for any characters, ? for one and [a-z] for one of a range. Case doesn't count. Empty means all."`
	AllowedPublic []string `json:"allowed_public" jsonschema:"Repositories that may be public, as owner/name, with * and the like in each half."`
}

// Defaults gives the parameters that hold where a policy sets none: no
// repository may be public.
func Defaults() Params { return Params{Owners: []string{}, AllowedPublic: []string{}} }

// Validate reports the first parameter that makes no sense.
func (p Params) Validate() error {
	if err := reponame.CheckOwners(p.Owners); err != nil {
		return fmt.Errorf("owners: %w", err)
	}
	if err := reponame.Check(p.AllowedPublic); err != nil {
		return fmt.Errorf("allowed_public: %w", err)
	}
	return nil
}

// State is a repository as far as it matters here. Only Private is ever changed;
// two states that agree in it are the same.
type State struct {
	Owner           string   `json:"owner"` // now, whatever the event said
	Name            string   `json:"name"`
	OwnerVisibility string   `json:"owner_visibility"` // "public", "limited" or "private"
	Private         bool     `json:"private"`
	Archived        bool     `json:"archived,omitempty"`
	Fork            bool     `json:"fork,omitempty"`
	Mirror          bool     `json:"mirror,omitempty"`
	Topics          []string `json:"topics,omitempty"`
}

// ResourceTags gives the topics, so that exemptions can name one.
func (s State) ResourceTags() map[string]string { return reponame.Tags(s.Topics) }

// Change makes the repository that is now named Owner/Repo private, or not.
type Change struct {
	Owner   string `json:"owner"`
	Repo    string `json:"repo"`
	Private bool   `json:"private"`
}

// Call writes the change down as Gitea's API names it.
func (c Change) Call() remedy.Call {
	return remedy.Call{API: "PATCH /repos/{owner}/{repo}", Params: c}
}

// check goes by the live name: a repository that was renamed or transferred is
// watched and allowed, or not, under its new one.
func check(_ Target, s State, p Params) []remedy.Violation {
	if s.Private || s.OwnerVisibility != public ||
		len(p.Owners) > 0 && !reponame.Match(p.Owners, s.Owner) || reponame.Match(p.AllowedPublic, s.Owner+"/"+s.Name) {
		return nil
	}
	message := fmt.Sprintf("The repository %s/%s is public, and no pattern of allowed_public covers it.", s.Owner, s.Name)
	if s.Fork {
		message += " It is a fork: Gitea keeps it as visible as the repository that it was forked from."
	}
	return []remedy.Violation{{Rule: "public-repository", Message: message}}
}

func repair(t Target, s State, _ remedy.Baseline[State], p Params) State {
	if len(check(t, s, p)) > 0 {
		s.Private = true
	}
	return s
}

func diff(_ Target, from, to State) []Change {
	if from.Private == to.Private {
		return nil
	}
	return []Change{{Owner: from.Owner, Repo: from.Name, Private: to.Private}}
}
