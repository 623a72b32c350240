package iamroletrust

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/iamprincipal"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is the part of IAM's API that the store calls.
type client interface {
	iam.GetRoleAPIClient
	UpdateAssumeRolePolicy(context.Context, *iam.UpdateAssumeRolePolicyInput, ...func(*iam.Options)) (*iam.UpdateAssumeRolePolicyOutput, error)
}

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	s, err := newStore(ctx, env)
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, s), nil
}

func newStore(ctx context.Context, env remedy.Env) (store, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return iam.NewFromConfig(cfg) })
	if err != nil {
		return store{}, err
	}
	return store{clients.For, ownRoles(env.Setting(cloud.SettingSpokeRole))}, nil
}

// ownRoles gives the test for ARNs of the roles that Ebb has in other accounts,
// which trust Ebb's account. At home its roles trust Lambda.
func ownRoles(spokeRole string) func(arn string) bool {
	if spokeRole == "" {
		return func(string) bool { return false }
	}
	form := strings.NewReplacer(`\{account\}`, `\d{12}`, `\{function\}`, `[a-z0-9-]+`).Replace(regexp.QuoteMeta(spokeRole))
	return regexp.MustCompile("^" + form + "$").MatchString
}

// store reads and changes roles' trust policies.
type store struct {
	client func(remedy.Ref) client
	own    func(arn string) bool // whether a role is one of Ebb's
}

// Read gives the role, in one call. A policy that can't be parsed is an error.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	state, err := s.read(ctx, t)
	if err != nil {
		return State{}, fmt.Errorf("read %s: %w", t.Principal, err)
	}
	return state, nil
}

func (s store) read(ctx context.Context, t Target) (State, error) {
	out, err := s.client(t.Ref()).GetRole(ctx, &iam.GetRoleInput{RoleName: &t.Name})
	if err != nil {
		return State{}, cloud.Explain(err, "iam:GetRole", iamprincipal.NoEntity)
	}
	text, err := iamprincipal.Document(out.Role.AssumeRolePolicyDocument)
	if err != nil {
		return State{}, err
	}
	trust, err := policydoc.Parse(text)
	if err != nil {
		return State{}, fmt.Errorf("its trust policy: %w", err)
	}
	arn := aws.ToString(out.Role.Arn)
	return State{Trust: trust, ARN: arn, Own: s.own(arn), Tags: iamprincipal.Tags(out.Role.Tags)}, nil
}

// Apply replaces the role's trust policy.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	_, err := s.client(t.Ref()).UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{
		RoleName: &c.Role, PolicyDocument: aws.String(c.Trust.String()),
	})
	if cloud.HasCode(err, "MalformedPolicyDocument") {
		// The text was a role's policy before, so what is wrong is what it names.
		err = remedy.Permanent(fmt.Errorf("iam:UpdateAssumeRolePolicy: IAM refuses the policy; a principal that it names may have been deleted since: %w", err))
	} else {
		err = cloud.Explain(err, "iam:UpdateAssumeRolePolicy", iamprincipal.NoEntity)
	}
	if err != nil {
		return fmt.Errorf("replace the trust policy of %s: %w", t.Principal, err)
	}
	return nil
}
