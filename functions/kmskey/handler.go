// Package kmskey keeps KMS keys enabled: it cancels their deletion and enables
// them again.
package kmskey

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/ebb-ops/ebb/pkg/cloudtrail"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Function cancels the deletion of protected keys, and enables those that are
// disabled: whatever they encrypted can be read again.
var Function = remedy.Function{
	Name:     "kms-key",
	Title:    "Cancels the deletion of KMS keys and enables them again",
	Severity: remedy.Critical,
	Triggers: []remedy.Trigger{{Source: "aws.kms", Names: []string{"DisableKey", "ScheduleKeyDeletion"}}},
	Actions: []string{
		"kms:CancelKeyDeletion",
		"kms:DescribeKey",
		"kms:DisableKey",
		"kms:EnableKey",
		"kms:ListResourceTags",
		"kms:ScheduleKeyDeletion",
	},
	Params: Params{},
	Doc: remedy.Doc{
		Bad: "A protected key is disabled, or its deletion is scheduled, also that of a multi-Region key which waits for its replicas to go. " +
			"All keys of the customer's own are protected, unless protected_tags says which are.",
		Repair: "A scheduled deletion is cancelled. That leaves a key disabled, so it is enabled afterwards, in this order. A baseline makes no difference: a protected key is enabled.",
		Keeps: "Keys that AWS manages, which nobody else can disable, and everything else of a key: its policy, aliases, grants, rotation and replicas. " +
			"A key whose material is missing (PendingImport) or whose key store is disconnected (Unavailable) is left as it is.",
		Limits: []string{
			"A key's own policy must let the account's IAM policies allow access to it, as the default one does. Of other keys the function can't even say that they exist.",
			"A key that was disabled before its deletion was scheduled is enabled too, since KMS does not say what it was. Name keys that are to stay disabled in an exemption, or leave them out of protected_tags.",
			"A deletion whose waiting period of 7 to 30 days is over can't be undone by anybody.",
			"A key with imported material that has expired becomes PendingImport when its deletion is cancelled, and can't be enabled before the material is imported again: the error says so.",
			"An undo schedules the deletion anew, with the waiting period that was chosen: the deletion comes later than it would have.",
			"Replicas of a multi-Region key are keys of their own: the deletion of each has its own event, in its own region.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/kms/latest/APIReference/API_CancelKeyDeletion.html",
			"https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html",
			"https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html",
			"https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html",
		},
	},
	New: open,
}

var rules = remedy.Rule[Target, State, Change, Params]{
	Decode: decode, Check: check, Repair: repair, Diff: diff,
}

// Params is what a policy may set.
type Params struct {
	ProtectedTags []string `json:"protected_tags" jsonschema:"Tags of the keys that are protected: a key alone, such as backup, or a key and its value, such as stage=prod. One of them is enough. When the list is empty, all keys of the customer's own are protected."`
}

// Validate reports the first parameter that makes no sense.
func (p Params) Validate() error {
	for i, tag := range p.ProtectedTags {
		if key, _, _ := strings.Cut(tag, "="); key == "" {
			return fmt.Errorf("protected_tags[%d]: %q is no tag such as backup or stage=prod", i, tag)
		}
	}
	return nil
}

// protect reports whether a key with these tags is protected.
func (p Params) protect(tags map[string]string) bool {
	for _, tag := range p.ProtectedTags {
		key, value, exact := strings.Cut(tag, "=")
		if got, ok := tags[key]; ok && (!exact || got == value) {
			return true
		}
	}
	return len(p.ProtectedTags) == 0
}

// Target is one key.
type Target struct {
	KeyID   string `json:"key_id"`
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Ref names the key by its ARN.
func (t Target) Ref() remedy.Ref {
	return remedy.Ref{
		Type:    "AWS::KMS::Key",
		ID:      cloudtrail.ARN(t.Region, "kms", t.Region, t.Account, "key/"+t.KeyID),
		Account: t.Account,
		Region:  t.Region,
	}
}

// keyID is a key's id, a multi-Region key's too, in an ARN or by itself. The
// calls that disable or delete take no alias, and no key of another account.
// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id-key-id
var keyID = regexp.MustCompile(`^(?:arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/)?([a-zA-Z0-9-]{1,64})$`)

type request struct {
	KeyID string `json:"keyId"`
}

func decode(ev remedy.Event) ([]Target, error) {
	rec, err := cloudtrail.Decode[request, struct{}](ev)
	if err != nil || rec.Failed() {
		return nil, err
	}
	m := keyID.FindStringSubmatch(rec.Request.KeyID)
	switch {
	case rec.Request.KeyID == "":
		return nil, errors.New("the event names no key: requestParameters.keyId is missing")
	case m == nil:
		return nil, fmt.Errorf("the event's requestParameters.keyId %q is neither a key's id nor its ARN", rec.Request.KeyID)
	case ev.Account == "" || ev.Region == "":
		return nil, fmt.Errorf("the event names account %q and region %q, and both are needed", ev.Account, ev.Region)
	}
	return []Target{{m[1], ev.Account, ev.Region}}, nil
}
