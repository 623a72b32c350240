package outbox

import (
	"context"
	"errors"
	"time"

	"github.com/ebb-ops/ebb/pkg/notify"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Store keeps an outbox durably. Package sqlite keeps one in a file, package
// dynamodb in a table; outboxtest holds both to this contract. Several
// processes may add at once. What waits for a channel is changed by the holder
// of the channel's lease alone.
type Store interface {
	// Add keeps entries, each unless its channel was told of the same in the last
	// [ToldFor]. It may be repeated: what it kept before an error it keeps once.
	Add(ctx context.Context, entries ...Entry) error
	// Channels gives the channels for which something waits.
	Channels(ctx context.Context) ([]string, error)
	// Pending counts what waits: messages, notices, and results that are in none.
	Pending(ctx context.Context) (int64, error)

	// Take takes the lease for its owner, or makes it longer; false while it is
	// somebody else's.
	Take(ctx context.Context, l Lease, now time.Time) (bool, error)
	// Release gives the lease back, if it is still the owner's.
	Release(ctx context.Context, l Lease) error

	// Next gives the message of a channel that waits longest, or nil.
	Next(ctx context.Context, channel string) (*Message, error)
	// Ready gives the notices that wait to be released, oldest first.
	Ready(ctx context.Context, channel string) ([]Message, error)
	// Waiting gives the results of these severities that are in no message,
	// oldest first, at most [MaxGathered].
	Waiting(ctx context.Context, channel string, of []remedy.Severity) ([]Result, error)
	// Made counts the messages of a channel that were made after since.
	Made(ctx context.Context, channel string, since time.Time) (int, error)
	// Thread gives what is known of a thread; the zero value for nothing.
	Thread(ctx context.Context, channel, key string) (Thread, error)
	// Commit makes a change as a whole: one that a process dies in is completed
	// by who comes next. Its error is [ErrLost] when the lease is somebody else's.
	Commit(ctx context.Context, l Lease, c Change) error
}

// ErrLost says that the lease was taken by somebody else meanwhile.
var ErrLost = errors.New("another process has taken over the channel")

// How long a store must know what is over.
const (
	ToldFor   = 7 * 24 * time.Hour // that a channel was told
	MadeFor   = notify.MaxPer      // that a message was made
	ThreadFor = 7 * 24 * time.Hour // a thread, after its last message; after that a resource gets a new one
)

// Open is the value of a thread that is an open incident. It is kept until the
// incident is resolved.
const Open = "open"

// Entry is a result or a message for a channel; one of Item and Notice is set.
type Entry struct {
	Channel     string
	ID, Outcome string // what it tells of
	At          time.Time
	Item        *notify.Item
	Notice      *notify.Notice
	Ready       bool // the notice waits until it is released; else it is a message at once, and counts as one that was made
}

// Lease is the right to make and send the messages of a channel.
type Lease struct {
	Channel, Owner string
	Until          time.Time
}

// Result is one that waits to be part of a message.
type Result struct {
	Key  string // the store's own
	At   time.Time
	Item notify.Item
}

// Message is one that waits to be sent.
type Message struct {
	Key      string // the store's own
	At       time.Time
	Notice   notify.Notice
	Attempts int       // that failed
	Due      time.Time // when to try again; zero for at once
	Reason   string    // why the last attempt failed
}

// Thread is where answers go, or that an incident is open.
type Thread struct {
	Key, Value string
	At         time.Time
}

// Change is what happens to a channel at once. The zero value of a field is no change.
type Change struct {
	At       time.Time
	Made     *notify.Notice // a new message; it counts against the limit
	Released *Message       // a notice that waits no more
	Dropped  []Result       // they wait no more
	Ended    *Message       // it was sent, or is a dead letter
	Delayed  *Message       // its Attempts, Due and Reason are new
	Thread   Thread         // to be kept; without a Value to be forgotten
}
