package remedy

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Severity ranks functions in reports.
type Severity string

// The severities, from the least to the most pressing.
const (
	Low      Severity = "low"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)

// Function describes one remediation function: what starts it, what it may
// call, and how to make it. It is a value; nothing happens until New is called.
type Function struct {
	Name     string    // "ec2-security-group": lower case, dashes, unique
	Title    string    // one sentence, for the report: what it puts back
	Severity Severity  // how bad its violations are
	Triggers []Trigger // what starts it
	Actions  []string  // IAM actions or API scopes that Read and Apply need
	Params   any       // a struct with the parameters' defaults, or nil; the P of its Rule
	Doc      Doc       // what its page says beside all this
	New      func(context.Context, Env) (Remedy, error)
}

// Doc is what a function's page says in words: full sentences in plain text,
// from which docs/functions is made.
type Doc struct {
	Bad    string   // which states break the policy, and which that look alike do not
	Repair string   // what is called to put them back, with a baseline and without one
	Keeps  string   // what it never touches
	Limits []string // what it can't see or do, and what to mind before it is enforced
	Links  []string // the documents of others that its rules come from: URLs
}

// Handles reports whether one of the function's triggers matches ev.
func (f Function) Handles(ev Event) bool {
	for _, t := range f.Triggers {
		if t.Matches(ev) {
			return true
		}
	}
	return false
}

// Env is what a host hands to a function's constructor. The zero value means
// real endpoints, default transports and no settings.
type Env struct {
	Getenv      func(string) string // settings and secrets by name; nil means none are set
	Transport   http.RoundTripper   // carries every AWS and SaaS call; nil means each client's own default
	AWSEndpoint string              // one endpoint for all of AWS, for an emulator; empty means AWS's own
	GitHubURL   string              // base URL of GitHub's REST API; empty means https://api.github.com
	Function    string              // the function's name; Open sets it

	// Secret reads a secret that is kept outside of the settings, by its id. refused
	// says that what it gave before was not accepted, so that it may be read anew.
	// nil means that all secrets are settings.
	Secret func(ctx context.Context, id string, refused bool) (map[string]string, error)
}

// Setting gives the named setting, or "" when it or Getenv is not set.
func (e Env) Setting(name string) string {
	if e.Getenv == nil {
		return ""
	}
	return e.Getenv(name)
}

// Target identifies a resource for its function. Its JSON form is kept in the
// record, so that an undo can find the resource again.
type Target interface {
	Ref() Ref
}

// Change is one step from one state to another: exactly one API call.
type Change interface {
	Call() Call
}

// Call is an API call as a person would write it down.
type Call struct {
	API    string `json:"api"`    // "ec2:RevokeSecurityGroupIngress", "PATCH /repos/{owner}/{repo}"
	Params any    `json:"params"` // its parameters, in the API's own names
}

// Violation is one way in which a state breaks the policy.
type Violation struct {
	Rule    string `json:"rule"`           // stable code: "world-open-port"
	Part    string `json:"part,omitempty"` // which part of the resource: a rule id, a statement's Sid
	Message string `json:"message"`        // a sentence: what is wrong, with its values
}

// Baseline is the last known compliant state of a resource.
type Baseline[S any] struct {
	State S
	Known bool      // false: Ebb has not seen this resource compliant
	At    time.Time // when it was read
}

// Rule is the pure half of a function. T identifies the resource, S is its
// state, C one change to it, P the function's parameters. None of the four may
// call anything, read a clock, or change its arguments.
type Rule[T Target, S any, C Change, P any] struct {
	// Decode gives the resources an event touches. An event that holds none
	// (a failed call, another shape) gives none and no error; one that cannot
	// be understood gives an error, which the engine treats as [Permanent].
	Decode func(Event) ([]T, error)
	// Check gives the ways in which a state breaks the policy, in a stable
	// order. None means compliant.
	Check func(T, S, P) []Violation
	// Repair gives the compliant state nearest to the one given; the baseline
	// says what held before, if it is known. What it can't repair it leaves as it
	// is: Check of its result gives some of what Check gave before, and no more.
	Repair func(T, S, Baseline[S], P) S
	// Diff gives the fewest changes that lead from one state to the other, in
	// the order in which they must be applied. None means that the two are the
	// same state: what a cloud assigns (rule ids, timestamps, the order of a
	// set) and what Ebb only reads (tags) does not count.
	Diff func(t T, from, to S) []C
	// Root gives the resource in whose place t stands, by what t's baseline
	// says; t itself where it stands for itself. What was deleted and made anew
	// under another id is so kept, judged and put back under its first one. nil
	// means that nothing stands in another's place.
	Root func(T, Baseline[S]) T
}

// Resource is the impure half of a function: how a state is read and changed.
type Resource[T Target, S any, C Change] interface {
	// Read gives the live state. It returns [ErrGone] when the resource no
	// longer exists, and an error, never a partial state, when any part of it
	// can't be read.
	Read(context.Context, T) (S, error)
	// Apply makes one API call. It is idempotent: applying a change that is
	// already in place is no error.
	Apply(context.Context, T, C) error
}

// Tagged is implemented by states that carry the resource's tags, which
// exemptions may name.
type Tagged interface {
	ResourceTags() map[string]string
}

// Remedy is a bound [Rule] and [Resource], its types erased for the hosts.
// Only [Bind] makes one.
type Remedy interface {
	decode(Event) ([]subject, error)
	restore(target json.RawMessage) (subject, error)
	accepts(params any) error
}

// Handler is a function that is ready to handle events.
type Handler struct {
	Function
	remedy Remedy
}

// Open makes a function ready: it calls New and checks that the policy's
// parameters will fit.
func Open(ctx context.Context, f Function, env Env) (*Handler, error) {
	env.Function = f.Name
	r, err := f.New(ctx, env)
	if err != nil {
		return nil, fmt.Errorf("open function %s: %w", f.Name, err)
	}
	if err := r.accepts(f.Params); err != nil {
		return nil, fmt.Errorf("open function %s: default parameters: %w", f.Name, err)
	}
	return &Handler{Function: f, remedy: r}, nil
}
