package iamaccesskey

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ebb-ops/ebb/pkg/pattern"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is an access key and the user it belongs to. All but Status is only read.
type State struct {
	Status  string            `json:"status"`           // "Active", "Inactive" or "Expired"
	Created time.Time         `json:"created,omitzero"` // when the key was made; not known of a root key
	UserARN string            `json:"user_arn"`         // with the user's path
	Tags    map[string]string `json:"tags,omitempty"`   // the user's
}

// ResourceTags gives the user's tags: a key has none.
func (s State) ResourceTags() map[string]string { return s.Tags }

// The statuses that a key can be given.
const (
	active   = "Active"
	inactive = "Inactive"
)

func check(t Target, s State, p Params) []remedy.Violation {
	switch {
	case s.Status != active:
		return nil
	case t.User == "":
		return []remedy.Violation{{
			Rule: "root-access-key", Part: t.KeyID,
			Message: fmt.Sprintf("The root user of account %s has an access key (%s, by the event), which no role can deactivate: sign in as root and delete it, or use centralized root access (sts:AssumeRoot with IAMDeleteRootUserCredentials).", t.Account, t.KeyID),
		}}
	case matches(p.ForbiddenUsers, t.User) && !matches(p.AllowedUsers, t.User):
		return []remedy.Violation{{
			Rule: "forbidden-user", Part: t.KeyID,
			Message: fmt.Sprintf("User %s must have no active access key, and has %s.", t.User, t.KeyID),
		}}
	}
	return nil
}

func matches(patterns []string, user string) bool {
	user = strings.ToLower(user) // IAM's names have no case
	return slices.ContainsFunc(patterns, func(p string) bool { return pattern.Match(strings.ToLower(p), user) })
}

// repair deactivates. A root key stays as it is, since nothing that this
// function may call changes it; the engine then says that there is no repair.
func repair(t Target, live State, _ remedy.Baseline[State], p Params) State {
	if t.User != "" && len(check(t, live, p)) > 0 {
		live.Status = inactive
	}
	return live
}

func diff(t Target, from, to State) []Change {
	if from.Status == to.Status {
		return nil
	}
	return []Change{{User: t.User, KeyID: t.KeyID, Status: to.Status}}
}

// Change gives a key another status.
type Change struct {
	User, KeyID, Status string
}

// Call gives iam:UpdateAccessKey.
func (c Change) Call() remedy.Call {
	return remedy.Call{API: "iam:UpdateAccessKey", Params: map[string]any{
		"UserName": c.User, "AccessKeyId": c.KeyID, "Status": c.Status,
	}}
}
