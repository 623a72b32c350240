// Package ebssnapshotsharing stops EBS snapshots from being shared with
// everybody, or with accounts that a policy does not name.
package ebssnapshotsharing

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/sharing"
)

// Function takes back create-volume permissions: the public one always, those
// of accounts when the policy says which are allowed.
var Function = remedy.Function{
	Name:     "ebs-snapshot-sharing",
	Title:    "Stops sharing EBS snapshots with everybody or with accounts that are not allowed",
	Severity: remedy.Critical,
	Triggers: []remedy.Trigger{{Source: "aws.ec2", Names: []string{"ModifySnapshotAttribute"}}},
	Actions: []string{
		"ec2:DescribeSnapshotAttribute",
		"ec2:DescribeSnapshots",
		"ec2:ModifySnapshotAttribute",
	},
	Params: Params{},
	Doc: remedy.Doc{
		Bad: "A snapshot is bad when every AWS account may make volumes from it. With allowed_accounts set, " +
			"it is bad too when it is shared with an account that is not on the list; the snapshot's own account always is.",
		Repair: "ModifySnapshotAttribute removes the entries that are bad, everybody before accounts. " +
			"A baseline makes no difference: what else was shared since is allowed, and stays.",
		Keeps: "Entries that are allowed, whoever added them and when, and the snapshot itself.",
		Limits: []string{
			"Volumes and copies that others made while the snapshot was shared are theirs: nothing brings them back. Treat what was on it as disclosed.",
			"While the account's block public access for snapshots is in block-all-sharing mode, a snapshot that reads as public is none. It is taken back all the same, so that it does not become public when the mode changes.",
			"Without allowed_accounts, sharing with named accounts is not judged.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySnapshotAttribute.html",
			"https://docs.aws.amazon.com/ebs/latest/userguide/ebs-modifying-snapshot-permissions.html",
			"https://docs.aws.amazon.com/ebs/latest/userguide/block-public-access-snapshots.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// Params is what a policy may set.
type Params struct {
	AllowedAccounts []string `json:"allowed_accounts" jsonschema:"Accounts, twelve digits each, that snapshots may be shared with. When the list is empty, sharing with named accounts is not judged; to forbid all of it, list your own account. Sharing with everybody is never allowed."`
}

// Validate reports the first parameter that makes no sense.
func (p Params) Validate() error {
	return sharing.ValidateAccounts("allowed_accounts", p.AllowedAccounts)
}

// Target is one snapshot.
type Target struct {
	SnapshotID string `json:"snapshot_id"`
	Account    string `json:"account"`
	Region     string `json:"region"`
}

// Ref names the snapshot by its ARN, which holds no account.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html#amazonec2-resources-for-iam-policies
func (t Target) Ref() remedy.Ref {
	return remedy.Ref{
		Type:    "AWS::EC2::Snapshot",
		ID:      cloudtrail.ARN(t.Region, "ec2", t.Region, "", "snapshot/"+t.SnapshotID),
		Account: t.Account,
		Region:  t.Region,
	}
}

type request struct {
	SnapshotID string `json:"snapshotId"`
}

func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[request, struct{}](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	id := rec.Request.SnapshotID
	switch {
	case id == "":
		return nil, errors.New("the event holds no snapshot id: requestParameters.snapshotId is missing")
	case !strings.HasPrefix(id, "snap-"):
		return nil, fmt.Errorf("the event's snapshot id %q does not start with snap-", id)
	case ev.Account == "" || ev.Region == "":
		return nil, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	}
	return []Target{{id, ev.Account, ev.Region}}, nil
}
