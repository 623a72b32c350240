package s3accountaccessblock

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/accessblock"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestCheckNamesTheAccount(t *testing.T) {
	t.Parallel()
	got := check(acme, State{}, Params{Required: []string{"IgnorePublicAcls"}})
	want := []remedy.Violation{{
		Rule: "ignore-public-acls-off", Part: "IgnorePublicAcls",
		Message: "IgnorePublicAcls is off, because account " + acme.Account + " has no public access block: public ACLs of its buckets and objects have effect.",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

func TestRepairTakesABaselineOnlyWhenItIsKnown(t *testing.T) {
	t.Parallel()
	params := Params{Required: []string{"BlockPublicAcls"}}
	for known, want := range map[bool]State{false: with(true, false, false, false), true: with(true, true, true, true)} {
		got := repair(acme, State{}, remedy.Baseline[State]{State: with(true, true, true, true), Known: known}, params)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("with a baseline that is known: %v (-want +got):\n%s", known, diff)
		}
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	const on, off = true, false
	for name, c := range map[string]struct {
		from, to State
		want     []remedy.Call
	}{
		"none to none":    {State{}, State{}, nil},
		"same flags":      {with(on, off, on, off), with(on, off, on, off), nil},
		"other flags":     {with(on, off, on, off), with(on, on, on, on), []remedy.Call{{API: put, Params: call{acme.Account, flagged(on, on, on, on)}}}},
		"none to all off": {State{}, with(off, off, off, off), []remedy.Call{{API: put, Params: call{acme.Account, flagged(off, off, off, off)}}}},
		"all off to none": {with(off, off, off, off), State{}, []remedy.Call{{API: remove, Params: call{acme.Account, nil}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []remedy.Call
			for _, ch := range diff(acme, c.from, c.to) {
				got = append(got, ch.Call())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

var states = rapid.Custom(func(t *rapid.T) State {
	if rapid.Bool().Draw(t, "none") {
		return State{}
	}
	flag := func(name string) bool { return rapid.Bool().Draw(t, name) }
	return with(flag("acls"), flag("ignore"), flag("policy"), flag("restrict"))
})

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		live, other := states.Draw(t, "live"), states.Draw(t, "other")
		params := Params{Required: rapid.SliceOfDistinct(rapid.SampledFrom(accessblock.Names()), rapid.ID[string]).Draw(t, "required")}
		got := repair(acme, live, remedy.Baseline[State]{State: other, Known: rapid.Bool().Draw(t, "known")}, params)
		if left := check(acme, got, params); len(left) > 0 {
			t.Fatalf("Check(Repair(s)) = %v", left)
		}
		model := live
		for _, c := range diff(acme, live, other) {
			model.Block = c.Block
		}
		if diff := cmp.Diff(other, model); diff != "" {
			t.Fatalf("Diff applied (-want +got):\n%s", diff)
		}
		image, err := json.Marshal(live)
		if err != nil {
			t.Fatal(err)
		}
		var back State
		if err := json.Unmarshal(image, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(live, back); diff != "" {
			t.Fatalf("a state changes in its JSON form (-want +got):\n%s", diff)
		}
	})
}
