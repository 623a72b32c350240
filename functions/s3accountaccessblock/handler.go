// Package s3accountaccessblock turns the flags of accounts' public access
// blocks back on.
package s3accountaccessblock

import (
	"fmt"
	"strings"

	"github.com/ebb-ops/ebb/pkg/accessblock"
	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function turns required flags of an account's public access block on, and with
// them those that the change turned off although they were on before.
//
// CloudTrail's names for the calls differ from the API's, which are
// PutPublicAccessBlock and DeletePublicAccessBlock; one IAM action stands for both.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html
var Function = remedy.Function{
	Name:     "s3-account-access-block",
	Title:    "Turns S3's public access block of a whole account back on",
	Severity: remedy.Critical,
	Triggers: []remedy.Trigger{{
		Source: "aws.s3",
		Names:  []string{"DeleteAccountPublicAccessBlock", "PutAccountPublicAccessBlock"},
	}},
	Actions: []string{"s3:GetAccountPublicAccessBlock", "s3:PutAccountPublicAccessBlock"},
	Params:  Params{Required: accessblock.Names()},
	Doc: remedy.Doc{
		Bad: "A required flag of the account's block that is off breaks the policy, and with no block at all every flag is off. " +
			"The four flags are BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy and RestrictPublicBuckets; all are required unless the policy names some.",
		Repair: "PutPublicAccessBlock of the account turns the required flags on, and beside them those that were on in the last compliant block although they are not required. Without a baseline it is the required ones alone.",
		Keeps:  "No flag is turned off, whatever the baseline says. The blocks of buckets, policies and ACLs are not touched.",
		Limits: []string{
			"The block holds for every bucket of the account, in all regions: a website that is public on purpose stops being so. Switch the function off for accounts that serve such, in the policy's scopes.",
			"It takes a while until a change holds in every region. The setting is read and put in the region that the event came from.",
			"S3 reports what is in effect. Where the organization sets the block, an account's own can't be changed, and S3 refuses the call.",
			"An account has no tags that an exemption could name: exempt it by its id.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
			"https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_PutPublicAccessBlock.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// Params are the function's parameters.
type Params struct {
	Required []string `json:"required,omitempty" jsonschema:"flags that must be on: BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets; all four when empty"`
}

// Validate reports the first flag that can't be used.
func (p Params) Validate() error { return accessblock.CheckNames("required", p.Required) }

// Target is one account, and the region that its change was made in: there it
// is seen first.
type Target struct {
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Ref names the account by its id, as AWS Config does. The block is the same in
// all regions, so it has none.
// https://docs.aws.amazon.com/config/latest/developerguide/resource-config-reference.html
func (t Target) Ref() remedy.Ref {
	return remedy.Ref{Type: "AWS::S3::AccountPublicAccessBlock", ID: t.Account, Account: t.Account}
}

// decode takes the account from the envelope: nobody can change the block of another.
func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[struct{}, struct{}](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	switch {
	case len(ev.Account) != 12 || strings.Trim(ev.Account, "0123456789") != "":
		return nil, fmt.Errorf("the event's account %q is not an id of twelve digits", ev.Account) // it becomes part of a host's name
	case ev.Region == "":
		return nil, fmt.Errorf("the event of account %s names no region", ev.Account)
	}
	return []Target{{ev.Account, ev.Region}}, nil
}
