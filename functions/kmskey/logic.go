package kmskey

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is whether a key can be used. All but KeyState is only read.
type State struct {
	KeyState string            `json:"key_state"`             // KMS's word for it
	Window   int               `json:"window_days,omitempty"` // the waiting period of a key that is to be deleted
	ByAWS    bool              `json:"by_aws,omitempty"`      // AWS manages it
	Tags     map[string]string `json:"tags,omitempty"`
}

// ResourceTags gives the key's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

// The states that this function tells apart.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
const (
	enabled         = "Enabled"
	disabled        = "Disabled"
	pending         = "PendingDeletion"
	pendingReplicas = "PendingReplicaDeletion" // a multi-Region key that goes when its replicas are gone
)

// doomed reports whether the key is to be deleted.
func (s State) doomed() bool { return s.KeyState == pending || s.KeyState == pendingReplicas }

func check(t Target, s State, p Params) []remedy.Violation {
	switch {
	case s.ByAWS || !p.protect(s.Tags):
		return nil
	case s.doomed():
		return []remedy.Violation{{
			Rule:    "key-deletion",
			Message: fmt.Sprintf("Key %s is to be deleted, after which nothing that it encrypted can be read.", t.KeyID),
		}}
	case s.KeyState == disabled:
		return []remedy.Violation{{
			Rule:    "key-disabled",
			Message: fmt.Sprintf("Key %s is disabled: nothing that it encrypted can be read.", t.KeyID),
		}}
	}
	return nil
}

// repair enables. The baseline does not matter: a protected key is enabled.
func repair(t Target, live State, _ remedy.Baseline[State], p Params) State {
	if len(check(t, live, p)) > 0 {
		live.KeyState, live.Window = enabled, 0
	}
	return live
}

// The calls that change a key.
const (
	cancelDeletion   = "CancelKeyDeletion" // leaves the key disabled
	enable           = "EnableKey"
	disable          = "DisableKey"
	scheduleDeletion = "ScheduleKeyDeletion"
)

// diff cancels a deletion before all else: a key that is to be deleted can be
// neither enabled nor disabled. What waits for its deletion is one state,
// however long it waits. No call leads to other states than these.
func diff(t Target, from, to State) []Change {
	var out []Change
	call := func(name string, window int) { out = append(out, Change{t.KeyID, name, window}) }
	if to.doomed() {
		if !from.doomed() {
			call(scheduleDeletion, to.Window)
		}
		return out
	}
	if from.doomed() && (to.KeyState == enabled || to.KeyState == disabled) {
		call(cancelDeletion, 0)
		from.KeyState = disabled
	}
	switch {
	case from.KeyState == to.KeyState:
	case to.KeyState == enabled:
		call(enable, 0)
	case to.KeyState == disabled:
		call(disable, 0)
	}
	return out
}

// Change is one call about a key.
type Change struct {
	KeyID  string
	API    string
	Window int // of ScheduleKeyDeletion: the waiting period, in days
}

// Call gives kms:CancelKeyDeletion and the like.
func (c Change) Call() remedy.Call {
	params := map[string]any{"KeyId": c.KeyID}
	if c.API == scheduleDeletion {
		params["PendingWindowInDays"] = c.Window
	}
	return remedy.Call{API: "kms:" + c.API, Params: params}
}
