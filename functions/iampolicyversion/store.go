package iampolicyversion

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/iamprincipal"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is the part of IAM's API that the store calls.
type client interface {
	iam.GetPolicyAPIClient
	iam.ListPolicyVersionsAPIClient
	GetPolicyVersion(context.Context, *iam.GetPolicyVersionInput, ...func(*iam.Options)) (*iam.GetPolicyVersionOutput, error)
	SetDefaultPolicyVersion(context.Context, *iam.SetDefaultPolicyVersionInput, ...func(*iam.Options)) (*iam.SetDefaultPolicyVersionOutput, error)
}

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return iam.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads policies' versions and changes which of them is the default.
type store struct {
	client func(remedy.Ref) client
}

// Read gives the policy with all its versions. IAM lists versions without what
// they say, so the event's version and the one before it, which most often are
// all there are, are asked for at the same time. Others take a second round.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	state, err := read(ctx, s.client(t.Ref()), t)
	if err != nil {
		return State{}, fmt.Errorf("read policy %s: %w", t.Policy, err)
	}
	return state, nil
}

func read(ctx context.Context, c client, t Target) (State, error) {
	var policy types.Policy
	var ids []string
	docs := documents{client: c, policy: t.Policy, known: map[string]policydoc.Identity{}}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		out, err := c.GetPolicy(gctx, &iam.GetPolicyInput{PolicyArn: &t.Policy})
		if err != nil {
			return cloud.Explain(err, "iam:GetPolicy", iamprincipal.NoEntity)
		}
		policy = *out.Policy
		return nil
	})
	g.Go(func() (err error) {
		ids, err = versions(gctx, c, t)
		return err
	})
	for n := number(t.Version); n > 0 && n > number(t.Version)-2; n-- {
		g.Go(func() error {
			err := docs.read(gctx, "v"+strconv.Itoa(n))
			if cloud.HasCode(err, iamprincipal.NoEntity) {
				return nil // there is no such version, or no more
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return State{}, err
	}
	unread := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { _, ok := docs.known[id]; return ok })
	g, gctx = errgroup.WithContext(ctx)
	for _, id := range unread {
		g.Go(func() error { return docs.read(gctx, id) })
	}
	if err := g.Wait(); err != nil {
		return State{}, err
	}
	state := State{
		Default:  aws.ToString(policy.DefaultVersionId),
		Boundary: aws.ToInt32(policy.PermissionsBoundaryUsageCount) > 0 && aws.ToInt32(policy.AttachmentCount) == 0,
		Tags:     iamprincipal.Tags(policy.Tags),
	}
	slices.SortFunc(ids, func(a, b string) int { return number(b) - number(a) })
	for _, id := range ids {
		state.Versions = append(state.Versions, Version{id, docs.known[id]})
	}
	if _, ok := state.version(state.Default); !ok {
		return State{}, fmt.Errorf("its default is %s, which is not among its versions: one of the two answers is not up to date", state.Default)
	}
	return state, nil
}

func versions(ctx context.Context, c client, t Target) (ids []string, err error) {
	for pages := iam.NewListPolicyVersionsPaginator(c, &iam.ListPolicyVersionsInput{PolicyArn: &t.Policy}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, cloud.Explain(err, "iam:ListPolicyVersions", iamprincipal.NoEntity)
		}
		for _, v := range page.Versions {
			ids = append(ids, aws.ToString(v.VersionId))
		}
	}
	return ids, nil
}

// documents are what versions of a policy say.
type documents struct {
	client client
	policy string

	mu    sync.Mutex
	known map[string]policydoc.Identity
}

func (d *documents) read(ctx context.Context, id string) error {
	out, err := d.client.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &d.policy, VersionId: &id})
	if err != nil {
		return cloud.Explain(err, "iam:GetPolicyVersion")
	}
	text, err := iamprincipal.Document(out.PolicyVersion.Document)
	if err != nil {
		return err
	}
	doc, err := policydoc.ParseIdentity(text)
	if err != nil {
		return fmt.Errorf("version %s: %w", id, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known[id] = doc
	return nil
}

// Apply sets the default version. That it is the default already is no error to
// IAM. A version that was deleted since is an error, and no policy that is gone:
// the next read tells them apart.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	_, err := s.client(t.Ref()).SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: &c.Policy, VersionId: &c.Version})
	if err := cloud.Explain(err, "iam:SetDefaultPolicyVersion"); err != nil {
		return fmt.Errorf("make %s the default version of policy %s: %w", c.Version, t.Policy, err)
	}
	return nil
}
