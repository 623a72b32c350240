package ecrrepositorypolicy

import (
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
)

// State is a repository's policy and its tags.
type State = resourcepolicy.State

// Change replaces a repository's policy or deletes it.
type Change = resourcepolicy.Change

func judge(t Target, p Params) resourcepolicy.Judge {
	return p.Judge(t.Account, p.AllowedRepositories.Has(t.Repository))
}

func call(t Target, policy policydoc.Document) remedy.Call {
	if policy.IsZero() {
		return remedy.Call{API: "ecr:DeleteRepositoryPolicy", Params: parameters{Registry: t.Account, Repository: t.Repository}}
	}
	return remedy.Call{API: "ecr:SetRepositoryPolicy", Params: parameters{t.Account, t.Repository, policy.String()}}
}

type parameters struct {
	Registry   string `json:"registryId"`
	Repository string `json:"repositoryName"`
	Policy     string `json:"policyText,omitempty"`
}
