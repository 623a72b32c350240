package lambdafunctionurl

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is how a function URL authenticates its callers.
type State struct {
	AuthType string            `json:"auth_type"` // "AWS_IAM" or "NONE"
	Tags     map[string]string `json:"tags,omitempty"`
}

// ResourceTags gives the function's tags: a URL has none.
func (s State) ResourceTags() map[string]string { return s.Tags }

// The auth types.
// https://docs.aws.amazon.com/lambda/latest/api/API_FunctionUrlConfig.html
const (
	signed  = "AWS_IAM"
	anybody = "NONE"
)

func check(t Target, s State, p Params) []remedy.Violation {
	if s.AuthType != anybody || p.AllowedFunctions.Has(t.Function) {
		return nil
	}
	return []remedy.Violation{{
		Rule:    "public-url",
		Message: fmt.Sprintf("The URL of function %s answers anybody: its auth type is NONE.", t),
	}}
}

// repair needs no baseline: there is one compliant auth type.
func repair(t Target, live State, _ remedy.Baseline[State], p Params) State {
	if len(check(t, live, p)) > 0 {
		live.AuthType = signed
	}
	return live
}

func diff(t Target, from, to State) []Change {
	if from.AuthType == to.AuthType {
		return nil
	}
	return []Change{{t, to.AuthType}}
}

// Change sets a URL's auth type.
type Change struct {
	Target   Target
	AuthType string
}

// Call gives lambda:UpdateFunctionUrlConfig. What it does not name stays.
func (c Change) Call() remedy.Call {
	params := map[string]any{"FunctionName": c.Target.Function, "AuthType": c.AuthType}
	if c.Target.Qualifier != "" {
		params["Qualifier"] = c.Target.Qualifier
	}
	return remedy.Call{API: "lambda:UpdateFunctionUrlConfig", Params: params}
}
