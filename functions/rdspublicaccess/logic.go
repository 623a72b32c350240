package rdspublicaccess

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is whether an instance is publicly accessible, and its tags.
type State struct {
	Public bool              `json:"public"`
	Tags   map[string]string `json:"tags,omitempty"` // only read
}

// ResourceTags gives the instance's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

func check(t Target, s State, p Params) []remedy.Violation {
	if !s.Public || p.allows(t) {
		return nil
	}
	return []remedy.Violation{{
		Rule:    "public",
		Message: fmt.Sprintf("Database instance %s is publicly accessible: outside its VPC its name leads to a public address.", t.Instance),
	}}
}

// repair makes the instance private. The baseline does not matter: there is one
// private state.
func repair(t Target, live State, _ remedy.Baseline[State], p Params) State {
	live.Public = live.Public && p.allows(t)
	return live
}

// Change makes an instance public or private, and nothing else: without
// ApplyImmediately, changes that are pending stay so.
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
type Change struct {
	Instance string `json:"DBInstanceIdentifier"`
	Public   bool   `json:"PubliclyAccessible"`
}

// Call gives the change as the API call that makes it.
func (c Change) Call() remedy.Call {
	return remedy.Call{API: "rds:ModifyDBInstance", Params: c}
}

func diff(t Target, from, to State) []Change {
	if from.Public == to.Public {
		return nil
	}
	return []Change{{t.Instance, to.Public}}
}
