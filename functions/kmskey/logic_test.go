package kmskey

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	prod := map[string]string{"stage": "prod"}
	for name, c := range map[string]struct {
		state  State
		params Params
		want   string
	}{
		"enabled":                            {state: State{KeyState: enabled}},
		"disabled":                           {state: State{KeyState: disabled}, want: "key-disabled"},
		"to be deleted":                      {state: State{KeyState: pending, Window: 7}, want: "key-deletion"},
		"waits for its replicas":             {state: State{KeyState: pendingReplicas}, want: "key-deletion"},
		"material is missing":                {state: State{KeyState: "PendingImport"}},
		"its key store is disconnected":      {state: State{KeyState: "Unavailable"}},
		"a key that AWS manages":             {state: State{KeyState: disabled, ByAWS: true}},
		"a protected tag and value":          {state: State{KeyState: disabled, Tags: prod}, params: Params{[]string{"x", "stage=prod"}}, want: "key-disabled"},
		"a protected tag of any value":       {state: State{KeyState: disabled, Tags: prod}, params: Params{[]string{"stage"}}, want: "key-disabled"},
		"another value":                      {state: State{KeyState: pending, Tags: prod}, params: Params{[]string{"stage=dev"}}},
		"an empty value is not any":          {state: State{KeyState: pending, Tags: prod}, params: Params{[]string{"stage="}}},
		"no tags, and only some are guarded": {state: State{KeyState: pending}, params: Params{[]string{"stage"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			for _, v := range check(target, c.state, c.params) {
				got += v.Rule
			}
			if got != c.want {
				t.Errorf("check = %q, want %q", got, c.want)
			}
		})
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	const all = `","params":{"KeyId":"` + key + `"`
	call := func(name string) string { return `{"api":"kms:` + name + all + `}}` }
	for name, c := range map[string]struct {
		from, to State
		want     []string
	}{
		"the same": {State{KeyState: enabled}, State{KeyState: enabled, Tags: map[string]string{"a": "b"}}, nil},
		"enable":   {State{KeyState: disabled}, State{KeyState: enabled}, []string{call(enable)}},
		"disable":  {State{KeyState: enabled}, State{KeyState: disabled}, []string{call(disable)}},
		"a cancelled deletion leaves a key disabled":  {State{KeyState: pending, Window: 7}, State{KeyState: enabled}, []string{call(cancelDeletion), call(enable)}},
		"replicas are waited for":                     {State{KeyState: pendingReplicas}, State{KeyState: enabled}, []string{call(cancelDeletion), call(enable)}},
		"disabled again":                              {State{KeyState: pending}, State{KeyState: disabled}, []string{call(cancelDeletion)}},
		"an undo has the waiting period of before":    {State{KeyState: enabled}, State{KeyState: pending, Window: 9}, []string{`{"api":"kms:ScheduleKeyDeletion` + all + `,"PendingWindowInDays":9}}`}},
		"the waiting period goes by":                  {State{KeyState: pending, Window: 9}, State{KeyState: pending, Window: 8}, nil},
		"no call leads to a key without its material": {State{KeyState: enabled}, State{KeyState: "PendingImport"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, ch := range diff(target, c.from, c.to) {
				b, err := json.Marshal(ch.Call())
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(b))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string, states ...string) State {
			s := State{
				KeyState: rapid.SampledFrom(states).Draw(t, label), ByAWS: rapid.Bool().Draw(t, label+" by AWS"),
				Tags: rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), rapid.Just("v"), 0, 2).Draw(t, label+" tags"),
			}
			if s.doomed() {
				s.Window = rapid.IntRange(shortest, longest).Draw(t, label+" window")
			}
			return s
		}
		a := draw("a", enabled, disabled, pending, pendingReplicas, "PendingImport", "Unavailable")
		b := draw("b", enabled, disabled, pending)
		p := Params{rapid.SliceOf(rapid.SampledFrom([]string{"a", "b=v", "b=w"})).Draw(t, "protected")}
		fixed := repair(target, a, remedy.Baseline[State]{State: b, Known: true}, p)
		if left := check(target, fixed, p); len(left) > 0 {
			t.Fatalf("the repaired state still breaks the policy: %v", left)
		}
		want := a
		if len(check(target, a, p)) > 0 {
			want.KeyState, want.Window = enabled, 0
		}
		if diff := cmp.Diff(want, fixed); diff != "" {
			t.Fatalf("repair (-want +got):\n%s", diff)
		}
		if len(diff(target, a, a)) > 0 {
			t.Fatal("diff of a state with itself is not empty")
		}
		from, f := draw("from", enabled, disabled, pending, pendingReplicas), newFake()
		f.state = types.KeyState(from.KeyState)
		for _, c := range diff(target, from, b) {
			if err := storeOf(f).Apply(t.Context(), target, c); err != nil {
				t.Fatal(err)
			}
		}
		if got := (State{KeyState: string(f.state)}); got.KeyState != b.KeyState && (!got.doomed() || !b.doomed()) {
			t.Fatalf("the changes from %s to %s lead to %s", from.KeyState, b.KeyState, f.state)
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
	})
}
