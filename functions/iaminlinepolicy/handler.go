// Package iaminlinepolicy takes the statements that make an administrator out
// of inline policies, and brings back what the change has overwritten.
package iaminlinepolicy

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/cloudtrail/iamevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function mends inline policies that make an administrator. Deletions are
// triggers so that a policy which was deleted on purpose does not come back.
var Function = remedy.Function{
	Name:     "iam-inline-policy",
	Title:    "Takes administrator rights out of inline policies of IAM users, groups and roles",
	Severity: remedy.Critical,
	Triggers: []remedy.Trigger{{Source: "aws.iam", Names: []string{
		"DeleteGroupPolicy", "DeleteRolePolicy", "DeleteUserPolicy", "PutGroupPolicy", "PutRolePolicy", "PutUserPolicy",
	}}},
	Actions: []string{
		"iam:DeleteGroupPolicy",
		"iam:DeleteRolePolicy",
		"iam:DeleteUserPolicy",
		"iam:GetGroup",
		"iam:GetGroupPolicy",
		"iam:GetRole",
		"iam:GetRolePolicy",
		"iam:GetUser",
		"iam:GetUserPolicy",
		"iam:PutGroupPolicy",
		"iam:PutRolePolicy",
		"iam:PutUserPolicy",
	},
	Params: Params{AllowedPrincipals: iamevent.Patterns{"role/OrganizationAccountAccessRole", "role/AWSControlTowerExecution"}},
	Doc: remedy.Doc{
		Bad: "An inline policy of a user, group or role has a statement that allows all actions on all resources, all of IAM's actions on all of IAM's resources, or with NotAction or NotResource all but some of them. " +
			"A statement that leaves all of IAM out, as PowerUserAccess does, does not make an administrator, and neither do all actions on resources that are named.",
		Repair: "The statements that make an administrator are taken out, and each other one keeps every byte; a policy with no statement left is deleted. " +
			"Putting a policy replaces it whole: where a statement of the baseline is missing afterwards, the baseline's document comes back byte for byte.",
		Keeps: "All other policies of the principal, inline or managed. Roles linked to a service and those of IAM Identity Center are left alone, since IAM lets nobody but AWS change them, and so are the principals in allowed_principals.",
		Limits: []string{
			"Conditions and denials are not weighed: an administrator under conditions is one. Single actions with which more can be granted, such as iam:PutUserPolicy, are not judged.",
			"By default allowed_principals trusts the names of the roles through which AWS Organizations and Control Tower administer an account. Take them out where an account needs none.",
			"Statements that came with a change that overwrote the baseline go with it. They are in the record, and an undo brings them back.",
			"An undo puts the administrator's policy back. For that the function's role may put inline policies, which is why its own role is to be guarded like an administrator's.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html",
			"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html",
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
	AllowedPrincipals iamevent.Patterns `json:"allowed_principals" jsonschema:"Patterns of users, groups and roles that may be administrators, as their ARNs end after the account: user/break-glass/*, role/OrganizationAccountAccessRole."`
}

// Validate reports the first parameter that makes no sense.
func (p Params) Validate() error {
	return p.AllowedPrincipals.Validate("allowed_principals")
}

// Target is one inline policy of one principal.
type Target struct {
	iamevent.Principal
	Policy string `json:"policy"` // its name
}

// Ref names the policy, which has no ARN: the principal's, and the name behind
// it, as in arn:aws:iam::111122223333:role/r/inline-policy/x.
func (t Target) Ref() remedy.Ref {
	return t.Principal.Ref("AWS::IAM::"+t.Word()+"Policy", "inline-policy/"+t.Policy)
}

type request struct {
	iamevent.Request
	Policy string `json:"policyName"`
}

func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[request, struct{}](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	p, err := rec.Request.Principal(ev)
	if err != nil {
		return nil, err
	}
	if !iamevent.Name.MatchString(rec.Request.Policy) {
		return nil, fmt.Errorf("the event's requestParameters.policyName %q is no name that a policy has", rec.Request.Policy)
	}
	return []Target{{p, rec.Request.Policy}}, nil
}
