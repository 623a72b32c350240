// Package snstopicpolicy takes statements that let strangers in out of the
// policies of SNS topics, and brings back what was overwritten.
package snstopicpolicy

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
)

// Function removes the statements of a topic's policy that let in everybody, whom
// the company does not allow, or a service for any AWS customer.
var Function = remedy.Function{
	Name:     "sns-topic-policy",
	Title:    "Removes the statements of SNS topic policies that let strangers in",
	Severity: remedy.Critical,
	Triggers: []remedy.Trigger{{Source: "aws.sns", Names: []string{"AddPermission", "CreateTopic", "RemovePermission", "SetTopicAttributes"}}},
	Actions: []string{
		"sns:GetTopicAttributes",
		"sns:ListTagsForResource",
		"sns:SetTopicAttributes",
	},
	// Any AWS customer can make these publish to a topic whose ARN they know. Rules
	// of EventBridge are not among them: their statements had to be without conditions.
	Params: Params{Params: resourcepolicy.Params{Bound: []string{"cloudwatch.amazonaws.com", "s3.amazonaws.com", "ses.amazonaws.com"}}},
	Doc:    doc(),
	New:    open,
}

func doc() remedy.Doc {
	d := resourcepolicy.Doc("topic", "sns:SetTopicAttributes", "A topic is never without a policy: with no statement left, it gets the default that SNS gives a new one, under which the topic's account has access (AWS:SourceOwner) and nobody else.", "allowed_topics")
	d.Limits = append(d.Limits,
		"A statement with everybody as principal and sns:Endpoint as its only condition is public: the condition says where messages go, not who asks for it.",
		"A rule of EventBridge may publish without a condition, as its statements long had to be; bind it with bound_services once yours have one.",
		"Calls about another account's topic are left to that account's own events.")
	d.Links = append(d.Links,
		"https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html",
		"https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html")
	return d
}

var rules = resourcepolicy.Rule(decode, judge, call)

// Params are the function's parameters.
type Params struct {
	AllowedTopics resourcepolicy.Names `json:"allowed_topics,omitempty" jsonschema:"names of topics that may be open to everybody; * stands for any characters, ? for one, [a-z] for one of a range"`
	resourcepolicy.Params
}

// Validate reports the first parameter that can't be used.
func (p Params) Validate() error {
	if err := p.AllowedTopics.Validate("allowed_topics"); err != nil {
		return err
	}
	return p.Params.Validate()
}

// Target is one topic.
type Target struct {
	ARN     string `json:"arn"`
	Topic   string `json:"topic"` // its name
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Ref names the topic by its ARN.
func (t Target) Ref() remedy.Ref {
	return remedy.Ref{Type: "AWS::SNS::Topic", ID: t.ARN, Account: t.Account, Region: t.Region}
}

type request struct {
	ARN       string `json:"topicArn"`
	Attribute string `json:"attributeName"` // of SetTopicAttributes

	Attributes map[string]*string `json:"attributes"` // of CreateTopic
}

type response struct {
	ARN string `json:"topicArn"`
}

// topicARN is what topics' ARNs look like.
// https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
var topicARN = regexp.MustCompile(`^arn:aws[a-z-]*:sns:([a-z0-9-]+):([0-9]{12}):([A-Za-z0-9_-]{1,256}(?:\.fifo)?)$`)

// decode gives the topic whose policy a call may have changed, for better too: what
// was taken out on purpose must not come back from an old baseline. It gives none for a call
// that failed, that sets another attribute, or that is about another account's topic.
func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[request, response](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	arn := rec.Request.ARN
	switch ev.Name {
	case "SetTopicAttributes":
		if rec.Request.Attribute != "Policy" {
			return nil, nil
		}
	case "CreateTopic":
		if _, policy := rec.Request.Attributes["Policy"]; !policy {
			return nil, nil
		}
		arn = rec.Response.ARN
	}
	parts := topicARN.FindStringSubmatch(arn)
	switch {
	case arn == "":
		return nil, errors.New("the event names no topic: topicArn is missing")
	case parts == nil:
		return nil, fmt.Errorf("the event's topicArn %q is no ARN that a topic can have", arn)
	case ev.Account == "":
		return nil, errors.New("the event names no account")
	case parts[2] != ev.Account:
		return nil, nil
	}
	return []Target{{ARN: arn, Topic: parts[3], Account: parts[2], Region: parts[1]}}, nil
}
