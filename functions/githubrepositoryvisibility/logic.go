package githubrepositoryvisibility

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/reponame"
)

// The visibilities of a repository.
const (
	public   = "public"
	private  = "private"
	internal = "internal" // to the enterprise's members
)

// Params is what a policy may set.
type Params struct {
	AllowedPublic []string `json:"allowed_public" jsonschema:"Repositories that may be public, as owner/name. In each half * stands for any characters, ? for one and [a-z] for one of a range. Case doesn't count."`
	Fallback      string   `json:"fallback" jsonschema:"The visibility that a public repository gets when it is not known which it had: private, or internal where the enterprise's members may see it."`
}

// Defaults gives the parameters that hold where a policy sets none: no
// repository may be public.
func Defaults() Params { return Params{AllowedPublic: []string{}, Fallback: private} }

// Validate reports the first parameter that makes no sense.
func (p Params) Validate() error {
	if err := reponame.Check(p.AllowedPublic); err != nil {
		return fmt.Errorf("allowed_public: %w", err)
	}
	if p.Fallback != private && p.Fallback != internal {
		return fmt.Errorf("fallback: %q is neither %s nor %s", p.Fallback, private, internal)
	}
	return nil
}

// allows reports whether the repository may be public.
func (p Params) allows(s State) bool {
	return reponame.Match(p.AllowedPublic, s.Owner+"/"+s.Name)
}

// State is a repository as far as it matters here. Only the visibility is ever
// changed; two states of the same visibility are the same.
type State struct {
	Owner      string   `json:"owner"` // now, whatever the event said
	Name       string   `json:"name"`
	Visibility string   `json:"visibility"`
	Archived   bool     `json:"archived,omitempty"`
	Fork       bool     `json:"fork,omitempty"`
	Topics     []string `json:"topics,omitempty"`
}

// ResourceTags gives the topics, so that exemptions can name one.
func (s State) ResourceTags() map[string]string { return reponame.Tags(s.Topics) }

// Change sets the visibility of the repository that is now named Owner/Repo.
type Change struct {
	Owner      string `json:"owner"`
	Repo       string `json:"repo"`
	Visibility string `json:"visibility"`
}

// Call writes the change down as GitHub's REST API names it.
func (c Change) Call() remedy.Call {
	return remedy.Call{API: "PATCH /repos/{owner}/{repo}", Params: c}
}

// check goes by the live name: a repository that was renamed after it became
// public is allowed or not under its new one.
func check(_ Target, s State, p Params) []remedy.Violation {
	if s.Visibility != public || p.allows(s) {
		return nil
	}
	message := fmt.Sprintf("The repository %s/%s is public, and no pattern of allowed_public covers it.", s.Owner, s.Name)
	if s.Fork {
		message += " It is a fork: GitHub keeps forks of public repositories public, so only its owner can remove it."
	}
	return []remedy.Violation{{Rule: "public-repository", Message: message}}
}

func repair(_ Target, s State, b remedy.Baseline[State], p Params) State {
	if s.Visibility != public || p.allows(s) {
		return s
	}
	s.Visibility = p.Fallback
	if b.Known && b.State.Visibility != public {
		s.Visibility = b.State.Visibility
	}
	return s
}

func diff(_ Target, from, to State) []Change {
	if from.Visibility == to.Visibility {
		return nil
	}
	return []Change{{Owner: from.Owner, Repo: from.Name, Visibility: to.Visibility}}
}
