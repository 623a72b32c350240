// Package imds is what functions share that are about EC2's instance metadata
// service, whose first version hands an instance's credentials to whoever gets
// a program on it to fetch a URL. The second asks for a token first.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
package imds

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Values of the options, by the API's names.
const (
	Enabled  = "enabled"  // of Endpoint
	Disabled = "disabled" // of Endpoint
	Optional = "optional" // of Tokens: both versions answer
	Required = "required" // of Tokens: only the second does
)

// Options are an instance's metadata options, as far as they say which
// versions of the service answer.
type Options struct {
	Endpoint string `json:"http_endpoint"` // enabled or disabled
	Tokens   string `json:"http_tokens"`   // optional or required
}

// V1 reports whether the first version answers. While the endpoint is
// disabled, none does.
func (o Options) V1() bool { return o.Endpoint != Disabled && o.Tokens != Required }

// Check gives the violation of an instance on which the first version answers.
func (o Options) Check(instance string) []remedy.Violation {
	if !o.V1() {
		return nil
	}
	return []remedy.Violation{{
		Rule: "imdsv1", Part: "HttpTokens",
		Message: fmt.Sprintf("Instance %s gives its metadata and credentials without a token (IMDSv1).", instance),
	}}
}

// Repaired gives the options with which only the second version answers. Where
// none does, they stay as they are.
func (o Options) Repaired() Options {
	if o.V1() {
		o.Tokens = Required
	}
	return o
}

// Change sets metadata options of an instance. Those that are empty, and all
// that are not here, keep their values.
type Change struct {
	Instance string
	Endpoint string
	Tokens   string
}

// Diff gives the call that leads from one to the other, if one is needed.
func Diff(instance string, from, to Options) []Change {
	c := Change{Instance: instance}
	if from.Endpoint != to.Endpoint {
		c.Endpoint = to.Endpoint
	}
	if from.Tokens != to.Tokens {
		c.Tokens = to.Tokens
	}
	if c == (Change{Instance: instance}) {
		return nil
	}
	return []Change{c}
}

// Call gives ec2:ModifyInstanceMetadataOptions.
func (c Change) Call() remedy.Call {
	params := map[string]any{"InstanceId": c.Instance}
	if c.Endpoint != "" {
		params["HttpEndpoint"] = c.Endpoint
	}
	if c.Tokens != "" {
		params["HttpTokens"] = c.Tokens
	}
	return remedy.Call{API: "ec2:ModifyInstanceMetadataOptions", Params: params}
}
