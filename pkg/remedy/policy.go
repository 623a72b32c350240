package remedy

import (
	"fmt"
	"strings"
	"time"
)

// Mode is how far a function goes.
type Mode string

// The modes.
const (
	Off     Mode = "off"     // events are ignored
	Observe Mode = "observe" // the calls it would make are recorded
	Enforce Mode = "enforce" // the calls are made
)

// Policy decides what holds for a resource. An implementation is immutable
// once loaded and safe for concurrent use; it makes no calls.
type Policy interface {
	// Decide gives what holds when the function handles an event about r.
	Decide(function string, r Ref) Decision
	// Exempt gives the exemption that covers q, or nil.
	Exempt(q ExemptionQuery) *Exemption
}

// Decision is what the policy says for one function and resource.
type Decision struct {
	Mode     Mode
	Scope    string        // the scope that decided, in the policy's own words; empty for the function's default
	Params   any           // of the type of the function's Params
	Blast    Cap           // reverts by this function in this account
	Fight    Cap           // reverts of this resource
	UndoHold time.Duration // how long an undone resource is left alone
}

// Cap limits how many reverts happen in a sliding window. A zero Limit means none is set.
type Cap struct {
	Limit  int           `json:"limit"`
	Window time.Duration `json:"window"`
}

// The largest caps: what a ledger can count exactly.
const (
	MaxCapWindow  = 31 * 24 * time.Hour // reverts older than this are forgotten
	MaxBlastLimit = 1000
	MaxFightLimit = 100
)

// CapReached says which cap stopped a revert. It is also the error that
// [Ledger.Intend] returns.
type CapReached struct {
	Kind   string        `json:"kind"` // "blast" or "fight"
	Limit  int           `json:"limit"`
	Window time.Duration `json:"window"` // nanoseconds
	Count  int           `json:"count"`  // reverts in the window before this one
	Recent []Revert      `json:"recent"` // the latest of them, newest first, at most [RecentReverts]
}

// RecentReverts is how many reverts a [CapReached] names at most.
const RecentReverts = 5

// Revert is an earlier revert, as the caps remember it.
type Revert struct {
	At       time.Time `json:"at"`
	Record   string    `json:"record"`
	Function string    `json:"function"`
	Resource string    `json:"resource"` // [Ref.ID]
	Actor    Actor     `json:"actor"`    // who made the change that was reverted
}

// Error says which cap was reached and with which figures.
func (c *CapReached) Error() string {
	return fmt.Sprintf("%s cap reached: %d reverts in the last %s, and at most %d are allowed", c.Kind, c.Count, period(c.Window), c.Limit)
}

// ExemptionQuery is what an exemption is matched against.
type ExemptionQuery struct {
	Function string
	Resource Ref
	Tags     map[string]string // read from the live resource
	Actor    Actor
	Now      time.Time
}

// Exemption is a written exception from the policy.
type Exemption struct {
	ID       string    `json:"id"` // what the policy file calls it, or the undo's record
	Reason   string    `json:"reason"`
	Owner    string    `json:"owner"`
	Expires  time.Time `json:"expires"`
	Function string    `json:"function,omitempty"` // the patterns below are empty where the exemption does not narrow
	Resource string    `json:"resource,omitempty"`
	Account  string    `json:"account,omitempty"`
	Tag      string    `json:"tag,omitempty"` // "key" or "key=value"
	Actor    string    `json:"actor,omitempty"`
}

// sentence says in a record why an exemption applied.
func (x Exemption) sentence() string {
	return fmt.Sprintf("Exemption %s covers it until %s: %s (owner %s).",
		x.ID, x.Expires.UTC().Format(time.RFC3339), strings.TrimSuffix(x.Reason, "."), x.Owner)
}
