// Package rdspublicaccess keeps instances of RDS off the internet.
package rdspublicaccess

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/pattern"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function makes database instances private. It looks at each one that is made
// or modified: whether a new one is public is often RDS's choice, not the call's.
var Function = remedy.Function{
	Name:     "rds-public-access",
	Title:    "Makes RDS instances private that have become publicly accessible",
	Severity: remedy.Critical,
	Triggers: []remedy.Trigger{{Source: "aws.rds", Names: []string{
		"CreateDBInstance",
		"CreateDBInstanceReadReplica",
		"ModifyDBInstance",
		"RestoreDBInstanceFromDBSnapshot",
		"RestoreDBInstanceFromS3",
		"RestoreDBInstanceToPointInTime",
	}}},
	Actions: []string{"rds:DescribeDBInstances", "rds:ModifyDBInstance"},
	Params:  Params{},
	Doc: remedy.Doc{
		Bad: "An instance that is publicly accessible breaks the policy, unless allowed_instances names it: outside its VPC its name leads to a public address. " +
			"It does so whatever its security groups let through today, and whether the call asked for it or RDS chose it for the instance's subnets.",
		Repair: "ModifyDBInstance with PubliclyAccessible=false makes the instance private. RDS applies this one setting at once, so ApplyImmediately is not sent: " +
			"other changes that wait for the maintenance window go on waiting. There is one private state, so a baseline makes no difference.",
		Keeps: "The instance's data, class, subnets, security groups and pending changes, and whoever connects to it from inside its VPC. It is not restarted.",
		Limits: []string{
			"Connections from outside of the VPC break, and the instance's name takes a while to lead to its private address everywhere.",
			"RDS refuses the change while an instance is being made, is busy or is stopped. The event is tried again; when the retries are used up before RDS is done, it is a dead letter, to be handed in again.",
			"Instances of Aurora, Neptune and DocumentDB are made and modified by the same calls, and are looked at in the same way.",
			"Multi-AZ DB clusters and shard groups of Aurora Limitless are public or private from their creation on: RDS has no call that changes it, so they are not looked at.",
			"An instance that a blue/green deployment or AWS itself makes is looked at when it is next modified.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html#USER_VPC.Hiding",
			"https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html",
			"https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// Params are the function's parameters.
type Params struct {
	AllowedInstances []string `json:"allowed_instances" jsonschema:"Names of instances that may be publicly accessible; * stands for any characters, ? for one, [a-z] for one of a range. Whoever can make or rename an instance can give it such a name."`
}

// Validate reports the first pattern that can't be used.
func (p Params) Validate() error {
	return pattern.Check("allowed_instances", p.AllowedInstances)
}

// allows reports whether the instance may be public.
func (p Params) allows(t Target) bool {
	return pattern.Any(p.AllowedInstances, t.Instance)
}

// Target is one instance.
type Target struct {
	Instance string `json:"instance"`
	Account  string `json:"account"`
	Region   string `json:"region"`
}

// Ref names the instance by its ARN.
func (t Target) Ref() remedy.Ref {
	return remedy.Ref{
		Type:    "AWS::RDS::DBInstance",
		ID:      cloudtrail.ARN(t.Region, "rds", t.Region, t.Account, "db:"+t.Instance),
		Account: t.Account,
		Region:  t.Region,
	}
}

// request holds the names that the calls give to the instance they are about.
type request struct {
	Instance string `json:"dBInstanceIdentifier"`
	Restored string `json:"targetDBInstanceIdentifier"` // of RestoreDBInstanceToPointInTime
	Renamed  string `json:"newDBInstanceIdentifier"`    // of ModifyDBInstance
}

// identifier is what an instance's name looks like.
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
var identifier = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// decode gives an instance that the call renames under both names: nobody knows
// which of them it has by now, and the other one is merely gone.
func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[request, struct{}](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	if ev.Account == "" || ev.Region == "" {
		return nil, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	}
	var targets []Target
	for _, name := range []string{rec.Request.Instance, rec.Request.Restored, rec.Request.Renamed} {
		t := Target{strings.ToLower(name), ev.Account, ev.Region} // as RDS keeps it, whatever the caller wrote
		switch {
		case name == "" || slices.Contains(targets, t):
			continue
		case !identifier.MatchString(t.Instance):
			return nil, fmt.Errorf("the event's instance %q is no name that an instance can have", name)
		}
		targets = append(targets, t)
	}
	if targets == nil {
		return nil, errors.New("the event names no instance: its identifier is missing in requestParameters")
	}
	return targets, nil
}
