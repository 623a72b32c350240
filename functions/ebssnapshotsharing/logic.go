package ebssnapshotsharing

import (
	"fmt"
	"slices"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/sharing"
)

// State is who may make volumes from a snapshot.
type State struct {
	Public   bool              `json:"public"`          // every AWS account may
	Accounts []string          `json:"accounts"`        // these accounts may; sorted
	Owner    string            `json:"owner,omitempty"` // the account that holds the snapshot; only read
	Tags     map[string]string `json:"tags,omitempty"`  // only read
}

// ResourceTags gives the snapshot's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

// foreign reports whether an account must not share the snapshot.
func foreign(t Target, s State, p Params, account string) bool {
	return len(p.AllowedAccounts) > 0 && account != s.Owner && account != t.Account &&
		!slices.Contains(p.AllowedAccounts, account)
}

func check(t Target, s State, p Params) []remedy.Violation {
	var out []remedy.Violation
	if s.Public {
		out = append(out, remedy.Violation{
			Rule: "public", Part: "all",
			Message: fmt.Sprintf("Snapshot %s is shared with every AWS account.", t.SnapshotID),
		})
	}
	for _, a := range s.Accounts {
		if foreign(t, s, p, a) {
			out = append(out, remedy.Violation{
				Rule: "foreign-account", Part: a,
				Message: fmt.Sprintf("Snapshot %s is shared with account %s, which is not an allowed one.", t.SnapshotID, a),
			})
		}
	}
	return out
}

// repair takes the offending entries out. The baseline does not matter: what
// else was shared since is allowed.
func repair(t Target, live State, _ remedy.Baseline[State], p Params) State {
	out := live
	out.Public = false
	out.Accounts = slices.DeleteFunc(slices.Clone(live.Accounts), func(a string) bool { return foreign(t, live, p, a) })
	return out
}

// maxModifications is how many entries one call may add or remove.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySnapshotAttribute.html
const maxModifications = 500

// diff removes first: that is what ends the exposure.
func diff(t Target, from, to State) []Change {
	var out []Change
	everybody := func(op string, before, after bool) {
		if before && !after {
			out = append(out, Change{Snapshot: t.SnapshotID, Operation: op, Groups: []string{"all"}})
		}
	}
	accounts := func(op string, before, after []string) {
		for part := range sharing.Lacking(before, after, maxModifications) {
			out = append(out, Change{Snapshot: t.SnapshotID, Operation: op, Accounts: part})
		}
	}
	everybody(remove, from.Public, to.Public)
	accounts(remove, from.Accounts, to.Accounts)
	accounts(add, to.Accounts, from.Accounts)
	everybody(add, to.Public, from.Public)
	return out
}

// What a change does to the entries it names.
const (
	add    = "add"
	remove = "remove"
)

// Change adds or removes create-volume permissions, of everybody or of
// accounts: a call takes one kind.
type Change struct {
	Snapshot  string
	Operation string // add or remove
	Groups    []string
	Accounts  []string
}

// Call gives ec2:ModifySnapshotAttribute.
func (c Change) Call() remedy.Call {
	params := map[string]any{
		"SnapshotId": c.Snapshot, "Attribute": "createVolumePermission", "OperationType": c.Operation,
	}
	if len(c.Groups) > 0 {
		params["GroupNames"] = c.Groups
	} else {
		params["UserIds"] = c.Accounts
	}
	return remedy.Call{API: "ec2:ModifySnapshotAttribute", Params: params}
}
