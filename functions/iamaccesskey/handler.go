// Package iamaccesskey deactivates access keys that were made for users who
// must not have any. It deletes none: a key in use can be given back.
package iamaccesskey

import (
	"errors"
	"fmt"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/pattern"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function sets access keys of forbidden users to Inactive. A key of the root
// user is reported only: no IAM role can change it.
var Function = remedy.Function{
	Name:     "iam-access-key",
	Title:    "Deactivates access keys of IAM users who must not have any",
	Severity: remedy.High,
	Triggers: []remedy.Trigger{{Source: "aws.iam", Names: []string{"CreateAccessKey"}}},
	Actions: []string{
		"iam:GetAccountSummary",
		"iam:GetUser",
		"iam:ListAccessKeys",
		"iam:UpdateAccessKey",
	},
	Params: Params{ForbiddenUsers: []string{"*"}},
	Doc: remedy.Doc{
		Bad: "An access key is active and belongs to a user whose name matches forbidden_users and not allowed_users. By default no user may have one. " +
			"An active key of the root user breaks the policy whatever the parameters say.",
		Repair: "The key is set to Inactive; a baseline makes no difference. A key of the root user is reported only, with what to do about it: IAM lets no role change it.",
		Keeps:  "The user's other keys, which the call did not make, and the user. No key is deleted, so that one that was in use can be activated again, by an undo too.",
		Limits: []string{
			"Credentials that were made with the key before it was deactivated, such as those of a role, stay valid until they expire.",
			"Names are all that the parameters know of a user. Tags of the user can be named in an exemption.",
			"Of the root user's keys IAM tells only whether there are any: the report names the one in the event.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html",
			"https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html",
			"https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-access-management.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// Params is what a policy may set. In patterns, * stands for any characters
// and ? for one; upper and lower case are the same, as they are to IAM.
type Params struct {
	ForbiddenUsers []string `json:"forbidden_users" jsonschema:"Patterns of the names of users who must not have access keys, such as *.admin. The default is everybody: people and workloads should use roles."`
	AllowedUsers   []string `json:"allowed_users" jsonschema:"Patterns of the names of users who may have access keys although a forbidden pattern matches, such as ci-*."`
}

// Validate reports the first parameter that makes no sense.
func (p Params) Validate() error {
	return errors.Join(pattern.Check("forbidden_users", p.ForbiddenUsers), pattern.Check("allowed_users", p.AllowedUsers))
}

// Target is one access key.
type Target struct {
	User    string `json:"user"` // empty for the root user
	KeyID   string `json:"key_id"`
	Account string `json:"account"`
	Region  string `json:"region"` // where IAM delivered the event; it tells the partition
}

// Ref names the key. Access keys have no ARN: the ID is that of the user, with
// no path because the event holds none, and the key's id behind it, as in
// arn:aws:iam::111122223333:user/jane/access-key/AKIAIOSFODNN7EXAMPLE. The root
// user's keys have root in the place of user/jane.
func (t Target) Ref() remedy.Ref {
	owner := "root"
	if t.User != "" {
		owner = "user/" + t.User
	}
	return remedy.Ref{
		Type:    "AWS::IAM::AccessKey",
		ID:      cloudtrail.ARN(t.Region, "iam", "", t.Account, owner+"/access-key/"+t.KeyID),
		Account: t.Account,
		Region:  t.Region,
	}
}

type request struct {
	User string `json:"userName"`
}

type response struct {
	Key struct {
		ID   string `json:"accessKeyId"`
		User string `json:"userName"`
	} `json:"accessKey"`
}

func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[request, response](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	t := Target{User: rec.Response.Key.User, KeyID: rec.Response.Key.ID, Account: ev.Account, Region: ev.Region}
	if t.User == "" {
		t.User = rec.Request.User
	}
	// A caller who names no user makes a key of their own. The name that
	// CloudTrail gives the root user is the account's alias.
	// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
	root := ev.Actor.Type == "Root" && rec.Request.User == ""
	if root {
		t.User = ""
	} else if t.User == "" && ev.Actor.Type == "IAMUser" {
		t.User = ev.Actor.Name
	}
	switch {
	case t.KeyID == "":
		return nil, errors.New("the event holds no access key id: responseElements.accessKey.accessKeyId is missing")
	case t.User == "" && !root:
		return nil, fmt.Errorf("the event does not say whose access key %s is: responseElements.accessKey.userName and requestParameters.userName are missing, and the caller is no IAM user", t.KeyID)
	case t.Account == "" || t.Region == "":
		return nil, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	}
	return []Target{t}, nil
}
