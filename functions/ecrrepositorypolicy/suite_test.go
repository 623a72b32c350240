package ecrrepositorypolicy

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy/policytest"
)

// Calls as records name them.
const (
	set    = "ecr:SetRepositoryPolicy"
	remove = "ecr:DeleteRepositoryPolicy"
)

var repository = Target{"acme/web", "111122223333", "eu-central-1"}

var kit = policytest.Kit[Params]{
	Texts: policytest.Statements("ecr:BatchGetImage", "", "lambda.amazonaws.com"), // its policies have no Resource
	Put:   set, Remove: remove,
	Open:   Params{AllowedRepositories: []string{"nothing", "acme/web*"}},
	Closed: Params{Params: resourcepolicy.Params{Allowed: policydoc.Allowed{Accounts: []string{"123456789012"}}}},
}

func suite(t testing.TB) remedytest.Suite[Target, State, Change, Params] {
	return remedytest.Suite[Target, State, Change, Params]{Function: Function, Rule: rules, Cases: kit.Cases(t)}
}

func TestOnFake(t *testing.T) {
	t.Parallel()
	s := suite(t)
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		f := &fakeECR{target: repository}
		return remedytest.World[Target, State, Change]{
			Resource: store{func(remedy.Ref) client { return f }},
			Seed: func(_ testing.TB, s State) remedy.Event {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.policy, f.tags = s.Policy.String(), s.Tags
				return setEvent(repository)
			},
			State: func(t testing.TB) State {
				f.mu.Lock()
				defer f.mu.Unlock()
				return State{Policy: policytest.Parsed(t, f.policy), Tags: f.tags}
			},
			Remove: func(testing.TB) { f.target = Target{} },
		}
	}
	remedytest.Run(t, s)
}

func TestOnEmulator(t *testing.T) {
	t.Parallel()
	account := mototest.New(t)
	api := ecr.NewFromConfig(account.Config)
	var made atomic.Int64
	s := suite(t)
	s.Normal = policytest.Compact
	s.Open = func(t testing.TB) remedytest.World[Target, State, Change] {
		name := fmt.Sprintf("acme/web-%d", made.Add(1))
		if _, err := api.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: &name}); err != nil {
			t.Fatal(err)
		}
		return emulated(api, Target{name, account.ID, mototest.Region})
	}
	remedytest.RunEmulated(t, s)
}

// emulated is a repository on an emulator.
func emulated(api *ecr.Client, target Target) remedytest.World[Target, State, Change] {
	check := func(t testing.TB, err error, but string) {
		t.Helper()
		if err != nil && !cloud.HasCode(err, but) {
			t.Fatal(err)
		}
	}
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Seed: func(t testing.TB, s State) remedy.Event {
			var err error
			if s.Policy.IsZero() {
				_, err = api.DeleteRepositoryPolicy(t.Context(), &ecr.DeleteRepositoryPolicyInput{RepositoryName: &target.Repository})
			} else {
				_, err = api.SetRepositoryPolicy(t.Context(), &ecr.SetRepositoryPolicyInput{RepositoryName: &target.Repository, PolicyText: aws.String(s.Policy.String())})
			}
			check(t, err, codeNoPolicy)
			if len(s.Tags) > 0 {
				_, err = api.TagResource(t.Context(), &ecr.TagResourceInput{ResourceArn: aws.String(target.Ref().ID), Tags: awsTags(s.Tags)})
				check(t, err, "")
			}
			return setEvent(target)
		},
		State: func(t testing.TB) State {
			s := State{Tags: map[string]string{}}
			out, err := api.GetRepositoryPolicy(t.Context(), &ecr.GetRepositoryPolicyInput{RepositoryName: &target.Repository})
			check(t, err, codeNoPolicy)
			if err == nil {
				s.Policy = policytest.Parsed(t, *out.PolicyText)
			}
			tags, err := api.ListTagsForResource(t.Context(), &ecr.ListTagsForResourceInput{ResourceArn: aws.String(target.Ref().ID)})
			check(t, err, "")
			for _, tag := range tags.Tags {
				s.Tags[*tag.Key] = *tag.Value
			}
			return s
		},
		Remove: func(t testing.TB) {
			_, err := api.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: &target.Repository})
			check(t, err, "")
		},
	}
}

// setEvent is the event that setting a repository's policy causes.
func setEvent(target Target) remedy.Event {
	return remedy.Event{
		ID: "e1", Source: "aws.ecr", Name: "SetRepositoryPolicy", Account: target.Account, Region: target.Region,
		Detail: fmt.Appendf(nil, `{"requestParameters":{"repositoryName":%q,"policyText":"x","force":false}}`, target.Repository),
	}
}
