package sqlite

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestOverrides(t *testing.T) {
	t.Parallel()
	l := openTest(t, filepath.Join(t.TempDir(), "ledger.db"))
	first := remedy.Override{ID: "a", Function: "f", Mode: remedy.Off, Reason: "Quiet.", By: remedy.Actor{ID: "ann"}, Created: t0, Expires: t0.Add(time.Hour)}
	second := remedy.Override{
		ID: "b", Function: "f", Exemption: &remedy.Exemption{ID: "b", Resource: "x", Owner: "ann", Expires: t0.Add(1)},
		Created: t0.Add(1), Expires: t0.Add(1),
	}
	for _, o := range []remedy.Override{first, second} {
		if err := l.SaveOverride(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	first.Ended = t0.Add(time.Minute)
	if err := l.SaveOverride(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	list, err := l.Overrides(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]remedy.Override{second, first}, list); diff != "" {
		t.Errorf("overrides (-want +got):\n%s", diff)
	}
	one, err := l.Override(t.Context(), "a")
	if diff := cmp.Diff(first, one); diff != "" || err != nil {
		t.Errorf("override (-want +got):\n%s%v", diff, err)
	}
	if _, err := l.Override(t.Context(), "c"); !errors.Is(err, ErrNoOverride) {
		t.Errorf("got error %v, want ErrNoOverride", err)
	}
}

func TestActions(t *testing.T) {
	t.Parallel()
	l := openTest(t, filepath.Join(t.TempDir(), "ledger.db"))
	var want []remedy.Action
	for i, id := range []string{"a", "b", "c", "d"} {
		a := remedy.Action{ID: id, At: t0.Add(time.Duration(i/2) * time.Minute), Kind: "undo", Subject: "r1", Reason: "<b>why</b>"}
		if err := l.SaveAction(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		a.Result = "It is done."
		if err := l.SaveAction(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		want = append([]remedy.Action{a}, want...)
	}
	if one, ok, err := l.Action(t.Context(), "a"); !ok || err != nil || one != want[3] {
		t.Errorf("action = %+v, %t, %v", one, ok, err)
	}
	if _, ok, err := l.Action(t.Context(), "e"); ok || err != nil {
		t.Errorf("an action that is not there: %t, %v", ok, err)
	}
	var got []remedy.Action
	for after := ""; ; {
		page, err := l.Actions(t.Context(), after, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
		after = page[len(page)-1].ID
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}

func TestHolds(t *testing.T) {
	t.Parallel()
	l := openTest(t, filepath.Join(t.TempDir(), "ledger.db"))
	in := intent("r1", "shelf", t0)
	if err := l.Intend(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	hold := remedy.Hold{Record: "r1", Actor: "ann", Reason: "Wanted.", Until: t0.Add(time.Hour)}
	if err := l.Finish(t.Context(), remedy.Finish{Record: in.Record, Owner: in.Lease.Owner, Now: t0, Hold: &hold}); err != nil {
		t.Fatal(err)
	}
	got, err := l.Holds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Held{{Resource: "T|shelf", Function: "f", Hold: hold}}, got); diff != "" {
		t.Errorf("holds (-want +got):\n%s", diff)
	}
}
