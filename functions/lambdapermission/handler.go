// Package lambdapermission takes permissions that let strangers invoke a Lambda
// function out of the function's policy.
package lambdapermission

import (
	"github.com/ebb-ops/ebb/pkg/cloudtrail/lambdaevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
)

// Function removes the permissions that let in everybody, whom the company does not
// allow, or a service for any AWS customer.
var Function = remedy.Function{
	Name:     "lambda-permission",
	Title:    "Removes the permissions of Lambda functions that let strangers in",
	Severity: remedy.Critical,
	// Older API versions are in the names: CloudTrail records which one was called.
	// https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html
	Triggers: []remedy.Trigger{{Source: "aws.lambda", Names: []string{"AddPermission", "AddPermission20150331", "AddPermission20150331v2"}}},
	Actions: []string{
		"lambda:AddPermission",
		"lambda:GetPolicy",
		"lambda:ListTags",
		"lambda:RemovePermission",
	},
	// Any AWS customer can make these invoke a function whose ARN they know.
	Params: Params{Params: resourcepolicy.Params{Bound: []string{
		"apigateway.amazonaws.com", "cognito-idp.amazonaws.com", "config.amazonaws.com", "elasticloadbalancing.amazonaws.com",
		"events.amazonaws.com", "iot.amazonaws.com", "logs.amazonaws.com", "logs.*.amazonaws.com", "s3.amazonaws.com", "ses.amazonaws.com", "sns.amazonaws.com",
	}}},
	Doc: remedy.Doc{
		Bad: "A permission is bad when its principal is everybody and no condition narrows that to an organization or fixed accounts; what kind of signing a function URL asks for is no such condition. " +
			"With the lists in allowed, one for somebody who is not on the list is bad too. So is one for a service of bound_services that says neither for which resource (source ARN) nor for which account it acts: any customer of that service can then make it invoke the function. " +
			"A version and an alias have policies of their own, and each is judged for itself. Not bad are the function's own account, and functions whose name matches allowed_functions.",
		Repair: "lambda:RemovePermission takes the bad permission out by its statement id, under the policy's revision, so that an id that was reused in the meantime is not touched. " +
			"A permission is always added and never overwritten, since Lambda refuses an id that is taken: so there is nothing of a baseline to bring back, and it makes no difference.",
		Keeps: "All other permissions, each by its statement id; the function's code, settings, aliases and tags, and its URL with its auth type.",
		Limits: []string{
			"When a good permission was removed and a bad one put under its id, only the bad one goes: the removal was a call of its own.",
			"Callers that rely on the permission are cut off at once. Observe first, and name the functions that are meant to be open in allowed_functions.",
			"A policy with a statement that lambda:AddPermission can't make, such as a Deny or one put with lambda:PutResourcePolicy, is not judged: the event fails with an error, since an undo could not bring the statement back.",
			"Of several bad permissions the first is removed under the revision that was read; each further one takes another read, to see that it is still the same.",
			"Permissions on layer versions are not looked at. Calls about another account's function are left to that account's own events.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html",
			"https://docs.aws.amazon.com/lambda/latest/api/API_RemovePermission.html",
			"https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html",
			"https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: lambdaevent.Decode, Check: check, Repair: repair, Diff: diff,
}

// Params are the function's parameters.
type Params struct {
	AllowedFunctions resourcepolicy.Names `json:"allowed_functions,omitempty" jsonschema:"names of functions that everybody may invoke; * stands for any characters, ? for one, [a-z] for one of a range"`
	resourcepolicy.Params
}

// Validate reports the first parameter that can't be used.
func (p Params) Validate() error {
	if err := p.AllowedFunctions.Validate("allowed_functions"); err != nil {
		return err
	}
	return p.Params.Validate()
}

// Target is one function, or one version or alias of it.
type Target = lambdaevent.Target
