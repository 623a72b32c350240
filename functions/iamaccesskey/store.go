package iamaccesskey

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"golang.org/x/sync/errgroup"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is the part of IAM's API that the store calls.
type client interface {
	GetUser(context.Context, *iam.GetUserInput, ...func(*iam.Options)) (*iam.GetUserOutput, error)
	ListAccessKeys(context.Context, *iam.ListAccessKeysInput, ...func(*iam.Options)) (*iam.ListAccessKeysOutput, error)
	GetAccountSummary(context.Context, *iam.GetAccountSummaryInput, ...func(*iam.Options)) (*iam.GetAccountSummaryOutput, error)
	UpdateAccessKey(context.Context, *iam.UpdateAccessKeyInput, ...func(*iam.Options)) (*iam.UpdateAccessKeyOutput, error)
}

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return iam.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes access keys.
type store struct {
	client func(remedy.Ref) client
}

const codeNoEntity = "NoSuchEntity"

// Read gives the key and its user, in one round of two calls. Of the root
// user's keys IAM tells other identities only whether there are any.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	read := readKey
	if t.User == "" {
		read = readRoot
	}
	state, err := read(ctx, s.client(t.Ref()), t)
	if err != nil {
		return State{}, fmt.Errorf("read access key %s: %w", t.KeyID, err)
	}
	return state, nil
}

func readKey(ctx context.Context, c client, t Target) (State, error) {
	var key types.AccessKeyMetadata
	var user types.User
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		key, err = findKey(ctx, c, t)
		return err
	})
	g.Go(func() error {
		out, err := c.GetUser(ctx, &iam.GetUserInput{UserName: &t.User})
		if err != nil {
			return cloud.Explain(err, "iam:GetUser", codeNoEntity)
		}
		user = *out.User
		return nil
	})
	if err := g.Wait(); err != nil {
		return State{}, err
	}
	state := State{Status: string(key.Status), Created: aws.ToTime(key.CreateDate), UserARN: aws.ToString(user.Arn)}
	for _, tag := range user.Tags {
		if state.Tags == nil {
			state.Tags = make(map[string]string, len(user.Tags))
		}
		state.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return state, nil
}

func findKey(ctx context.Context, c client, t Target) (types.AccessKeyMetadata, error) {
	pages := iam.NewListAccessKeysPaginator(c, &iam.ListAccessKeysInput{UserName: &t.User})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return types.AccessKeyMetadata{}, cloud.Explain(err, "iam:ListAccessKeys", codeNoEntity)
		}
		for _, k := range page.AccessKeyMetadata {
			if aws.ToString(k.AccessKeyId) == t.KeyID {
				return k, nil
			}
		}
	}
	return types.AccessKeyMetadata{}, fmt.Errorf("user %s has no such key: %w", t.User, remedy.ErrGone)
}

func readRoot(ctx context.Context, c client, t Target) (State, error) {
	out, err := c.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
	if err != nil {
		return State{}, cloud.Explain(err, "iam:GetAccountSummary")
	}
	if out.SummaryMap[string(types.SummaryKeyTypeAccountAccessKeysPresent)] == 0 {
		return State{}, fmt.Errorf("the root user has no keys: %w", remedy.ErrGone)
	}
	return State{Status: active, UserARN: cloudtrail.ARN(t.Region, "iam", "", t.Account, "root")}, nil
}

// Apply makes the change's call. To give a key the status it has is no error to IAM.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	_, err := s.client(t.Ref()).UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{
		UserName: &c.User, AccessKeyId: &c.KeyID, Status: types.StatusType(c.Status),
	})
	return cloud.Explain(err, "iam:UpdateAccessKey", codeNoEntity)
}
