// Package iampolicyversion gives managed policies their last harmless version
// as the default again, when another makes an administrator.
package iampolicyversion

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/cloudtrail/iamevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function sets the default version of managed policies back. It makes no
// versions and deletes none.
var Function = remedy.Function{
	Name:     "iam-policy-version",
	Title:    "Sets IAM policies that became an administrator's back to a harmless version",
	Severity: remedy.Critical,
	Triggers: []remedy.Trigger{{Source: "aws.iam", Names: []string{"CreatePolicy", "CreatePolicyVersion", "SetDefaultPolicyVersion"}}},
	Actions: []string{
		"iam:GetPolicy",
		"iam:GetPolicyVersion",
		"iam:ListPolicyVersions",
		"iam:SetDefaultPolicyVersion",
	},
	Params: Params{},
	Doc: remedy.Doc{
		Bad: "The default version of a policy of the customer's own allows all actions on all resources, all of IAM's actions on all of IAM's resources, or with NotAction or NotResource all but some of them. " +
			"Versions that are not the default do not matter: nobody has what they allow. A policy that is attached to nobody and used as a permissions boundary grants nothing, and is left alone.",
		Repair: "The baseline's default version becomes the default again, if it is still there and says the same; otherwise the newest version that makes no administrator. " +
			"A policy that has no such version is reported only, as one that was just created with a single version: Ebb neither makes a version nor deletes the policy. Who gets it attached is iam-policy-attachment's matter.",
		Keeps: "All versions, the bad one too, and whoever the policy is attached to. Policies in allowed_policies are left alone.",
		Limits: []string{
			"A policy has five versions at most, and whoever makes a sixth must delete one first: the baseline's version may be gone, and then an older one becomes the default, which may allow less than the one before.",
			"Conditions and denials in a policy are not weighed.",
			"A permissions boundary that is attached to somebody as well is judged as any other policy.",
			"The version that an undo makes the default again may have been deleted since. The undo fails then, and nothing changes.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html",
			"https://docs.aws.amazon.com/IAM/latest/APIReference/API_SetDefaultPolicyVersion.html",
			"https://docs.aws.amazon.com/config/latest/developerguide/iam-policy-no-statements-with-admin-access.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// Params is what a policy may set.
type Params struct {
	AllowedPolicies iamevent.Patterns `json:"allowed_policies" jsonschema:"Patterns of managed policies that may make an administrator, as their ARNs end after policy/: break-glass/*."`
}

// Validate reports the first parameter that makes no sense.
func (p Params) Validate() error {
	return p.AllowedPolicies.Validate("allowed_policies")
}

// Target is one managed policy.
type Target struct {
	Policy  string `json:"policy"` // its ARN
	Account string `json:"account"`
	Region  string `json:"region"`
	Version string `json:"version"` // the one that the event is about; a hint at which to read first
}

// Ref names the policy by its ARN.
func (t Target) Ref() remedy.Ref {
	return remedy.Ref{Type: "AWS::IAM::ManagedPolicy", ID: t.Policy, Account: t.Account, Region: t.Region}
}

// name gives what follows policy/ in the ARN.
func (t Target) name() string { return strings.TrimPrefix(iamevent.Tail(t.Policy), "policy/") }

// number gives the N of a version vN, or 0. Versions are counted from 1, and
// the numbers of deleted ones are not used again.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_PolicyVersion.html
func number(version string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(version, "v"))
	if err != nil || n < 0 || !strings.HasPrefix(version, "v") {
		return 0
	}
	return n
}

// policyARN is the ARN of a managed policy of an account.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
var policyARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:policy/[!-~]{1,640}$`)

type request struct {
	Policy  string `json:"policyArn"`
	Version string `json:"versionId"` // of SetDefaultPolicyVersion
}

type response struct {
	Policy struct {
		ARN     string `json:"arn"`
		Default string `json:"defaultVersionId"`
	} `json:"policy"` // of CreatePolicy
	Version struct {
		ID string `json:"versionId"`
	} `json:"policyVersion"` // of CreatePolicyVersion
}

func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[request, response](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	t := Target{Policy: rec.Request.Policy, Account: ev.Account, Region: ev.Region}
	if t.Policy == "" {
		t.Policy = rec.Response.Policy.ARN
	}
	for _, hint := range []string{rec.Request.Version, rec.Response.Version.ID, rec.Response.Policy.Default} {
		if t.Version == "" && number(hint) > 0 {
			t.Version = hint
		}
	}
	switch {
	case t.Policy == "":
		return nil, errors.New("the event names no policy: requestParameters.policyArn and responseElements.policy.arn are missing")
	case !policyARN.MatchString(t.Policy):
		return nil, fmt.Errorf("the event's policy %q is no ARN of an account's managed policy", t.Policy)
	case t.Account == "" || t.Region == "":
		return nil, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	}
	return []Target{t}, nil
}
