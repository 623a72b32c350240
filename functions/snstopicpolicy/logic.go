package snstopicpolicy

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
)

// State is a topic's policy, byte for byte, and its tags.
type State = resourcepolicy.State

// Change replaces a topic's policy.
type Change = resourcepolicy.Change

func judge(t Target, p Params) resourcepolicy.Judge {
	j := p.Judge(t.Account, p.AllowedTopics.Has(t.Topic))
	j.Empty = initial(t)
	return j
}

// initial is the policy that SNS gives a new topic. A topic has no policy to
// delete: SNS refuses an empty one.
func initial(t Target) policydoc.Document {
	d, _ := policydoc.Parse(fmt.Sprintf(`{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID",`+
		`"Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission",`+
		`"SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],`+
		`"Resource":%q,"Condition":{"StringEquals":{"AWS:SourceOwner":%q}}}]}`, t.ARN, t.Account)) // well formed, whatever the target is
	return d
}

func call(t Target, policy policydoc.Document) remedy.Call {
	return remedy.Call{API: "sns:SetTopicAttributes", Params: map[string]any{
		"TopicArn": t.ARN, "AttributeName": "Policy", "AttributeValue": policy.String(),
	}}
}
