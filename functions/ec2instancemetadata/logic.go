package ec2instancemetadata

import (
	"github.com/ebb-ops/ebb/pkg/imds"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is which versions of the metadata service answer on an instance.
type State struct {
	imds.Options
	Tags map[string]string `json:"tags,omitempty"` // only read
}

// ResourceTags gives the instance's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

func check(t Target, s State, _ struct{}) []remedy.Violation { return s.Check(t.InstanceID) }

// repair needs no baseline: with tokens required there is only one good state.
func repair(_ Target, live State, _ remedy.Baseline[State], _ struct{}) State {
	live.Options = live.Repaired()
	return live
}

func diff(t Target, from, to State) []Change {
	return imds.Diff(t.InstanceID, from.Options, to.Options)
}
