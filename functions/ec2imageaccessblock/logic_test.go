package ec2imageaccessblock

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestCheckSaysWhoManagesIt(t *testing.T) {
	t.Parallel()
	for _, byPolicy := range []bool{false, true} {
		got := check(Target{Place: place}, State{unblocked, byPolicy}, struct{}{})
		if len(got) != 1 || strings.Contains(got[0].Message, "declarative policy") != byPolicy {
			t.Errorf("by policy %v: violations %v", byPolicy, got)
		}
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	blocks := rapid.SampledFrom([]string{unblocked, blockNew})
	rapid.Check(t, func(t *rapid.T) {
		target := Target{Place: place}
		live := State{blocks.Draw(t, "live"), rapid.Bool().Draw(t, "by policy")}
		other := State{Block: blocks.Draw(t, "other")}
		if n := len(diff(target, live, live)); n != 0 {
			t.Fatalf("diff of a state with itself has %d changes", n)
		}
		model := live
		for _, c := range diff(target, live, other) {
			model.Block = c.Block
			want := "ec2:" + enable
			if c.Block == unblocked {
				want = "ec2:" + disable
			}
			if c.Call().API != want {
				t.Fatalf("to %s with %s", c.Block, c.Call().API)
			}
		}
		if model.Block != other.Block {
			t.Fatalf("the changes from %+v to %+v lead to %+v", live, other, model)
		}
		image, err := json.Marshal(live)
		if err != nil {
			t.Fatal(err)
		}
		var back State
		if err := json.Unmarshal(image, &back); err != nil || back != live {
			t.Fatalf("a state changes in its JSON form: %+v, %v", back, err)
		}
		fixed := repair(target, live, remedy.Baseline[State]{State: other, Known: true}, struct{}{})
		if live.ByPolicy && fixed != live || !live.ByPolicy && len(check(target, fixed, struct{}{})) > 0 {
			t.Fatalf("repair made %+v of %+v", fixed, live)
		}
	})
}
