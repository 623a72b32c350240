// Package sqsqueuepolicy takes statements that let strangers in out of the
// policies of SQS queues, and brings back what was overwritten.
package sqsqueuepolicy

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
)

// Function removes the statements of a queue's policy that let in everybody, whom
// the company does not allow, or a service for any AWS customer.
var Function = remedy.Function{
	Name:     "sqs-queue-policy",
	Title:    "Removes the statements of SQS queue policies that let strangers in",
	Severity: remedy.Critical,
	Triggers: []remedy.Trigger{{Source: "aws.sqs", Names: []string{"AddPermission", "CreateQueue", "RemovePermission", "SetQueueAttributes"}}},
	Actions: []string{
		"sqs:GetQueueAttributes",
		"sqs:ListQueueTags",
		"sqs:SetQueueAttributes",
	},
	// Any AWS customer can make these send to a queue whose ARN they know.
	Params: Params{Params: resourcepolicy.Params{Bound: []string{"events.amazonaws.com", "s3.amazonaws.com", "sns.amazonaws.com"}}},
	Doc:    doc(),
	New:    open,
}

func doc() remedy.Doc {
	d := resourcepolicy.Doc("queue", "sqs:SetQueueAttributes", "With no statement left, it sets the attribute Policy to nothing, which is what a new queue has: only the queue's account has access.", "allowed_queues")
	d.Limits = append(d.Limits,
		"SQS may take up to 60 seconds to make a changed policy effective everywhere. The repair is verified by reading the attribute, not by sending a message.",
		"Queues are found by the URL in the event; calls about another account's queue are left to that account's own events.")
	d.Links = append(d.Links,
		"https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html",
		"https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-using-identity-based-policies.html")
	return d
}

var rules = resourcepolicy.Rule(decode, judge, call)

// Params are the function's parameters.
type Params struct {
	AllowedQueues resourcepolicy.Names `json:"allowed_queues,omitempty" jsonschema:"names of queues that may be open to everybody; * stands for any characters, ? for one, [a-z] for one of a range"`
	resourcepolicy.Params
}

// Validate reports the first parameter that can't be used.
func (p Params) Validate() error {
	if err := p.AllowedQueues.Validate("allowed_queues"); err != nil {
		return err
	}
	return p.Params.Validate()
}

// Target is one queue.
type Target struct {
	Queue   string `json:"queue"` // its name
	URL     string `json:"url"`   // as the event has it: old ones have another host
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Ref names the queue by its ARN, which is the same for all of its URLs.
func (t Target) Ref() remedy.Ref {
	return remedy.Ref{
		Type:    "AWS::SQS::Queue",
		ID:      cloudtrail.ARN(t.Region, "sqs", t.Region, t.Account, t.Queue),
		Account: t.Account,
		Region:  t.Region,
	}
}

type request struct {
	URL        string             `json:"queueUrl"`
	Attributes map[string]*string `json:"attributes"`
}

type response struct {
	URL string `json:"queueUrl"`
}

// queueURL is what queues' URLs look like, those with the older hosts included.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
var queueURL = regexp.MustCompile(`^https?://[A-Za-z0-9.:-]+/([0-9]{12})/([A-Za-z0-9_-]{1,80}(?:\.fifo)?)$`)

// decode gives the queue whose policy a call may have changed, for better too: what
// was taken out on purpose must not come back from an old baseline. It gives none for a call
// that failed, that sets other attributes, or that is about another account's queue.
func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[request, response](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	if _, policy := rec.Request.Attributes["Policy"]; !policy && ev.Name != "AddPermission" && ev.Name != "RemovePermission" {
		return nil, nil
	}
	url := rec.Request.URL
	if ev.Name == "CreateQueue" {
		url = rec.Response.URL
	}
	parts := queueURL.FindStringSubmatch(url)
	switch {
	case url == "":
		return nil, errors.New("the event names no queue: queueUrl is missing")
	case parts == nil:
		return nil, fmt.Errorf("the event's queueUrl %q is no URL that a queue can have", url)
	case ev.Account == "" || ev.Region == "":
		return nil, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	case parts[1] != ev.Account:
		return nil, nil
	}
	return []Target{{parts[2], url, ev.Account, ev.Region}}, nil
}
