package sqsqueuepolicy

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy/policytest"
)

const set = "sqs:SetQueueAttributes" // as records name it

var queue = Target{"jobs", "https://sqs.eu-central-1.amazonaws.com/111122223333/jobs", "111122223333", "eu-central-1"}

var kit = policytest.Kit[Params]{
	Texts: policytest.Statements("sqs:SendMessage", `"Resource":"arn:aws:sqs:eu-central-1:111122223333:jobs",`, "sns.amazonaws.com"),
	Put:   set, Remove: set,
	Open:   Params{AllowedQueues: []string{"nothing", "jobs*"}},
	Closed: Params{Params: resourcepolicy.Params{Allowed: policydoc.Allowed{Accounts: []string{"123456789012"}}}},
}

func suite(t testing.TB) remedytest.Suite[Target, State, Change, Params] {
	return remedytest.Suite[Target, State, Change, Params]{
		Function: Function, Rule: rules, Cases: append(kit.Cases(t), kit.Unbound(t)),
	}
}

func TestOnFake(t *testing.T) {
	t.Parallel()
	s := suite(t)
	s.Open = func(testing.TB) remedytest.World[Target, State, Change] {
		f := &fakeSQS{url: queue.URL}
		return remedytest.World[Target, State, Change]{
			Resource: store{func(remedy.Ref) client { return f }},
			Seed: func(_ testing.TB, s State) remedy.Event {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.policy, f.tags = s.Policy.String(), s.Tags
				return setEvent(queue)
			},
			State: func(t testing.TB) State {
				f.mu.Lock()
				defer f.mu.Unlock()
				return State{Policy: policytest.Parsed(t, f.policy), Tags: f.tags}
			},
			Remove: func(testing.TB) { f.url = "" },
		}
	}
	remedytest.Run(t, s)
}

func TestOnEmulator(t *testing.T) {
	t.Parallel()
	account := mototest.New(t)
	api := sqs.NewFromConfig(account.Config)
	var queues atomic.Int64
	s := suite(t)
	s.Normal = policytest.Compact
	s.Open = func(t testing.TB) remedytest.World[Target, State, Change] {
		name := fmt.Sprintf("jobs-%d", queues.Add(1))
		out, err := api.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name})
		if err != nil {
			t.Fatal(err)
		}
		return emulated(api, Target{name, *out.QueueUrl, account.ID, mototest.Region})
	}
	remedytest.RunEmulated(t, s)
}

// emulated is a queue on an emulator.
func emulated(api *sqs.Client, target Target) remedytest.World[Target, State, Change] {
	check := func(t testing.TB, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	return remedytest.World[Target, State, Change]{
		Resource: store{func(remedy.Ref) client { return api }},
		Seed: func(t testing.TB, s State) remedy.Event {
			_, err := api.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
				QueueUrl: &target.URL, Attributes: map[string]string{"Policy": s.Policy.String()},
			})
			check(t, err)
			if len(s.Tags) > 0 {
				_, err = api.TagQueue(t.Context(), &sqs.TagQueueInput{QueueUrl: &target.URL, Tags: s.Tags})
				check(t, err)
			}
			return setEvent(target)
		},
		State: func(t testing.TB) State {
			out, err := api.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &target.URL, AttributeNames: []types.QueueAttributeName{"All"}})
			check(t, err)
			tags, err := api.ListQueueTags(t.Context(), &sqs.ListQueueTagsInput{QueueUrl: &target.URL})
			check(t, err)
			return State{Policy: policytest.Parsed(t, out.Attributes["Policy"]), Tags: tags.Tags}
		},
		Remove: func(t testing.TB) {
			_, err := api.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: aws.String(target.URL)})
			check(t, err)
		},
	}
}

// setEvent is the event that setting a queue's policy causes.
func setEvent(target Target) remedy.Event {
	return remedy.Event{
		ID: "e1", Source: "aws.sqs", Name: "SetQueueAttributes", Account: target.Account, Region: target.Region,
		Detail: fmt.Appendf(nil, `{"requestParameters":{"queueUrl":%q,"attributes":{"Policy":""}},"responseElements":null}`, target.URL),
	}
}
