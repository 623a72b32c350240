// Package remedytest holds every function to the same promises: observing
// changes nothing, a revert leaves exactly the wanted state, a second run is
// clean, undo restores the before-state and is refused after drift, a resource
// that is gone is no error, and a fault at any call leaves a state that a
// retry brings to the wanted one.
package remedytest

import (
	"testing"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Suite is a function with the world it is tested in and the cases to try.
// A function runs the same cases twice: in a world of hand-written fakes and
// in one on an emulator.
type Suite[T remedy.Target, S any, C remedy.Change, P any] struct {
	Function remedy.Function
	Rule     remedy.Rule[T, S, C, P]
	// Open makes a fresh world. It is called for every test, so no state is shared.
	Open func(testing.TB) World[T, S, C]
	// Normal blanks what the cloud assigns (rule ids, say) and sorts what has
	// no order, so that states can be compared whole. Nil means as they are.
	Normal func(S) S
	Cases  []Case[S, P]
}

// World is one resource somewhere that it can really be read and changed.
type World[T remedy.Target, S any, C remedy.Change] struct {
	// Resource is the function's store, over this world.
	Resource remedy.Resource[T, S, C]
	// Seed brings the resource into state s, by other means than the store, and
	// gives the event that such a change causes.
	Seed func(t testing.TB, s S) remedy.Event
	// Named gives a state that the store read the names that the cases use, where
	// the world makes up others (ids, say). Nil means as they are.
	Named func(S) S
	// State reads the whole resource, by other means than the store, with the
	// names that the cases use.
	State func(testing.TB) S
	// Remove deletes the resource. Nil where nobody can, as with an account's
	// settings, or where that it does not exist is a state like others, which the
	// function may put right.
	Remove func(testing.TB)
}

// Case is one change and what must become of it.
type Case[S, P any] struct {
	Name     string
	Live     S        // the state after the change that the event tells of
	Baseline *S       // a compliant state that Ebb saw before, if it did
	Params   *P       // nil means the function's defaults
	Rules    []string // Violation.Rule of each violation, in order; none means the state is compliant
	Left     []string // those of Rules that Ebb can't mend: they still hold in Want; with all of them nothing is changed
	Want     S        // the state after enforcing; not looked at when the state is compliant: nothing may change
	Calls    []string // Call.API of each call that leads there, in order
}
