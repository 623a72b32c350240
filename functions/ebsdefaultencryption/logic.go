package ebsdefaultencryption

import (
	"fmt"
	"slices"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is whether, and with which key, EBS encrypts what is made.
type State struct {
	Enabled bool   `json:"enabled"`
	Key     string `json:"key"` // the key's ARN, or the alias of the one that AWS manages
}

// managedKey is how EC2 names the key that EBS has by default.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ResetEbsDefaultKmsKeyId.html
const managedKey = "alias/aws/ebs"

func check(t Target, s State, p Params) []remedy.Violation {
	var out []remedy.Violation
	if !s.Enabled {
		out = append(out, remedy.Violation{
			Rule:    "encryption-off",
			Message: fmt.Sprintf("New EBS volumes of account %s in %s are not encrypted by default.", t.Account, t.Region),
		})
	}
	if !keyAllowed(t, s.Key, p) {
		out = append(out, remedy.Violation{
			Rule: "foreign-key", Part: s.Key,
			Message: fmt.Sprintf("EBS in %s encrypts with %s by default, which is not one of the keys that account %s may use.", t.Region, s.Key, t.Account),
		})
	}
	return out
}

func keyAllowed(t Target, key string, p Params) bool {
	keys := p.of(t.Region)
	return len(keys) == 0 || slices.Contains(keys, key)
}

// repair turns encryption on. Of the key it changes only one that is not
// allowed: another key may have been chosen since the baseline.
func repair(t Target, live State, base remedy.Baseline[State], p Params) State {
	live.Enabled = true
	switch {
	case keyAllowed(t, live.Key, p):
	case base.Known && keyAllowed(t, base.State.Key, p):
		live.Key = base.State.Key
	default:
		live.Key = p.of(t.Region)[0]
	}
	return live
}

// The calls that a change can be.
const (
	enable    = "EnableEbsEncryptionByDefault"
	disable   = "DisableEbsEncryptionByDefault"
	modifyKey = "ModifyEbsDefaultKmsKeyId"
	resetKey  = "ResetEbsDefaultKmsKeyId"
)

// Change is one call.
type Change struct {
	API string
	Key string // of ModifyEbsDefaultKmsKeyId
}

// Call gives the call as a person would write it.
func (c Change) Call() remedy.Call {
	params := map[string]any{}
	if c.API == modifyKey {
		params["KmsKeyId"] = c.Key
	}
	return remedy.Call{API: "ec2:" + c.API, Params: params}
}

// diff turns encryption on before anything else.
func diff(_ Target, from, to State) []Change {
	var out []Change
	if !from.Enabled && to.Enabled {
		out = append(out, Change{API: enable})
	}
	switch {
	case from.Key == to.Key:
	case to.Key == managedKey:
		out = append(out, Change{API: resetKey})
	default:
		out = append(out, Change{API: modifyKey, Key: to.Key})
	}
	if from.Enabled && !to.Enabled {
		out = append(out, Change{API: disable})
	}
	return out
}
