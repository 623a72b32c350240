// Package rdssnapshotsharing stops snapshots of RDS instances and clusters from
// being shared with everybody, or with accounts that a policy does not name.
package rdssnapshotsharing

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/sharing"
)

// Function takes back who may restore a snapshot: everybody always, accounts
// when the policy says which are allowed.
var Function = remedy.Function{
	Name:     "rds-snapshot-sharing",
	Title:    "Stops sharing RDS snapshots with everybody or with accounts that are not allowed",
	Severity: remedy.Critical,
	Triggers: []remedy.Trigger{{Source: "aws.rds", Names: []string{"ModifyDBClusterSnapshotAttribute", "ModifyDBSnapshotAttribute"}}},
	Actions: []string{
		"rds:DescribeDBClusterSnapshotAttributes",
		"rds:DescribeDBClusterSnapshots",
		"rds:DescribeDBSnapshotAttributes",
		"rds:DescribeDBSnapshots",
		"rds:ModifyDBClusterSnapshotAttribute",
		"rds:ModifyDBSnapshotAttribute",
	},
	Params: Params{},
	Doc: remedy.Doc{
		Bad: "A manual snapshot, of an instance or a cluster, that every AWS account may restore breaks the policy. " +
			"So does one that an account may restore which is neither the snapshot's own nor in allowed_accounts, once that list has an entry: an empty list judges no accounts.",
		Repair: "One call of ModifyDBSnapshotAttribute or ModifyDBClusterSnapshotAttribute removes the entries that are not allowed. The baseline does not matter: whatever else was shared since is allowed.",
		Keeps:  "Accounts that are allowed keep their access. The snapshot itself, and copies that others have made, are not touched.",
		Limits: []string{
			"Whoever restored or copied the snapshot while it was shared keeps what he has.",
			"Snapshots of Neptune and DocumentDB clusters are shared by the same calls and events, and are looked at in the same way.",
			"Sharing through AWS Backup or an export to S3 is not seen.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ShareSnapshot.html",
			"https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBSnapshotAttribute.html",
			"https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBClusterSnapshotAttribute.html",
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

// Target is one snapshot, of an instance or of a cluster.
type Target struct {
	Snapshot string `json:"snapshot"`
	Cluster  bool   `json:"cluster,omitempty"`
	Account  string `json:"account"`
	Region   string `json:"region"`
}

// Ref names the snapshot by its ARN.
func (t Target) Ref() remedy.Ref {
	kind, resource := "AWS::RDS::DBSnapshot", "snapshot:"
	if t.Cluster {
		kind, resource = "AWS::RDS::DBClusterSnapshot", "cluster-snapshot:"
	}
	return remedy.Ref{
		Type:    kind,
		ID:      cloudtrail.ARN(t.Region, "rds", t.Region, t.Account, resource+t.Snapshot),
		Account: t.Account,
		Region:  t.Region,
	}
}

type request struct {
	Snapshot        string `json:"dBSnapshotIdentifier"`
	ClusterSnapshot string `json:"dBClusterSnapshotIdentifier"`
}

// identifier is what a snapshot's name looks like; one that RDS made itself
// begins with rds: or awsbackup:.
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBSnapshot.html
var identifier = regexp.MustCompile(`^([a-z]+:)?[a-z0-9][a-z0-9-]{0,254}$`)

func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[request, struct{}](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	t := Target{Snapshot: rec.Request.Snapshot, Account: ev.Account, Region: ev.Region}
	if ev.Name == "ModifyDBClusterSnapshotAttribute" {
		t.Snapshot, t.Cluster = rec.Request.ClusterSnapshot, true
	}
	if _, id, ok := strings.Cut(t.Snapshot, "snapshot:"); ok && strings.HasPrefix(t.Snapshot, "arn:") {
		t.Snapshot = id // the calls take an ARN, too
	}
	t.Snapshot = strings.ToLower(t.Snapshot) // as RDS keeps it, whatever the caller wrote
	switch {
	case t.Snapshot == "":
		return nil, errors.New("the event names no snapshot: its identifier is missing in requestParameters")
	case !identifier.MatchString(t.Snapshot):
		return nil, fmt.Errorf("the event's snapshot %q is no name that a snapshot can have", t.Snapshot)
	case ev.Account == "" || ev.Region == "":
		return nil, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	}
	return []Target{t}, nil
}
