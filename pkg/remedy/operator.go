package remedy

import "time"

// MaxOverride is how long an [Override] may hold. What should hold for longer
// belongs in the policy file.
const MaxOverride = 30 * 24 * time.Hour

// Override is what an operator decided beside the policy, for a time: an
// exemption, or how far a function goes. Exactly one of Exemption and Mode is set.
type Override struct {
	ID        string     `json:"id"`
	Function  string     `json:"function"`
	Exemption *Exemption `json:"exemption,omitempty"`
	Mode      Mode       `json:"mode,omitempty"`
	Reason    string     `json:"reason"`
	By        Actor      `json:"by"`
	Created   time.Time  `json:"created"`
	Expires   time.Time  `json:"expires"`
	Ended     time.Time  `json:"ended,omitzero"` // by an operator, before it expired
}

// Holds reports whether the override holds at a time.
func (o Override) Holds(now time.Time) bool {
	return now.Before(o.Expires) && (o.Ended.IsZero() || now.Before(o.Ended))
}

// Action is what an operator did, or tried to do. It is written before the work
// begins and once more when it has ended: one without a result was interrupted.
type Action struct {
	ID       string    `json:"id"`
	At       time.Time `json:"at"`
	Kind     string    `json:"kind"` // "undo", "replay", "exempt", "mode" or "end"
	By       Actor     `json:"by"`
	Function string    `json:"function,omitempty"`
	Subject  string    `json:"subject"` // the id of the record, dead letter or override
	What     string    `json:"what"`    // what was asked for, in words
	Reason   string    `json:"reason"`
	Result   string    `json:"result,omitempty"` // what came of it
	Error    string    `json:"error,omitempty"`  // why nothing did
}
