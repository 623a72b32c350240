package sqsqueuepolicy

import (
	"github.com/ebb-ops/ebb/pkg/policydoc"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
)

// State is a queue's policy, byte for byte, and its tags.
type State = resourcepolicy.State

// Change replaces a queue's policy; none is an empty attribute.
type Change = resourcepolicy.Change

func judge(t Target, p Params) resourcepolicy.Judge {
	return p.Judge(t.Account, p.AllowedQueues.Has(t.Queue))
}

func call(t Target, policy policydoc.Document) remedy.Call {
	return remedy.Call{API: "sqs:SetQueueAttributes", Params: map[string]any{
		"QueueUrl": t.URL, "Attributes": map[string]string{"Policy": policy.String()},
	}}
}
