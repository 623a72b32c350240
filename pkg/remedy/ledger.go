package remedy

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Ledger keeps records, baselines, leases and caps. Implementations are safe
// for concurrent use, also by several processes on one store, and must pass
// ledgertest.Run.
type Ledger interface {
	// Look gives what is known of a resource before it is judged, by strongly
	// consistent reads. It never fails because something is not there.
	Look(ctx context.Context, function string, r Ref, recordID string) (Known, error)

	// Intend claims the resource in one transaction: it writes in.Record (whose
	// outcome is [Pending] and which holds the before-image), takes the lease,
	// and counts a revert against both caps. It fails, changing nothing, with
	//   - [ErrStale] when the resource's or the record's entry is no longer as
	//     in.Known has it: look again;
	//   - [ErrBusy] when another holder's lease has not expired at in.Now;
	//   - a [*CapReached].
	// An expired lease is taken over. Counting the same record twice, for a
	// resumed attempt, counts once.
	Intend(ctx context.Context, in Intent) error

	// Finish writes the record in its final form and gives the lease back, in
	// one transaction. It fails with [ErrLeaseLost], changing nothing, when the
	// lease is no longer held by f.Record.ID and f.Owner: a successor has taken
	// over. A successor closes an interrupted record with its owner's name.
	Finish(ctx context.Context, f Finish) error

	// SaveRecord writes a record that needs no lease, over an earlier form of
	// it. It fails with [ErrStale], changing nothing, when that form is Pending,
	// Reverted or Undone: those are the lease holder's to write.
	SaveRecord(ctx context.Context, rec Record) error

	// SaveBaseline keeps a compliant state, unless a later one is kept already.
	SaveBaseline(ctx context.Context, function string, r Ref, state StoredState) error

	// Record gives the record with that id, or [ErrNoRecord].
	Record(ctx context.Context, id string) (Record, error)

	// Records gives a page of records, newest first by Times.Received, then ID.
	// next continues after the page; it is empty at the end. A q.After that is
	// no page's next fails with [ErrBadCursor].
	Records(ctx context.Context, q Query) (page []Record, next string, err error)

	// SaveDeadLetter keeps a dead letter, over an earlier one with its ID.
	SaveDeadLetter(ctx context.Context, d DeadLetter) error
	// DeadLetters lists them, newest first, without their payloads.
	DeadLetters(ctx context.Context) ([]DeadLetter, error)
	// DeadLetter gives one, or [ErrNoDeadLetter].
	DeadLetter(ctx context.Context, id string) (DeadLetter, error)
	// RemoveDeadLetter removes one. Removing what is not there is no error.
	RemoveDeadLetter(ctx context.Context, id string) error
}

// What ledgers answer.
var (
	ErrStale        = errors.New("the ledger's entry has changed since it was read")
	ErrBusy         = errors.New("another remediation holds the lease on this resource")
	ErrLeaseLost    = errors.New("the lease on this resource was lost to a successor")
	ErrNoRecord     = errors.New("there is no such record")
	ErrNoDeadLetter = errors.New("there is no such dead letter")
	ErrBadCursor    = errors.New("this is not the next of a page")
)

// Known is what the ledger knows of a resource.
type Known struct {
	Version  int64        // of the resource's entry; every Intend and Finish raises it; 0 when there is none
	Lease    *Lease       // who holds the resource, expired or not; nil when nobody does
	Released time.Time    // when a lease was last given back
	Last     string       // the record that last changed the resource; empty when none did
	Hold     *Hold        // set by an undo, for the function asked about; nil when there is none, expired or not
	Baseline *StoredState // of the function asked about; nil when not known
	Record   *Record      // the record asked about; nil when there is none
}

// Lease says who works on a resource until when.
type Lease struct {
	Record  string    // the record that was intended
	Owner   string    // the process and attempt that intended it
	Expires time.Time // after which a successor may take over
}

// Hold keeps a function off a resource after an undo.
type Hold struct {
	Record string    `json:"record"` // the undo
	Actor  string    `json:"actor"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
}

// StoredState is a state in its JSON form.
type StoredState struct {
	State json.RawMessage
	At    time.Time // when it was read
	Event string    // the id of the event that led to the read
}

// Intent is what [Ledger.Intend] commits.
type Intent struct {
	Record Record
	Known  Known // as Look gave it
	Lease  Lease
	Now    time.Time
	Blast  Cap // per function and account; not counted when zero
	Fight  Cap // per resource; not counted when zero
}

// Finish is what [Ledger.Finish] commits.
type Finish struct {
	Record   Record
	Owner    string // of the lease
	Now      time.Time
	Changed  bool         // a call was made: the record becomes Known.Last
	Baseline *StoredState // kept with it, when set
	Hold     *Hold        // set for the record's function, when set
	Undone   string       // a record whose UndoneBy becomes this one, when set
}

// Query selects records. Zero fields select everything.
type Query struct {
	Outcome  Outcome
	Function string
	Since    time.Time // Times.Received at or after it
	Until    time.Time // Times.Received before it
	Limit    int       // records a page; 0 means [DefaultPage], at most [MaxPage]
	After    string    // the next of an earlier page
}

// Page sizes of [Ledger.Records].
const (
	DefaultPage = 100
	MaxPage     = 1000
)

// DeadLetter is an event that failed for good.
type DeadLetter struct {
	ID       string            `json:"id"`
	Function string            `json:"function,omitempty"` // empty when it could not be told for which
	Source   string            `json:"source,omitempty"`
	Event    string            `json:"event,omitempty"` // the event's id, when it could be read
	Reason   string            `json:"reason"`
	Attempts int               `json:"attempts"`
	At       time.Time         `json:"at"`
	Carrier  map[string]string `json:"carrier,omitempty"` // trace headers it came with
	Payload  []byte            `json:"payload,omitempty"` // as received, or as the inbox kept it
}
