package iampasswordpolicy

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/iamprincipal"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is the part of IAM's API that the store calls.
type client interface {
	GetAccountPasswordPolicy(context.Context, *iam.GetAccountPasswordPolicyInput, ...func(*iam.Options)) (*iam.GetAccountPasswordPolicyOutput, error)
	UpdateAccountPasswordPolicy(context.Context, *iam.UpdateAccountPasswordPolicyInput, ...func(*iam.Options)) (*iam.UpdateAccountPasswordPolicyOutput, error)
	DeleteAccountPasswordPolicy(context.Context, *iam.DeleteAccountPasswordPolicyInput, ...func(*iam.Options)) (*iam.DeleteAccountPasswordPolicyOutput, error)
}

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return iam.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, store{clients.For}), nil
}

// store reads and changes accounts' password policies.
type store struct {
	client func(remedy.Ref) client
}

// Read gives the account's password policy, in one call. That there is none is a state.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	out, err := s.client(t.Ref()).GetAccountPasswordPolicy(ctx, &iam.GetAccountPasswordPolicyInput{})
	if cloud.HasCode(err, iamprincipal.NoEntity) {
		return State{}, nil
	}
	if err == nil && out.PasswordPolicy == nil {
		err = errors.New("the answer holds no policy")
	}
	if err != nil {
		return State{}, fmt.Errorf("read the password policy of account %s: %w", t.Account, cloud.Explain(err, "iam:GetAccountPasswordPolicy"))
	}
	p := out.PasswordPolicy
	return State{&Policy{
		MinimumPasswordLength:      int(aws.ToInt32(p.MinimumPasswordLength)),
		RequireUppercaseCharacters: p.RequireUppercaseCharacters,
		RequireLowercaseCharacters: p.RequireLowercaseCharacters,
		RequireNumbers:             p.RequireNumbers,
		RequireSymbols:             p.RequireSymbols,
		PasswordReusePrevention:    int(aws.ToInt32(p.PasswordReusePrevention)),
		MaxPasswordAge:             int(aws.ToInt32(p.MaxPasswordAge)),
		HardExpiry:                 aws.ToBool(p.HardExpiry),
		AllowUsersToChangePassword: p.AllowUsersToChangePassword,
	}}, nil
}

// Apply replaces the policy or deletes it. To delete one that is not there is no error.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	cl := s.client(t.Ref())
	if c.Policy == nil {
		_, err := cl.DeleteAccountPasswordPolicy(ctx, &iam.DeleteAccountPasswordPolicyInput{})
		if cloud.HasCode(err, iamprincipal.NoEntity) {
			return nil
		}
		return cloud.Explain(err, "iam:DeleteAccountPasswordPolicy")
	}
	in := &iam.UpdateAccountPasswordPolicyInput{
		MinimumPasswordLength:      number(c.Policy.MinimumPasswordLength),
		RequireUppercaseCharacters: c.Policy.RequireUppercaseCharacters,
		RequireLowercaseCharacters: c.Policy.RequireLowercaseCharacters,
		RequireNumbers:             c.Policy.RequireNumbers,
		RequireSymbols:             c.Policy.RequireSymbols,
		PasswordReusePrevention:    number(c.Policy.PasswordReusePrevention),
		MaxPasswordAge:             number(c.Policy.MaxPasswordAge),
		HardExpiry:                 &c.Policy.HardExpiry,
		AllowUsersToChangePassword: c.Policy.AllowUsersToChangePassword,
	}
	_, err := cl.UpdateAccountPasswordPolicy(ctx, in)
	return cloud.Explain(err, "iam:UpdateAccountPasswordPolicy")
}

// number leaves 0 out, which IAM takes for none of these: without a number it
// does not ask for the thing.
func number(n int) *int32 {
	if n <= 0 || n > oldest {
		return nil
	}
	return aws.Int32(int32(n)) // #nosec G115 -- it is bounded
}
