package ec2instancemetadata

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/imds"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestStateInRecords(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(with(imds.Enabled, imds.Optional))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(b), `{"http_endpoint":"enabled","http_tokens":"optional","tags":{"team":"web"}}`; got != want {
		t.Errorf("a record keeps the state as %s, want %s", got, want)
	}
}

var states = rapid.Custom(func(t *rapid.T) State {
	return State{
		Options: imds.Options{
			Endpoint: rapid.SampledFrom([]string{imds.Enabled, imds.Disabled}).Draw(t, "endpoint"),
			Tokens:   rapid.SampledFrom([]string{imds.Optional, imds.Required}).Draw(t, "tokens"),
		},
		Tags: rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), rapid.Just("v"), 0, 2).Draw(t, "tags"),
	}
})

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := states.Draw(t, "a"), states.Draw(t, "b")
		target := Target{InstanceID: "i-1"}
		if got := diff(target, a, a); len(got) != 0 {
			t.Fatalf("diff of a state with itself = %v, want none", got)
		}
		image, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back State
		if err := json.Unmarshal(image, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, back, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("a state changes in its JSON form (-want +got):\n%s", diff)
		}
		fixed := repair(target, a, remedy.Baseline[State]{State: b, Known: true}, struct{}{})
		if left := check(target, fixed, struct{}{}); len(left) > 0 {
			t.Fatalf("the repaired state still breaks the policy: %v", left)
		}
		if len(check(target, a, struct{}{})) == 0 && len(diff(target, a, fixed)) > 0 || fixed.Endpoint != a.Endpoint {
			t.Fatalf("repair made %+v of %+v", fixed, a)
		}
	})
}
