// Package iampolicyattachment detaches administrator policies from users,
// groups and roles that must not have any.
package iampolicyattachment

import (
	"fmt"
	"regexp"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/cloudtrail/iamevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function detaches the policy that a call attached, when it makes an
// administrator. What else the principal has is not looked at.
var Function = remedy.Function{
	Name:     "iam-policy-attachment",
	Title:    "Detaches administrator policies from IAM users, groups and roles",
	Severity: remedy.Critical,
	Triggers: []remedy.Trigger{{Source: "aws.iam", Names: []string{"AttachGroupPolicy", "AttachRolePolicy", "AttachUserPolicy"}}},
	Actions: []string{
		"iam:AttachGroupPolicy",
		"iam:AttachRolePolicy",
		"iam:AttachUserPolicy",
		"iam:DetachGroupPolicy",
		"iam:DetachRolePolicy",
		"iam:DetachUserPolicy",
		"iam:GetGroup",
		"iam:GetPolicy",
		"iam:GetPolicyVersion",
		"iam:GetRole",
		"iam:GetUser",
		"iam:ListAttachedGroupPolicies",
		"iam:ListAttachedRolePolicies",
		"iam:ListAttachedUserPolicies",
	},
	Params: Params{
		ForbiddenPolicies: iamevent.Patterns{"AdministratorAccess", "IAMFullAccess"},
		AllowedPrincipals: iamevent.Patterns{"role/OrganizationAccountAccessRole", "role/AWSControlTowerExecution"},
	},
	Doc: remedy.Doc{
		Bad: "A policy is attached to a user, group or role that forbidden_policies names, by default AdministratorAccess and IAMFullAccess, in whichever partition. " +
			"So is a policy of the customer's own, under any name, whose default version allows all actions on all resources, all of IAM's actions on all of IAM's resources, or with NotAction or NotResource all but some of them. " +
			"A policy that leaves all of IAM out, such as PowerUserAccess, does not make an administrator.",
		Repair: "The policy is detached from the principal. A baseline makes no difference: what was attached while it was allowed is detached like anything else once it is not allowed and a call attaches it again.",
		Keeps: "All other policies of the principal, also older administrator policies: only the policy that a call attached is looked at. The policy itself is never changed or deleted. " +
			"Roles linked to a service and those of IAM Identity Center are left alone, since IAM lets nobody but AWS change them, and so are the principals in allowed_principals.",
		Limits: []string{
			"Attaching what is attached already succeeds, and CloudTrail records it: an administrator of many years loses the policy when somebody attaches it once more. Name break-glass principals in allowed_principals before the function is enforced.",
			"By default allowed_principals trusts the names of the roles through which AWS Organizations and Control Tower administer an account. Take them out where an account needs none. CDK's roles for CloudFormation, role/cdk-*-cfn-exec-role-*, are administrators too and are not among them.",
			"Policies of AWS are judged by name alone, policies of the customer's own by their document too. Conditions and denials in it are not weighed.",
			"Sessions that began before stay administrators only as long as the policy is attached: IAM judges each call anew.",
			"An undo attaches the policy again. For that the function's role may attach policies, which is why its own role is to be guarded like an administrator's.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html",
			"https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AdministratorAccess.html",
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
	ForbiddenPolicies iamevent.Patterns `json:"forbidden_policies" jsonschema:"Patterns of managed policies that must not be attached, as their ARNs end after policy/: AdministratorAccess, job-function/*. Policies of the customer's own that make an administrator are never allowed."`
	AllowedPrincipals iamevent.Patterns `json:"allowed_principals" jsonschema:"Patterns of users, groups and roles that may be administrators, as their ARNs end after the account: user/break-glass/*, role/OrganizationAccountAccessRole."`
}

// Validate reports the first parameter that makes no sense.
func (p Params) Validate() error {
	if err := p.ForbiddenPolicies.Validate("forbidden_policies"); err != nil {
		return err
	}
	return p.AllowedPrincipals.Validate("allowed_principals")
}

// Target is one managed policy on one principal.
type Target struct {
	iamevent.Principal
	Policy string `json:"policy"` // the policy's ARN
}

// Ref names the attachment, which has no ARN: the principal's, and the policy
// behind it, as in arn:aws:iam::111122223333:role/r/attached-policy/aws:policy/AdministratorAccess.
func (t Target) Ref() remedy.Ref {
	return t.Principal.Ref("AWS::IAM::"+t.Word()+"PolicyAttachment", "attached-policy/"+t.part(1))
}

// ofAWS reports whether the policy is AWS's.
func (t Target) ofAWS() bool { return t.part(2) == "aws" }

// name gives what follows policy/ in the policy's ARN.
func (t Target) name() string { return t.part(3) }

// part gives a group of what policyARN matches; decode lets no other through.
func (t Target) part(i int) string {
	if m := policyARN.FindStringSubmatch(t.Policy); m != nil {
		return m[i]
	}
	return ""
}

// policyARN is the ARN of a managed policy: AWS's, or an account's.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
var policyARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::((aws|\d{12}):policy/([!-~]{1,640}))$`)

type request struct {
	iamevent.Request
	Policy string `json:"policyArn"`
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
	if !policyARN.MatchString(rec.Request.Policy) {
		return nil, fmt.Errorf("the event's requestParameters.policyArn %q is no ARN of a managed policy", rec.Request.Policy)
	}
	return []Target{{p, rec.Request.Policy}}, nil
}
