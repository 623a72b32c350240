// Package lambdafunctionurl makes Lambda function URLs that answer anybody ask for
// signed requests again.
package lambdafunctionurl

import (
	"github.com/ebb-ops/ebb/pkg/cloudtrail/lambdaevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/resourcepolicy"
)

// Function sets the auth type of function URLs back to AWS_IAM. It deletes none: a
// URL's host name can't be had again.
var Function = remedy.Function{
	Name:     "lambda-function-url",
	Title:    "Makes Lambda function URLs that answer anybody ask for signed requests again",
	Severity: remedy.High,
	// AWS records these without the API's date; detection rules expect it with it, as
	// older calls of Lambda have it. See events/lambda-function-url/SOURCES.md.
	Triggers: []remedy.Trigger{{Source: "aws.lambda", Names: []string{
		"CreateFunctionUrlConfig", "CreateFunctionUrlConfig20211031", "UpdateFunctionUrlConfig", "UpdateFunctionUrlConfig20211031",
	}}},
	Actions: []string{
		"lambda:GetFunctionUrlConfig",
		"lambda:ListTags",
		"lambda:UpdateFunctionUrlConfig",
	},
	Params: Params{},
	Doc: remedy.Doc{
		Bad:    "A function URL is bad when its auth type is NONE: Lambda then asks nobody who calls. That the function's policy may keep callers out for now makes it no better, since one permission lets everybody in. A function and each alias of it have URLs of their own. Not bad are AWS_IAM, and functions whose name matches allowed_functions.",
		Repair: "lambda:UpdateFunctionUrlConfig sets the auth type to AWS_IAM, and nothing else. A URL that was made with NONE is not deleted either: its host name would be lost, and undo could not bring it back. A baseline makes no difference, since there is one good auth type.",
		Keeps:  "The URL and its host name, its CORS settings and its invoke mode; the function's policy, whose public permissions are lambda-permission's to remove; code, settings and tags.",
		Limits: []string{
			"Callers that do not sign their requests get a 403 at once. Observe first, and name the functions whose URLs are meant for everybody, such as webhooks that check signatures themselves, in allowed_functions.",
			"An application that sits behind CloudFront can use origin access control, which signs for it.",
			"Calls about another account's function are left to that account's own events.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html",
			"https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionUrlConfig.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// Params are the function's parameters.
type Params struct {
	AllowedFunctions resourcepolicy.Names `json:"allowed_functions,omitempty" jsonschema:"names of functions whose URLs may answer anybody, such as webhooks; * stands for any characters, ? for one, [a-z] for one of a range"`
}

// Validate reports the first parameter that can't be used.
func (p Params) Validate() error { return p.AllowedFunctions.Validate("allowed_functions") }

// Target is the URL of one function, or of one alias of it.
type Target struct{ lambdaevent.Target }

// Ref names the URL by the ARN of what it invokes, as it has none of its own.
func (t Target) Ref() remedy.Ref {
	r := t.Target.Ref()
	r.Type = "AWS::Lambda::Url"
	return r
}

func decode(ev remedy.Event) ([]Target, error) {
	functions, err := lambdaevent.Decode(ev)
	if len(functions) == 0 {
		return nil, err
	}
	return []Target{{functions[0]}}, err
}
