// Package lambdaevent reads which Lambda function a call was about.
package lambdaevent

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Target is one function, or one version or alias of it: each has settings of its
// own. Its JSON form is kept in records.
type Target struct {
	Function  string `json:"function"`            // its name
	Qualifier string `json:"qualifier,omitempty"` // a version or an alias; empty for the function itself
	Account   string `json:"account"`
	Region    string `json:"region"`
}

// ARN gives the function's ARN, without the qualifier: tags are the function's.
func (t Target) ARN() string {
	return cloudtrail.ARN(t.Region, "lambda", t.Region, t.Account, "function:"+t.Function)
}

// Ref names the function, or its version or alias, by the ARN.
func (t Target) Ref() remedy.Ref {
	id := t.ARN()
	if t.Qualifier != "" {
		id += ":" + t.Qualifier
	}
	return remedy.Ref{Type: "AWS::Lambda::Function", ID: id, Account: t.Account, Region: t.Region}
}

// String names the function as a sentence does: "web", "web:live".
func (t Target) String() string {
	if t.Qualifier == "" {
		return t.Function
	}
	return t.Function + ":" + t.Qualifier
}

// Q gives the qualifier as calls take it: nil for none.
func (t Target) Q() *string {
	if t.Qualifier == "" {
		return nil
	}
	return &t.Qualifier
}

type request struct {
	Function  string `json:"functionName"`
	Qualifier string `json:"qualifier"`
}

// Callers may name a function in any of these forms: web, web:live,
// 111122223333:function:web, and a full ARN, each with or without a qualifier.
// https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
var (
	functionName = regexp.MustCompile(`^(?:(?:(?:arn:aws[a-z-]*:lambda:([a-z0-9-]+):)?([0-9]{12}):)?function:)?([A-Za-z0-9_-]{1,64})(?::(\$LATEST|[A-Za-z0-9_-]{1,128}))?$`)
	qualifier    = regexp.MustCompile(`^(?:\$LATEST|[A-Za-z0-9_-]{1,128})?$`)
)

// Decode gives the function whose settings a call changed: none for a call that
// failed, or that is about another account's function. It is an error when the event
// is no CloudTrail record, names no function, or one by a name that none can have.
func Decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[request, struct{}](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	q := rec.Request
	parts := functionName.FindStringSubmatch(q.Function)
	switch {
	case q.Function == "":
		return nil, errors.New("the event names no function: requestParameters.functionName is missing")
	case parts == nil:
		return nil, fmt.Errorf("the event's requestParameters.functionName %q is no name that a function can have", q.Function)
	case !qualifier.MatchString(q.Qualifier):
		return nil, fmt.Errorf("the event's requestParameters.qualifier %q is no version and no alias", q.Qualifier)
	case ev.Account == "" || ev.Region == "":
		return nil, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	case parts[2] != "" && parts[2] != ev.Account:
		return nil, nil
	}
	t := Target{Function: parts[3], Qualifier: q.Qualifier, Account: ev.Account, Region: ev.Region}
	if parts[1] != "" {
		t.Region = parts[1]
	}
	if t.Qualifier == "" {
		t.Qualifier = parts[4]
	}
	if t.Qualifier == "$LATEST" { // which is the function itself
		t.Qualifier = ""
	}
	return []Target{t}, nil
}
