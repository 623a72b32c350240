package s3bucketacl

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/s3bucket"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is what the store needs of S3.
type client interface {
	GetBucketAcl(context.Context, *s3.GetBucketAclInput, ...func(*s3.Options)) (*s3.GetBucketAclOutput, error)
	PutBucketAcl(context.Context, *s3.PutBucketAclInput, ...func(*s3.Options)) (*s3.PutBucketAclOutput, error)
	s3bucket.TagReader
}

func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	s, err := newStore(ctx, env)
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, s), nil
}

func newStore(ctx context.Context, env remedy.Env) (store, error) {
	clients, err := s3bucket.NewClients(ctx, env)
	if err != nil {
		return store{}, err
	}
	return store{func(r remedy.Ref) client { return clients.For(r) }}, nil
}

// store reads and changes buckets' ACLs. Every call says which account the
// bucket must belong to: names of deleted buckets can be taken by anyone.
type store struct {
	client func(remedy.Ref) client
}

// Read gives the bucket's ACL and tags. A grantee that is neither a group nor an
// account by its canonical id is an error: it could not be put back.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	var state State
	tags, err := s3bucket.WithTags(ctx, c, t, func(ctx context.Context) error {
		out, err := c.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: &t.Bucket, ExpectedBucketOwner: &t.Account})
		if err != nil {
			return s3bucket.Explain(t, err, "s3:GetBucketAcl")
		}
		if out.Owner == nil || aws.ToString(out.Owner.ID) == "" {
			return errors.New("s3:GetBucketAcl: the answer names no owner")
		}
		state.Owner = *out.Owner.ID
		state.Grants, err = grants(out.Grants)
		return err
	})
	if err != nil {
		return State{}, err
	}
	state.Tags = tags
	return state, nil
}

func grants(answer []types.Grant) ([]Grant, error) {
	out := []Grant{}
	for _, g := range answer {
		if g.Grantee == nil || (aws.ToString(g.Grantee.URI) == "") == (aws.ToString(g.Grantee.ID) == "") {
			return nil, fmt.Errorf("s3:GetBucketAcl: %s is granted to what is neither a group nor an account", g.Permission)
		}
		out = append(out, Grant{aws.ToString(g.Grantee.URI), aws.ToString(g.Grantee.ID), string(g.Permission)})
	}
	return out, nil
}

// Apply puts the bucket's ACL.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	acl := &types.AccessControlPolicy{Owner: &types.Owner{ID: &c.Owner}, Grants: []types.Grant{}}
	for _, g := range c.Grants {
		to := &types.Grantee{Type: types.Type(g.kind())}
		if g.URI != "" {
			to.URI = &g.URI
		} else {
			to.ID = &g.ID
		}
		acl.Grants = append(acl.Grants, types.Grant{Grantee: to, Permission: types.Permission(g.Permission)})
	}
	_, err := s.client(t.Ref()).PutBucketAcl(ctx, &s3.PutBucketAclInput{
		Bucket: &t.Bucket, ExpectedBucketOwner: &t.Account, AccessControlPolicy: acl,
	})
	switch {
	case cloud.HasCode(err, "AccessControlListNotSupported"):
		err = remedy.Permanent(fmt.Errorf("s3:PutBucketAcl: the bucket's ownership is enforced, so it has no ACL: %w", err))
	case cloud.HasCode(err, "InvalidArgument", "UnresolvableGrantByEmailAddress"):
		// The ACL was a bucket's before, so what is wrong is whom it names.
		err = remedy.Permanent(fmt.Errorf("s3:PutBucketAcl: S3 refuses the ACL; an account that it names may have been closed since: %w", err))
	case cloud.Denied(err):
		err = fmt.Errorf("%w (and for a public ACL under a public access block with BlockPublicAcls, the bucket's or the account's)", s3bucket.Explain(t, err, "s3:PutBucketAcl"))
	default:
		err = s3bucket.Explain(t, err, "s3:PutBucketAcl")
	}
	if err != nil {
		return fmt.Errorf("put the ACL of bucket %s of account %s: %w", t.Bucket, t.Account, err)
	}
	return nil
}
