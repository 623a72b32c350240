package ec2securitygroup

import (
	"context"

	"github.com/ebb-ops/ebb/pkg/cloud/groupstore"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/securitygroup"
)

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	store, err := groupstore.Open(ctx, env, securitygroup.Ingress)
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store), nil
}
