package policytest

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/remedytest"
)

// Events is the folder of the sample events, as seen from a function's.
const Events = "../../events"

// Samples holds each sample of a function to the targets that it must lead to. A
// sample that want does not name is an error.
func Samples[T any](t *testing.T, f remedy.Function, decode func(remedy.Event) ([]T, error), want map[string][]T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(Events, f.Name, "*.json"))
	if err != nil || len(files) != len(want) {
		t.Errorf("%d samples, %d are expected: %v", len(files), len(want), err)
	}
	for _, path := range files {
		file := filepath.Base(path)
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			ev := remedytest.Sample(t, path)
			if !f.Handles(ev) {
				t.Errorf("no trigger matches %s %s", ev.Source, ev.Name)
			}
			got, err := decode(ev)
			if err != nil {
				t.Fatal(err)
			}
			wanted, ok := want[file]
			if !ok {
				t.Error("the sample is not in the test's table")
			}
			if diff := cmp.Diff(wanted, got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

// Input is an event and what decoding it must give.
type Input[T any] struct {
	Event  remedy.Event
	Want   []T
	Err    string // in the error; none means that there is none
	Detail string // the event's, for short
}

// Inputs decodes events that no sample has: bad ones, and rare forms. An input
// without an event of its own has base with its detail.
func Inputs[T any](t *testing.T, decode func(remedy.Event) ([]T, error), base remedy.Event, inputs map[string]Input[T]) {
	t.Helper()
	for name, c := range inputs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ev := c.Event
			if ev.Source == "" {
				ev = base
			}
			if c.Detail != "" {
				ev.Detail = []byte(c.Detail)
			}
			got, err := decode(ev)
			if c.Err == "" && err != nil || c.Err != "" && (err == nil || !strings.Contains(err.Error(), c.Err)) {
				t.Errorf("err = %v, want %q", err, c.Err)
			}
			if diff := cmp.Diff(c.Want, got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

// WantError holds a store's error to what it must say, and to its kind.
func WantError(t *testing.T, err error, want string, gone, permanent bool) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("err = %v, want %q", err, want)
	}
	if errors.Is(err, remedy.ErrGone) != gone {
		t.Errorf("is gone = %v, want %v: %v", !gone, gone, err)
	}
	if remedy.IsPermanent(err) != permanent {
		t.Errorf("is permanent = %v, want %v: %v", !permanent, permanent, err)
	}
}
