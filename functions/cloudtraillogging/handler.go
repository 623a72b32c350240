// Package cloudtraillogging keeps CloudTrail's trails logging: all of what they
// are meant to log, to where they are meant to log it.
package cloudtraillogging

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/pattern"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function starts trails that were stopped, takes back what weakens them, and
// makes deleted ones again from the baseline. A new trail is off until its
// StartLogging, so CreateTrail is no trigger: it would come too early.
var Function = remedy.Function{
	Name:     "cloudtrail-logging",
	Title:    "Keeps CloudTrail trails logging, whole and where they belong",
	Severity: remedy.Critical,
	Triggers: []remedy.Trigger{{Source: "aws.cloudtrail", Names: []string{
		"DeleteTrail", "PutEventSelectors", "PutInsightSelectors", "StartLogging", "StopLogging", "UpdateTrail",
	}}},
	Actions: []string{
		"cloudtrail:AddTags",
		"cloudtrail:CreateTrail",
		"cloudtrail:DeleteTrail",
		"cloudtrail:GetEventSelectors",
		"cloudtrail:GetInsightSelectors",
		"cloudtrail:GetTrail",
		"cloudtrail:GetTrailStatus",
		"cloudtrail:ListTags",
		"cloudtrail:PutEventSelectors",
		"cloudtrail:PutInsightSelectors",
		"cloudtrail:StartLogging",
		"cloudtrail:StopLogging",
		"cloudtrail:UpdateTrail",
		"iam:GetRole",
		"iam:PassRole",
		"organizations:DescribeOrganization",
		"organizations:ListAWSServiceAccessForOrganization",
	},
	Params: Params{},
	Doc: remedy.Doc{
		Bad: "A trail that does not log; that covers one region only, or leaves out the events of global services; whose log files are not validated; " +
			"that does not log every read and every write management event, be it by basic or by advanced event selectors; or that was deleted. " +
			"A policy may name the buckets that trails must deliver to and the KMS keys that they must use, and may say that trails must be the organization's: another bucket, no key or another one, and a trail of one account are bad then. " +
			"Several selectors count together: one for reads and one for writes log everything. What data events a trail logs is not judged.",
		Repair: "A stopped trail is started with StartLogging. UpdateTrail turns on what is off, and nothing else. " +
			"PutEventSelectors puts the baseline's selectors back; without a baseline it lifts what keeps management events out, or adds a selector that logs them all, and keeps the selectors of data events. " +
			"Bucket and key come back from the baseline, else the first one that the policy names without a wildcard is taken. " +
			"A deleted trail is made again from the baseline: CreateTrail with its settings and tags, its event and Insights selectors, then StartLogging. " +
			"Without a baseline a deleted trail is recorded as failed and told of: nobody but a person knows what it was.",
		Keeps: "Log files and buckets; settings of a trail that break nothing, the topic, the log group and data events among them; event data stores.",
		Limits: []string{
			"EventBridge gets the calls of a region as long as one trail there logs them. A StopLogging or DeleteTrail is still delivered as a rule, but when the account's only trail was stopped, what follows may not be: keep a second trail, such as the organization's.",
			"A trail is known as a baseline once one of its events was seen while it was compliant. Call StartLogging on each trail once, which changes nothing, so that Ebb learns it.",
			"A new trail is looked at when its logging is started, not when it is made: until then it is off.",
			"Without the parameters buckets and kms_keys a change to another bucket or the loss of the key is not seen.",
			"The organization's trail can be changed only by the management account or a delegated administrator: Ebb's role must be in the account that the trail's ARN names. Members' copies of it and its shadows in other regions are not touched.",
			"What was not logged while a trail was off or gone is lost, and so is the chain of digest files: it begins anew.",
			"A trail that is made again needs its bucket's policy, its key's policy and its roles to be what they were.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_UpdateTrail.html",
			"https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html",
			"https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-trail-organization.html",
			"https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html",
			"https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// Params is what a policy may set. Trails that differ get a scope of their own,
// by their ARN. In patterns, * stands for any characters but a slash and ? for one.
type Params struct {
	SingleRegion      bool     `json:"single_region,omitempty" jsonschema:"Trails may cover their home region only, and leave out the events of global services."`
	Partial           bool     `json:"partial,omitempty" jsonschema:"Trails need not log every management event. For a scope with trails of data events."`
	AllowedExclusions []string `json:"allowed_exclusions,omitempty" jsonschema:"Event sources whose management events trails may leave out, such as kms.amazonaws.com."`
	Buckets           []string `json:"buckets,omitempty" jsonschema:"Patterns of the names of the buckets that trails must deliver to. When the list is empty, the bucket is not judged."`
	KMSKeys           []string `json:"kms_keys,omitempty" jsonschema:"Patterns of the ARNs of the KMS keys of which trails must use one, such as arn:aws:kms:*:111122223333:key/*. When the list is empty, encryption is not judged."`
	Organization      bool     `json:"organization,omitempty" jsonschema:"Trails must be the organization's. For a scope in the account that the trail belongs to."`
}

// Validate reports parameters that make no sense.
func (p Params) Validate() error {
	for _, source := range p.AllowedExclusions {
		if !strings.Contains(source, ".") || strings.ContainsAny(source, "*? /") {
			return fmt.Errorf("allowed_exclusions: %q is not an event source such as kms.amazonaws.com", source)
		}
	}
	for _, key := range p.KMSKeys {
		if !strings.HasPrefix(key, "arn:") {
			return fmt.Errorf("kms_keys: %q is not a pattern such as arn:aws:kms:*:111122223333:key/*", key)
		}
	}
	return errors.Join(pattern.Check("buckets", p.Buckets), pattern.Check("kms_keys", p.KMSKeys))
}

// Target is one trail, whether there is one or not.
type Target struct {
	Name    string `json:"name"`
	Account string `json:"account"` // that the trail belongs to
	Region  string `json:"region"`  // the trail's home: it can be changed from there only
}

// Ref names the trail by its ARN.
func (t Target) Ref() remedy.Ref {
	return remedy.Ref{Type: "AWS::CloudTrail::Trail", ID: t.arn(), Account: t.Account, Region: t.Region}
}

func (t Target) arn() string {
	return cloudtrail.ARN(t.Region, "cloudtrail", t.Region, t.Account, trailPrefix+t.Name)
}

const trailPrefix = "trail/"

// request holds what the calls name their trail by: its name or its ARN.
type request struct {
	Name      string `json:"name"`
	TrailName string `json:"trailName"` // of the two calls that put selectors
}

type response struct {
	ARN string `json:"trailARN"`
}

func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[request, response](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	name := rec.Response.ARN // it holds what a bare name leaves open
	if name == "" {
		name = rec.Request.Name
	}
	if name == "" {
		name = rec.Request.TrailName
	}
	t := Target{Name: name, Account: ev.Account, Region: ev.Region}
	if strings.HasPrefix(name, "arn:") {
		parts := strings.SplitN(name, ":", 6) // arn:partition:service:region:account:resource
		trail, ok := strings.CutPrefix(parts[len(parts)-1], trailPrefix)
		if len(parts) != 6 || parts[2] != "cloudtrail" || !ok {
			return nil, fmt.Errorf("the event's trail %q is not the ARN of a trail", name)
		}
		t = Target{Name: trail, Account: parts[4], Region: parts[3]}
	}
	switch {
	case t.Name == "" && ev.Name == "PutInsightSelectors":
		return nil, nil // of an event data store
	case t.Name == "":
		return nil, errors.New("the event names no trail: requestParameters.name and requestParameters.trailName are missing")
	case strings.ContainsAny(t.Name, ":/"):
		return nil, fmt.Errorf("the event's trail %q is neither a name nor an ARN", name)
	case t.Account == "" || t.Region == "":
		return nil, fmt.Errorf("the event names account %q and region %q, and both are needed", t.Account, t.Region)
	}
	return []Target{t}, nil
}
