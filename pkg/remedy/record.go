package remedy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"
)

// Outcome is how handling one event for one resource ended.
type Outcome string

// The outcomes. Compliant, duplicate, gone and ignored are told to the caller
// and not kept: a no-op writes nothing.
const (
	Pending   Outcome = "pending"   // the intent is recorded, the work is not finished
	Compliant Outcome = "compliant" // the live state breaks nothing
	Observed  Outcome = "observed"  // the calls it would make are recorded, none was made
	Reverted  Outcome = "reverted"  // put back, and verified by reading again
	Held      Outcome = "held"      // a cap was reached: nothing was changed, a person decides
	Exempt    Outcome = "exempt"    // an exemption covers it
	Ignored   Outcome = "ignored"   // Ebb's own change, or the function is off here
	Gone      Outcome = "gone"      // the resource no longer exists
	Duplicate Outcome = "duplicate" // this event was handled already
	Failed    Outcome = "failed"    // it could not be put back; the record says why
	Undone    Outcome = "undone"    // a remediation was undone: the before-image is back
)

// Record is what Ebb did about one event and one resource, and why.
type Record struct {
	ID         string            `json:"id"`
	Function   string            `json:"function"`
	Severity   Severity          `json:"severity,omitempty"`
	Mode       Mode              `json:"mode,omitempty"`
	Outcome    Outcome           `json:"outcome"`
	Reason     string            `json:"reason"` // one sentence a person can read
	Event      EventRef          `json:"event"`
	Resource   Ref               `json:"resource"`
	Target     json.RawMessage   `json:"target,omitempty"` // the function's own name for the resource
	Tags       map[string]string `json:"tags,omitempty"`   // the resource's, as read before the first call; nil where the function reads none
	Violations []Violation       `json:"violations,omitempty"`
	Changes    []AppliedCall     `json:"changes,omitempty"` // the calls made; for observed, those it would make
	Before     json.RawMessage   `json:"before,omitempty"`  // the state before the first call
	After      json.RawMessage   `json:"after,omitempty"`   // the state as read after the last call
	Exemption  *Exemption        `json:"exemption,omitempty"`
	Cap        *CapReached       `json:"cap,omitempty"`
	Attempt    int               `json:"attempt,omitempty"`   // from 1; more when an earlier attempt was interrupted or failed
	Undoes     string            `json:"undoes,omitempty"`    // the record that this one undid
	UndoneBy   string            `json:"undone_by,omitempty"` // the record that undid this one
	Error      string            `json:"error,omitempty"`
	TraceID    string            `json:"trace_id,omitempty"` // of the attempt, whether it was sampled or not
	SpanID     string            `json:"span_id,omitempty"`  // of its span, within that trace
	Times      Times             `json:"times"`
}

// Kept reports whether the ledger keeps the record: all but the no-ops.
func (r Record) Kept() bool {
	switch r.Outcome {
	case Compliant, Ignored, Gone, Duplicate:
		return false
	}
	return true
}

// Undoable reports whether an undo of the record can be tried: it made a change
// that was not undone, and the states around it are known.
func (r Record) Undoable() bool {
	return r.Attempt > 0 && len(r.Before) > 0 && len(r.After) > 0 && len(r.Changes) > 0 &&
		r.UndoneBy == "" && r.Outcome != Undone && r.Outcome != Pending
}

// EventRef is the part of an [Event] that a record keeps.
type EventRef struct {
	ID      string    `json:"id"`
	Source  string    `json:"source"`
	Name    string    `json:"name"`
	Account string    `json:"account,omitempty"`
	Actor   Actor     `json:"actor"`
	Time    time.Time `json:"time,omitzero"`
}

// AppliedCall is a call with what became of it.
type AppliedCall struct {
	Call
	At    time.Time `json:"at,omitzero"`     // when it returned without an error; zero if it never did
	Error string    `json:"error,omitempty"` // what it returned otherwise
}

// RecordID gives the id of the record for an event, a function and a resource.
// It is the same for every copy of the event. take counts from 0; a later take
// stands for the same event after its earlier record was closed.
func RecordID(function string, r Ref, eventID string, take int) string {
	h := sha256.New()
	for _, s := range []string{function, r.Key(), eventID, strconv.Itoa(take)} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:10])
}
