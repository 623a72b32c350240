package ebssnapshotaccessblock

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		block, minimum string
		bad            bool
	}{
		{blockAll, "", false}, {blockNew, "", true}, {unblocked, "", true},
		{blockAll, blockAll, false}, {blockNew, blockAll, true}, {unblocked, blockAll, true},
		{blockAll, blockNew, false}, {blockNew, blockNew, false}, {unblocked, blockNew, true},
	} {
		for _, byPolicy := range []bool{false, true} {
			got := check(target, State{c.block, byPolicy}, Params{c.minimum})
			if len(got) > 0 != c.bad {
				t.Errorf("%s with minimum %q: %v, want a violation: %v", c.block, c.minimum, got, c.bad)
			}
			for _, v := range got {
				if strings.Contains(v.Message, "declarative policy") != byPolicy {
					t.Errorf("by policy %v: message %q", byPolicy, v.Message)
				}
			}
		}
	}
}

func TestDiffCalls(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to State
		want     string
	}{
		{State{Block: unblocked}, State{Block: blockAll}, `[{"api":"ec2:EnableSnapshotBlockPublicAccess","params":{"State":"block-all-sharing"}}]`},
		{State{Block: blockAll}, State{Block: blockNew}, `[{"api":"ec2:EnableSnapshotBlockPublicAccess","params":{"State":"block-new-sharing"}}]`},
		{State{Block: blockAll}, State{Block: unblocked}, `[{"api":"ec2:DisableSnapshotBlockPublicAccess","params":{}}]`},
		{State{Block: blockAll, ByPolicy: true}, State{Block: blockAll}, `[]`},
	} {
		got := []remedy.Call{}
		for _, ch := range diff(target, c.from, c.to) {
			got = append(got, ch.Call())
		}
		b, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, string(b)); diff != "" {
			t.Errorf("calls from %+v to %+v (-want +got):\n%s", c.from, c.to, diff)
		}
	}
}

var blocks = rapid.SampledFrom([]string{unblocked, blockNew, blockAll})

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		live := State{blocks.Draw(t, "live"), rapid.Bool().Draw(t, "by policy")}
		base := remedy.Baseline[State]{State: State{Block: blocks.Draw(t, "baseline")}, Known: rapid.Bool().Draw(t, "known")}
		p := Params{rapid.SampledFrom([]string{"", blockNew, blockAll}).Draw(t, "minimum")}
		if n := len(diff(target, live, live)); n != 0 {
			t.Fatalf("diff of a state with itself has %d changes", n)
		}
		image, err := json.Marshal(live)
		if err != nil {
			t.Fatal(err)
		}
		var back State
		if err := json.Unmarshal(image, &back); err != nil || back != live {
			t.Fatalf("a state changes in its JSON form: %+v, %v", back, err)
		}
		fixed := repair(target, live, base, p)
		switch {
		case live.ByPolicy:
			if fixed != live {
				t.Fatalf("what a policy manages was changed to %+v", fixed)
			}
		case len(check(target, fixed, p)) > 0:
			t.Fatalf("the repaired state %+v still breaks the policy", fixed)
		case strength(fixed.Block) < strength(live.Block):
			t.Fatalf("the repaired state %+v blocks less", fixed)
		case base.Known && len(check(target, live, p)) > 0 && len(check(target, base.State, p)) == 0 && fixed.Block != base.State.Block:
			t.Fatalf("the baseline did not come back: %+v", fixed)
		}
	})
}
