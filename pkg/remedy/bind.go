package remedy

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
)

// Bind joins a function's two halves and erases their types.
func Bind[T Target, S any, C Change, P any](rule Rule[T, S, C, P], res Resource[T, S, C]) Remedy {
	return bound[T, S, C, P]{rule, res}
}

// subject is one resource of one function, with the types erased: a state is
// an any that only the subject which read or decoded it understands.
type subject interface {
	ref() Ref
	target() any
	read(context.Context) (any, error)
	check(state, params any) []Violation
	repair(live any, base *StoredState, params any) (any, error)
	root(base *StoredState) subject
	diff(from, to any) []change
	decodeState(json.RawMessage) (any, error)
	tags(state any) map[string]string
}

// change is one bound change: what it calls, and how to make the call.
type change struct {
	call  Call
	apply func(context.Context) error
}

type bound[T Target, S any, C Change, P any] struct {
	rule Rule[T, S, C, P]
	res  Resource[T, S, C]
}

func (b bound[T, S, C, P]) accepts(params any) error {
	_, err := b.params(params)
	return err
}

// params gives the typed parameters; nil stands for the zero value, so that a
// function without parameters need not declare any.
func (b bound[T, S, C, P]) params(params any) (P, error) {
	var zero P
	if params == nil {
		return zero, nil
	}
	p, ok := params.(P)
	if !ok {
		return zero, fmt.Errorf("the parameters are of type %T, but the rule takes %s", params, reflect.TypeFor[P]())
	}
	return p, nil
}

func (b bound[T, S, C, P]) decode(ev Event) ([]subject, error) {
	targets, err := b.rule.Decode(ev)
	if err != nil {
		return nil, err
	}
	out := make([]subject, len(targets))
	for i, t := range targets {
		out[i] = subjectOf[T, S, C, P]{b, t}
	}
	return out, nil
}

func (b bound[T, S, C, P]) restore(raw json.RawMessage) (subject, error) {
	var t T
	if err := json.Unmarshal(raw, &t); err != nil {
		return nil, fmt.Errorf("decode recorded target: %w", err)
	}
	return subjectOf[T, S, C, P]{b, t}, nil
}

type subjectOf[T Target, S any, C Change, P any] struct {
	bound[T, S, C, P]
	t T
}

func (s subjectOf[T, S, C, P]) ref() Ref    { return s.t.Ref() }
func (s subjectOf[T, S, C, P]) target() any { return s.t }

func (s subjectOf[T, S, C, P]) read(ctx context.Context) (any, error) {
	return s.res.Read(ctx, s.t)
}

// check is handed parameters that accepts has passed: Open checks the defaults,
// Handle what the policy gives.
func (s subjectOf[T, S, C, P]) check(state, params any) []Violation {
	p, _ := s.params(params)
	return s.rule.Check(s.t, state.(S), p)
}

// baseline gives a kept baseline; nil stands for none.
func (s subjectOf[T, S, C, P]) baseline(stored *StoredState) (base Baseline[S], err error) {
	if stored == nil {
		return base, nil
	}
	if err := json.Unmarshal(stored.State, &base.State); err != nil {
		return base, fmt.Errorf("decode baseline: %w", err)
	}
	base.Known, base.At = true, stored.At
	return base, nil
}

// root gives the resource in whose place this one stands, or nil when it stands
// for itself. A baseline that can't be decoded says nothing.
func (s subjectOf[T, S, C, P]) root(stored *StoredState) subject {
	base, err := s.baseline(stored)
	if err != nil || !base.Known || s.rule.Root == nil {
		return nil
	}
	root := s.rule.Root(s.t, base)
	if root.Ref() == s.t.Ref() {
		return nil
	}
	return subjectOf[T, S, C, P]{s.bound, root}
}

func (s subjectOf[T, S, C, P]) repair(live any, stored *StoredState, params any) (any, error) {
	base, err := s.baseline(stored)
	if err != nil {
		return nil, err
	}
	p, _ := s.params(params)
	return s.rule.Repair(s.t, live.(S), base, p), nil
}

func (s subjectOf[T, S, C, P]) diff(from, to any) []change {
	cs := s.rule.Diff(s.t, from.(S), to.(S))
	out := make([]change, len(cs))
	for i, c := range cs {
		out[i] = change{c.Call(), func(ctx context.Context) error { return s.res.Apply(ctx, s.t, c) }}
	}
	return out
}

func (s subjectOf[T, S, C, P]) decodeState(raw json.RawMessage) (any, error) {
	var state S
	if err := json.Unmarshal(raw, &state); err != nil {
		return nil, fmt.Errorf("decode recorded state: %w", err)
	}
	return state, nil
}

func (s subjectOf[T, S, C, P]) tags(state any) map[string]string {
	if t, ok := state.(Tagged); ok {
		return t.ResourceTags()
	}
	return nil
}
