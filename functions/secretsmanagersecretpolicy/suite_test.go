package secretsmanagersecretpolicy

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy/policytest"
)

// Calls as records name them.
const (
	put    = "secretsmanager:PutResourcePolicy"
	remove = "secretsmanager:DeleteResourcePolicy"
)

var secret = Target{"arn:aws:secretsmanager:eu-central-1:111122223333:secret:prod/db-AbCdEf", "111122223333", "eu-central-1"}

var kit = policytest.Kit[Params]{
	Texts: policytest.Statements("secretsmanager:GetSecretValue", `"Resource":"*",`, "redshift.amazonaws.com"),
	Put:   put, Remove: remove,
	Open:   Params{AllowedSecrets: []string{"nothing", "prod/db*"}},
	Closed: Params{Params: resourcepolicy.Params{Allowed: policydoc.Allowed{Accounts: []string{"123456789012"}}}},
}

func suite(t testing.TB) remedytest.Suite[Target, State, Change, Params] {
	return remedytest.Suite[Target, State, Change, Params]{Function: Function, Rule: rules, Cases: kit.Cases(t)}
}

func TestOnFake(t *testing.T) {
	t.Parallel()
	s := suite(t)
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		f := &fakeSecrets{arn: secret.Secret}
		return remedytest.World[Target, State, Change]{
			Resource: store{func(remedy.Ref) client { return f }},
			Seed: func(_ testing.TB, s State) remedy.Event {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.policy, f.tags = s.Policy.String(), s.Tags
				return putEvent(secret)
			},
			State: func(t testing.TB) State {
				f.mu.Lock()
				defer f.mu.Unlock()
				return State{Policy: policytest.Parsed(t, f.policy), Tags: f.tags}
			},
			Remove: func(testing.TB) { f.arn = "" },
		}
	}
	remedytest.Run(t, s)
}

func TestOnEmulator(t *testing.T) {
	t.Parallel()
	account := mototest.New(t)
	api := secretsmanager.NewFromConfig(account.Config)
	var made atomic.Int64
	s := suite(t)
	s.Normal = policytest.Compact
	s.Open = func(t testing.TB) remedytest.World[Target, State, Change] {
		name := fmt.Sprintf("prod/db-%d", made.Add(1))
		out, err := api.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: &name, SecretString: aws.String("x")})
		if err != nil {
			t.Fatal(err)
		}
		return emulated(api, Target{*out.ARN, account.ID, mototest.Region})
	}
	remedytest.RunEmulated(t, s)
}

// emulated is a secret on an emulator.
func emulated(api *secretsmanager.Client, target Target) remedytest.World[Target, State, Change] {
	check := func(t testing.TB, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Seed: func(t testing.TB, s State) remedy.Event {
			var err error
			if s.Policy.IsZero() {
				_, err = api.DeleteResourcePolicy(t.Context(), &secretsmanager.DeleteResourcePolicyInput{SecretId: &target.Secret})
			} else {
				_, err = api.PutResourcePolicy(t.Context(), &secretsmanager.PutResourcePolicyInput{SecretId: &target.Secret, ResourcePolicy: aws.String(s.Policy.String())})
			}
			check(t, err)
			if len(s.Tags) > 0 {
				_, err = api.TagResource(t.Context(), &secretsmanager.TagResourceInput{SecretId: &target.Secret, Tags: awsTags(s.Tags)})
				check(t, err)
			}
			return putEvent(target)
		},
		State: func(t testing.TB) State {
			out, err := api.GetResourcePolicy(t.Context(), &secretsmanager.GetResourcePolicyInput{SecretId: &target.Secret})
			check(t, err)
			described, err := api.DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: &target.Secret})
			check(t, err)
			s := State{Policy: policytest.Parsed(t, aws.ToString(out.ResourcePolicy)), Tags: map[string]string{}}
			for _, tag := range described.Tags {
				s.Tags[*tag.Key] = *tag.Value
			}
			return s
		},
		Remove: func(t testing.TB) {
			_, err := api.DeleteSecret(t.Context(), &secretsmanager.DeleteSecretInput{SecretId: &target.Secret})
			check(t, err) // it stays, marked for deletion
		},
	}
}

// putEvent is the event that putting a secret's policy causes.
func putEvent(target Target) remedy.Event {
	return remedy.Event{
		ID: "e1", Source: "aws.secretsmanager", Name: "PutResourcePolicy", Account: target.Account, Region: target.Region,
		Detail: fmt.Appendf(nil, `{"requestParameters":{"secretId":%q,"resourcePolicy":"x"},"responseElements":{"aRN":%q}}`, target.Name(), target.Secret),
	}
}
