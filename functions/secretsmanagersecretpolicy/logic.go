package secretsmanagersecretpolicy

import (
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
)

// State is a secret's policy, byte for byte, and its tags.
type State = resourcepolicy.State

// Change replaces a secret's policy or deletes it.
type Change = resourcepolicy.Change

func judge(t Target, p Params) resourcepolicy.Judge {
	return p.Judge(t.Account, p.AllowedSecrets.Has(t.Name()))
}

func call(t Target, policy policydoc.Document) remedy.Call {
	if policy.IsZero() {
		return remedy.Call{API: "secretsmanager:DeleteResourcePolicy", Params: parameters{Secret: t.Secret}}
	}
	return remedy.Call{API: "secretsmanager:PutResourcePolicy", Params: parameters{t.Secret, policy.String()}}
}

type parameters struct {
	Secret string `json:"SecretId"`
	Policy string `json:"ResourcePolicy,omitempty"`
}
