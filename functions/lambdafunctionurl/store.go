package lambdafunctionurl

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is what the store needs of Lambda.
type client interface {
	GetFunctionUrlConfig(context.Context, *lambda.GetFunctionUrlConfigInput, ...func(*lambda.Options)) (*lambda.GetFunctionUrlConfigOutput, error)
	ListTags(context.Context, *lambda.ListTagsInput, ...func(*lambda.Options)) (*lambda.ListTagsOutput, error)
	UpdateFunctionUrlConfig(context.Context, *lambda.UpdateFunctionUrlConfigInput, ...func(*lambda.Options)) (*lambda.UpdateFunctionUrlConfigOutput, error)
}

func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return lambda.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes the auth type of function URLs.
type store struct {
	client func(remedy.Ref) client
}

// Lambda answers the same for a function and for a URL that does not exist.
const codeNotFound = "ResourceNotFoundException"

// Read gives the URL's auth type and the function's tags, in one round of two calls.
// An auth type that is not known is an error.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	c := s.client(t.Ref())
	var state State
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		out, err := c.GetFunctionUrlConfig(ctx, &lambda.GetFunctionUrlConfigInput{FunctionName: &t.Function, Qualifier: t.Q()})
		if err != nil {
			return cloud.Explain(err, "lambda:GetFunctionUrlConfig", codeNotFound)
		}
		state.AuthType = string(out.AuthType)
		if state.AuthType != signed && state.AuthType != anybody {
			return fmt.Errorf("lambda:GetFunctionUrlConfig: the auth type is %q, which is not known here", state.AuthType)
		}
		return nil
	})
	group.Go(func() error {
		out, err := c.ListTags(ctx, &lambda.ListTagsInput{Resource: aws.String(t.ARN())})
		if err != nil {
			return cloud.Explain(err, "lambda:ListTags", codeNotFound)
		}
		state.Tags = out.Tags
		return nil
	})
	if err := group.Wait(); err != nil {
		return State{}, fmt.Errorf("read the URL of function %s of account %s: %w", t, t.Account, err)
	}
	return state, nil
}

// Apply sets the URL's auth type, and leaves out all that must stay.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	_, err := s.client(t.Ref()).UpdateFunctionUrlConfig(ctx, &lambda.UpdateFunctionUrlConfigInput{
		FunctionName: &t.Function, Qualifier: t.Q(), AuthType: types.FunctionUrlAuthType(c.AuthType),
	})
	if err = cloud.Explain(err, "lambda:UpdateFunctionUrlConfig", codeNotFound); err != nil {
		return fmt.Errorf("set the auth type of the URL of function %s of account %s: %w", t, t.Account, err)
	}
	return nil
}
