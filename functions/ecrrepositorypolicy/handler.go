// Package ecrrepositorypolicy takes statements that let strangers in out of the
// policies of ECR repositories, and brings back what was overwritten.
package ecrrepositorypolicy

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
)

// Function removes the statements of a repository's policy that let in everybody,
// or whom the company does not allow.
var Function = remedy.Function{
	Name:     "ecr-repository-policy",
	Title:    "Removes the statements of ECR repository policies that let strangers in",
	Severity: remedy.Critical,
	Triggers: []remedy.Trigger{{Source: "aws.ecr", Names: []string{"DeleteRepositoryPolicy", "SetRepositoryPolicy"}}},
	Actions: []string{
		"ecr:DeleteRepositoryPolicy",
		"ecr:GetRepositoryPolicy",
		"ecr:ListTagsForResource",
		"ecr:SetRepositoryPolicy",
	},
	Params: Params{},
	Doc:    doc(),
	New:    open,
}

func doc() remedy.Doc {
	d := resourcepolicy.Doc("repository", "ecr:SetRepositoryPolicy", "With no statement left, ecr:DeleteRepositoryPolicy takes the policy away: only the repository's account has access.", "allowed_repositories")
	d.Limits = append(d.Limits,
		"The call never has force: a policy that would keep everybody from changing it is refused by ECR, in a repair and in an undo.",
		"ECR keeps the words of a policy, not its layout: it gives every policy back with white space of its own.",
		"The registry's own policy, and ECR Public, are not looked at. Calls about another account's repository are left to that account's own events.",
		"No service is bound by default: the statement that Lambda adds to pull its images may stand without a condition.")
	d.Links = append(d.Links,
		"https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_SetRepositoryPolicy.html",
		"https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html")
	return d
}

var rules = resourcepolicy.Rule(decode, judge, call)

// Params are the function's parameters.
type Params struct {
	AllowedRepositories resourcepolicy.Names `json:"allowed_repositories,omitempty" jsonschema:"names of repositories that may be open to everybody; * stands for any characters but a slash, ? for one, [a-z] for one of a range"`
	resourcepolicy.Params
}

// Validate reports the first parameter that can't be used.
func (p Params) Validate() error {
	if err := p.AllowedRepositories.Validate("allowed_repositories"); err != nil {
		return err
	}
	return p.Params.Validate()
}

// Target is one repository.
type Target struct {
	Repository string `json:"repository"` // its name
	Account    string `json:"account"`    // whose registry it is in
	Region     string `json:"region"`
}

// Ref names the repository by its ARN.
func (t Target) Ref() remedy.Ref {
	return remedy.Ref{
		Type:    "AWS::ECR::Repository",
		ID:      cloudtrail.ARN(t.Region, "ecr", t.Region, t.Account, "repository/"+t.Repository),
		Account: t.Account,
		Region:  t.Region,
	}
}

type request struct {
	Registry   string `json:"registryId"` // the caller's own when it is missing
	Repository string `json:"repositoryName"`
}

// repositoryName is what names of repositories look like.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Repository.html
var repositoryName = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9._/-]{0,254}[a-z0-9])?$`)

// decode gives the repository whose policy a call has changed, for better too: what
// was taken out on purpose must not come back from an old baseline. It gives none for
// a call that failed or that is about another account's registry.
func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[request, struct{}](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	name := rec.Request.Repository
	switch {
	case name == "":
		return nil, errors.New("the event names no repository: requestParameters.repositoryName is missing")
	case !repositoryName.MatchString(name):
		return nil, fmt.Errorf("the event's requestParameters.repositoryName %q is no name that a repository can have", name)
	case ev.Account == "" || ev.Region == "":
		return nil, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	case rec.Request.Registry != "" && rec.Request.Registry != ev.Account:
		return nil, nil
	}
	return []Target{{name, ev.Account, ev.Region}}, nil
}
