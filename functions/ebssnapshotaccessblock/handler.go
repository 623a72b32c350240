// Package ebssnapshotaccessblock turns the block of public EBS snapshots
// back on.
package ebssnapshotaccessblock

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/cloudtrail/regionevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function puts back how much an account blocks of public sharing of snapshots
// in a region.
var Function = remedy.Function{
	Name:     "ebs-snapshot-access-block",
	Title:    "Turns the block of public EBS snapshots back on",
	Severity: remedy.High,
	Triggers: []remedy.Trigger{{Source: "aws.ec2", Names: []string{
		"DisableSnapshotBlockPublicAccess",
		"EnableSnapshotBlockPublicAccess",
	}}},
	Actions: []string{
		"ec2:DisableSnapshotBlockPublicAccess",
		"ec2:EnableSnapshotBlockPublicAccess",
		"ec2:GetSnapshotBlockPublicAccessState",
	},
	Params: Params{Minimum: blockAll},
	Doc: remedy.Doc{
		Bad: "A region of an account is bad when it blocks less than minimum says: nothing at all (unblocked), or, with a minimum of block-all-sharing, " +
			"only new sharing, which leaves snapshots public that are.",
		Repair: "EnableSnapshotBlockPublicAccess brings the baseline's state back when that is enough, else the minimum.",
		Keeps:  "The permissions of snapshots, which the block only overrides: ebs-snapshot-sharing takes those back. Other regions.",
		Limits: []string{
			"What was shared with everybody while the block was off stays shared: under block-new-sharing such snapshots are public still.",
			"A state that an organization's declarative policy manages can't be changed by the account. It is reported, and nothing is called.",
			"An undo of a repair may need ec2:DisableSnapshotBlockPublicAccess; a repair never calls it.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/ebs/latest/userguide/block-public-access-snapshots.html",
			"https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableSnapshotBlockPublicAccess.html",
			"https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetSnapshotBlockPublicAccessState.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// Params is what a policy may set.
type Params struct {
	Minimum string `json:"minimum,omitempty" jsonschema:"The least that must be blocked: block-all-sharing, which is the default, or block-new-sharing, which leaves snapshots public that are."`
}

// Validate reports a minimum that makes no sense.
func (p Params) Validate() error {
	switch p.Minimum {
	case "", blockAll, blockNew:
		return nil
	}
	return fmt.Errorf("minimum: %q is neither %s nor %s", p.Minimum, blockAll, blockNew)
}

func (p Params) minimum() string {
	if p.Minimum == "" {
		return blockAll
	}
	return p.Minimum
}

// Target is one account in one region.
type Target struct{ regionevent.Place }

// Ref names the setting.
func (t Target) Ref() remedy.Ref {
	return t.Place.Ref("AWS::EC2::SnapshotBlockPublicAccess", "snapshot-block-public-access")
}

func decode(ev remedy.Event) ([]Target, error) {
	place, changed, err := regionevent.Decode(ev)
	if !changed {
		return nil, err
	}
	return []Target{{place}}, nil
}
