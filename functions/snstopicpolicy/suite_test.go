package snstopicpolicy

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy/policytest"
)

const set = "sns:SetTopicAttributes" // as records name it

var topic = Target{"arn:aws:sns:eu-central-1:111122223333:alerts", "alerts", "111122223333", "eu-central-1"}

func kit(target Target) policytest.Kit[Params] {
	return policytest.Kit[Params]{
		Texts: policytest.Statements("sns:Publish", `"Resource":"`+target.ARN+`",`, "s3.amazonaws.com"),
		Put:   set, Remove: set, Empty: initial(target),
		Open:   Params{AllowedTopics: []string{"nothing", "alerts*"}},
		Closed: Params{Params: resourcepolicy.Params{Allowed: policydoc.Allowed{Accounts: []string{"123456789012"}}}},
	}
}

func suite(t testing.TB, target Target) remedytest.Suite[Target, State, Change, Params] {
	k := kit(target)
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function, Rule: rules, Cases: append(k.Cases(t), k.Unbound(t)),
	}
}

func TestOnFake(t *testing.T) {
	t.Parallel()
	s := suite(t, topic)
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		f := &fakeSNS{arn: topic.ARN}
		return remedytest.World[Target, State, Change]{
			Resource: store{func(remedy.Ref) client { return f }},
			Seed: func(_ testing.TB, s State) remedy.Event {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.policy, f.tags = s.Policy.String(), s.Tags
				return setEvent(topic)
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
	api := sns.NewFromConfig(account.Config)
	// The default policy names its topic: one topic, made anew for each test.
	target := Target{"arn:aws:sns:us-east-1:" + account.ID + ":alerts", "alerts", account.ID, mototest.Region}
	var made atomic.Int64
	s := suite(t, target)
	s.Normal = policytest.Compact
	s.Open = func(t testing.TB) remedytest.World[Target, State, Change] {
		if made.Add(1) > 1 {
			if _, err := api.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: &target.ARN}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := api.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: &target.Topic}); err != nil {
			t.Fatal(err)
		}
		return emulated(api, target)
	}
	remedytest.RunEmulated(t, s)
}

// emulated is a topic on an emulator.
func emulated(api *sns.Client, target Target) remedytest.World[Target, State, Change] {
	check := func(t testing.TB, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Seed: func(t testing.TB, s State) remedy.Event {
			_, err := api.SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{
				TopicArn: &target.ARN, AttributeName: aws.String("Policy"), AttributeValue: aws.String(s.Policy.String()),
			})
			check(t, err)
			if len(s.Tags) > 0 {
				_, err = api.TagResource(t.Context(), &sns.TagResourceInput{ResourceArn: &target.ARN, Tags: awsTags(s.Tags)})
				check(t, err)
			}
			return setEvent(target)
		},
		State: func(t testing.TB) State {
			out, err := api.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: &target.ARN})
			check(t, err)
			tags, err := api.ListTagsForResource(t.Context(), &sns.ListTagsForResourceInput{ResourceArn: &target.ARN})
			check(t, err)
			s := State{Policy: policytest.Parsed(t, out.Attributes["Policy"]), Tags: map[string]string{}}
			for _, tag := range tags.Tags {
				s.Tags[*tag.Key] = *tag.Value
			}
			return s
		},
		Remove: func(t testing.TB) {
			_, err := api.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: &target.ARN})
			check(t, err)
		},
	}
}

// setEvent is the event that setting a topic's policy causes.
func setEvent(target Target) remedy.Event {
	return remedy.Event{
		ID: "e1", Source: "aws.sns", Name: "SetTopicAttributes", Account: target.Account, Region: target.Region,
		Detail: fmt.Appendf(nil, `{"requestParameters":{"topicArn":%q,"attributeName":"Policy","attributeValue":"x"},"responseElements":null}`, target.ARN),
	}
}
