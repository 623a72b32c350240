package rdssnapshotsharing

import (
	"fmt"
	"slices"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is who may restore a snapshot.
type State struct {
	Shared []string          `json:"shared"`         // account ids, and "all" for every account; sorted
	Tags   map[string]string `json:"tags,omitempty"` // only read
}

// ResourceTags gives the snapshot's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

// everybody is what RDS calls every AWS account.
const everybody = "all"

func check(t Target, s State, p Params) []remedy.Violation {
	var out []remedy.Violation
	for _, a := range s.Shared {
		switch {
		case a == everybody:
			out = append(out, remedy.Violation{
				Rule: "public", Part: a,
				Message: fmt.Sprintf("Snapshot %s is shared with every AWS account.", t.Snapshot),
			})
		case foreign(t, p, a):
			out = append(out, remedy.Violation{
				Rule: "foreign-account", Part: a,
				Message: fmt.Sprintf("Snapshot %s is shared with account %s, which is not an allowed one.", t.Snapshot, a),
			})
		}
	}
	return out
}

// foreign reports whether an account must not restore the snapshot.
func foreign(t Target, p Params, account string) bool {
	return len(p.AllowedAccounts) > 0 && account != t.Account && !slices.Contains(p.AllowedAccounts, account)
}

// repair takes the offending entries out. The baseline does not matter: what
// else was shared since is allowed.
func repair(t Target, live State, _ remedy.Baseline[State], p Params) State {
	live.Shared = slices.DeleteFunc(slices.Clone(live.Shared), func(a string) bool { return a == everybody || foreign(t, p, a) })
	return live
}

// Change adds and removes entries, in one call.
type Change struct {
	Target      Target
	Add, Remove []string
}

// Call gives the change as the API call that makes it.
func (c Change) Call() remedy.Call {
	in := call{Attribute: restore, Add: c.Add, Remove: c.Remove}
	if c.Target.Cluster {
		in.ClusterSnapshot = c.Target.Snapshot
		return remedy.Call{API: "rds:ModifyDBClusterSnapshotAttribute", Params: in}
	}
	in.Snapshot = c.Target.Snapshot
	return remedy.Call{API: "rds:ModifyDBSnapshotAttribute", Params: in}
}

// restore is the attribute that holds who may.
const restore = "restore"

type call struct {
	Snapshot        string   `json:"DBSnapshotIdentifier,omitempty"`
	ClusterSnapshot string   `json:"DBClusterSnapshotIdentifier,omitempty"`
	Attribute       string   `json:"AttributeName"`
	Add             []string `json:"ValuesToAdd,omitempty"`
	Remove          []string `json:"ValuesToRemove,omitempty"`
}

func diff(t Target, from, to State) []Change {
	c := Change{Target: t, Add: lacking(to.Shared, from.Shared), Remove: lacking(from.Shared, to.Shared)}
	if len(c.Add)+len(c.Remove) == 0 {
		return nil
	}
	return []Change{c}
}

// lacking gives the entries of list that other lacks.
func lacking(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}
