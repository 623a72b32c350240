// Package guarddutydetector keeps GuardDuty's detectors there, enabled, and with
// the features that a policy names.
package guarddutydetector

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function makes deleted detectors again, enables suspended ones, and turns on
// the features that must be on.
var Function = remedy.Function{
	Name:     "guardduty-detector",
	Title:    "Keeps GuardDuty detectors enabled, with their features",
	Severity: remedy.Critical,
	Triggers: []remedy.Trigger{{Source: "aws.guardduty", Names: []string{"CreateDetector", "DeleteDetector", "UpdateDetector"}}},
	Actions: []string{
		"guardduty:CreateDetector",
		"guardduty:DeleteDetector",
		"guardduty:GetDetector",
		"guardduty:ListDetectors",
		"guardduty:TagResource",
		"guardduty:UpdateDetector",
		"iam:CreateServiceLinkedRole",
	},
	Params: Params{},
	Doc: remedy.Doc{
		Bad: "The region has no detector, or the detector is suspended. " +
			"A policy may name features that must be on, and how often updated findings must be published at least.",
		Repair: "A suspended detector is enabled with UpdateDetector, and the features and the frequency that the policy wants are set; those that are better than that stay. " +
			"A feature that comes back has the baseline's additional configuration. " +
			"A deleted detector is made again with CreateDetector from the baseline: its features, its frequency and its tags. " +
			"Without a baseline it has what AWS gives a new one, and what the policy wants.",
		Keeps: "Features that the policy does not name, members, filters, lists of addresses, publishing destinations, and findings.",
		Limits: []string{
			"Findings of a deleted detector are lost, and so are its filters, lists, members and publishing destinations: a new detector has a new id and begins with nothing.",
			"Without the parameter features a feature that was turned off is not seen.",
			"A detector is known as a baseline once one of its events was seen while all was well: call UpdateDetector with enable once, which changes nothing.",
			"In a member account GuardDuty refuses what only the administrator's account may change; the record holds its answer. Give these accounts a scope in which the function is off, and guard the administrator.",
			"GuardDuty without a baseline turns on all features that are on by default, which has its price.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/guardduty/latest/APIReference/API_CreateDetector.html",
			"https://docs.aws.amazon.com/guardduty/latest/APIReference/API_UpdateDetector.html",
			"https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_suspend-disable.html",
			"https://docs.aws.amazon.com/guardduty/latest/ug/guardduty-features-activation-model.html",
			"https://docs.aws.amazon.com/securityhub/latest/userguide/guardduty-controls.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// Params is what a policy may set.
type Params struct {
	Features  []string `json:"features,omitempty" jsonschema:"Features that must be on, such as S3_DATA_EVENTS, EKS_AUDIT_LOGS, RUNTIME_MONITORING. Others are not judged."`
	Frequency string   `json:"frequency,omitempty" jsonschema:"How often updated findings must be published at least: FIFTEEN_MINUTES, ONE_HOUR or SIX_HOURS. When it is empty, it is not judged."`
}

// frequencies gives the frequencies of publishing, the highest first.
func frequencies() []string { return []string{"FIFTEEN_MINUTES", "ONE_HOUR", "SIX_HOURS"} }

// Validate reports the first parameter that makes no sense.
func (p Params) Validate() error {
	for _, name := range p.Features {
		if name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" || slices.Contains(foundational(), name) {
			return fmt.Errorf("features: %q is not a feature such as S3_DATA_EVENTS", name)
		}
	}
	if slices.Contains(p.Features, runtime) && slices.Contains(p.Features, eksRuntime) {
		return fmt.Errorf("features: GuardDuty takes one of %s and %s, and the first includes the second", runtime, eksRuntime)
	}
	if p.Frequency != "" && !slices.Contains(frequencies(), p.Frequency) {
		return fmt.Errorf("frequency: %q is none of %s", p.Frequency, strings.Join(frequencies(), ", "))
	}
	return nil
}

// Target is the detector of an account in a region, whether there is one or
// not. It is not named by its id: a detector that is made again has another one.
type Target struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	ID      string `json:"id,omitempty"` // the detector's when the event was made; it only saves a call
}

// Ref names the region's detector by an ARN without the id.
func (t Target) Ref() remedy.Ref {
	return remedy.Ref{
		Type:    "AWS::GuardDuty::Detector",
		ID:      cloudtrail.ARN(t.Region, "guardduty", t.Region, t.Account, "detector"),
		Account: t.Account,
		Region:  t.Region,
	}
}

// names is the part of a call's parameters, or of its answer, that names the detector.
type names struct {
	ID string `json:"detectorId"`
}

func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[names, names](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	if ev.Account == "" || ev.Region == "" {
		return nil, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	}
	t := Target{Account: ev.Account, Region: ev.Region, ID: rec.Request.ID}
	if t.ID == "" {
		t.ID = rec.Response.ID
	}
	if strings.Trim(t.ID, "0123456789abcdef") != "" {
		return nil, fmt.Errorf("the event's detector id %q is not a detector's", t.ID)
	}
	return []Target{t}, nil
}
