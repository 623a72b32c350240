package lambdapermission

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is what the store needs of Lambda.
type client interface {
	GetPolicy(context.Context, *lambda.GetPolicyInput, ...func(*lambda.Options)) (*lambda.GetPolicyOutput, error)
	ListTags(context.Context, *lambda.ListTagsInput, ...func(*lambda.Options)) (*lambda.ListTagsOutput, error)
	AddPermission(context.Context, *lambda.AddPermissionInput, ...func(*lambda.Options)) (*lambda.AddPermissionOutput, error)
	RemovePermission(context.Context, *lambda.RemovePermissionInput, ...func(*lambda.Options)) (*lambda.RemovePermissionOutput, error)
}

func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return lambda.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes functions' permissions.
type store struct {
	client func(remedy.Ref) client
}

const codeNotFound = "ResourceNotFoundException"

// Read gives the permissions and the function's tags, in one round of two calls.
// Lambda answers the same for a function that is gone and for one without a policy:
// only the tags tell them apart. A policy that can't be parsed is an error.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	var state State
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		state.Grants, state.Revision, err = grants(ctx, c, t)
		return err
	})
	var tags map[string]string
	group.Go(func() error {
		out, err := c.ListTags(ctx, &lambda.ListTagsInput{Resource: aws.String(t.ARN())})
		if err != nil {
			return cloud.Explain(err, "lambda:ListTags", codeNotFound)
		}
		tags = out.Tags
		return nil
	})
	if err := group.Wait(); err != nil {
		return State{}, fmt.Errorf("read the permissions on function %s of account %s: %w", t, t.Account, err)
	}
	state.Tags = tags
	return state, nil
}

// grants gives the permissions, sorted, and the policy's revision; none where there
// is no policy.
func grants(ctx context.Context, c client, t Target) ([]Grant, string, error) {
	out, err := c.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: &t.Function, Qualifier: t.Q()})
	switch {
	case cloud.HasCode(err, codeNotFound):
		return nil, "", nil
	case err != nil:
		return nil, "", cloud.Explain(err, "lambda:GetPolicy")
	}
	policy, err := policydoc.Parse(aws.ToString(out.Policy))
	if err != nil {
		return nil, "", err
	}
	var list []Grant
	for _, st := range policy.Statements {
		g, err := grant(st)
		if err != nil {
			return nil, "", err
		}
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b Grant) int { return cmp.Compare(a.ID, b.ID) })
	return list, aws.ToString(out.RevisionId), nil
}

// Apply removes or adds one permission.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	cl := s.client(t.Ref())
	if c.Remove {
		if err := remove(ctx, cl, t, c); err != nil {
			return fmt.Errorf("remove permission %s on function %s of account %s: %w", c.Grant.ID, t, t.Account, err)
		}
		return nil
	}
	if err := add(ctx, cl, t, c.Grant); err != nil {
		return fmt.Errorf("add permission %s on function %s of account %s: %w", c.Grant.ID, t, t.Account, err)
	}
	return nil
}

// remove takes a permission out if it is still the one that was read: by now its id
// may be another's. That it is gone is no error.
func remove(ctx context.Context, cl client, t Target, c Change) error {
	if c.Revision == "" {
		live, revision, err := grants(ctx, cl, t)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(live, func(g Grant) bool { return g.ID == c.Grant.ID })
		switch {
		case i < 0:
			return nil
		case live[i] != c.Grant:
			return fmt.Errorf("it has become another one since it was read: %+v", live[i])
		}
		c.Revision = revision
	}
	_, err := cl.RemovePermission(ctx, &lambda.RemovePermissionInput{
		FunctionName: &t.Function, Qualifier: t.Q(), StatementId: &c.Grant.ID, RevisionId: optional(c.Revision),
	})
	switch {
	case cloud.HasCode(err, codeNotFound):
		return nil
	case cloud.HasCode(err, "PreconditionFailedException"):
		return fmt.Errorf("lambda:RemovePermission: the policy has changed since it was read: %w", err)
	}
	return cloud.Explain(err, "lambda:RemovePermission")
}

// add makes a permission. That it is there already is no error.
func add(ctx context.Context, cl client, t Target, g Grant) error {
	in := &lambda.AddPermissionInput{
		FunctionName: &t.Function, Qualifier: t.Q(), StatementId: &g.ID, Action: &g.Action, Principal: &g.Principal,
		SourceArn: optional(g.SourceARN), SourceAccount: optional(g.SourceAccount), PrincipalOrgID: optional(g.Organization),
		EventSourceToken: optional(g.Token), FunctionUrlAuthType: types.FunctionUrlAuthType(g.URLAuth),
	}
	if g.ViaURL {
		in.InvokedViaFunctionUrl = aws.Bool(true)
	}
	_, err := cl.AddPermission(ctx, in)
	switch {
	case cloud.HasCode(err, "ResourceConflictException"):
		live, _, readErr := grants(ctx, cl, t)
		if readErr == nil && slices.Contains(live, g) {
			return nil
		}
	case cloud.HasCode(err, "InvalidParameterValueException", "PolicyLengthExceededException"):
		// It was there before, so what is wrong is what it names.
		err = remedy.Permanent(fmt.Errorf("the permission is refused; its principal may have been deleted since: %w", err))
	}
	return cloud.Explain(err, "lambda:AddPermission", codeNotFound)
}

func optional(v string) *string {
	if v == "" {
		return nil
	}
	return &v
}
