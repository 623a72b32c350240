package rdssnapshotsharing

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	const owner = "111122223333"
	listed := Params{AllowedAccounts: []string{partner}}
	tests := []struct {
		name   string
		shared []string
		params Params
		want   []string // rule and part
	}{
		{"private", nil, listed, nil},
		{"public", []string{everybody}, Params{}, []string{"public all"}},
		{"public in spite of a list", []string{partner, everybody}, listed, []string{"public all"}},
		{"others, none listed", []string{unknown, partner}, Params{}, nil},
		{"a foreign account", []string{unknown, partner}, listed, []string{"foreign-account " + unknown}},
		{"the snapshot's own account", []string{owner}, listed, nil},
		{"no sharing at all: one's own account is listed", []string{partner}, Params{AllowedAccounts: []string{owner}}, []string{"foreign-account " + partner}},
		{"what is neither an account nor all", []string{"ALL"}, listed, []string{"foreign-account ALL"}},
		{"everything at once", []string{unknown, partner, backup, everybody}, listed, []string{"foreign-account " + unknown, "foreign-account " + backup, "public all"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, v := range check(Target{Snapshot: "orders-1", Account: owner, Region: "us-east-1"}, State{Shared: tt.shared}, tt.params) {
				got = append(got, v.Rule+" "+v.Part)
				if !strings.Contains(v.Message, "orders-1") {
					t.Errorf("message %q does not name the snapshot", v.Message)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiffCalls(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		cluster  bool
		from, to []string
		want     []string
	}{
		{"order does not count", false, []string{partner, backup}, []string{backup, partner}, nil},
		{"everybody out", false, []string{partner, everybody}, []string{partner}, []string{
			`{"api":"rds:ModifyDBSnapshotAttribute","params":{"DBSnapshotIdentifier":"orders-1","AttributeName":"restore","ValuesToRemove":["all"]}}`,
		}},
		{"everybody back in", false, nil, []string{everybody}, []string{
			`{"api":"rds:ModifyDBSnapshotAttribute","params":{"DBSnapshotIdentifier":"orders-1","AttributeName":"restore","ValuesToAdd":["all"]}}`,
		}},
		{"both ways in one call, of a cluster's snapshot", true, []string{unknown, backup, everybody}, []string{partner, backup}, []string{
			`{"api":"rds:ModifyDBClusterSnapshotAttribute","params":{"DBClusterSnapshotIdentifier":"orders-1","AttributeName":"restore","ValuesToAdd":["` + partner + `"],"ValuesToRemove":["` + unknown + `","all"]}}`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			tags := map[string]string{"a": "b"} // never change
			for _, c := range diff(Target{Snapshot: "orders-1", Cluster: tt.cluster}, State{Shared: tt.from}, State{Shared: tt.to, Tags: tags}) {
				b, err := json.Marshal(c.Call())
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(b))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

var entries = rapid.SampledFrom([]string{partner, backup, unknown, "111122223333", everybody})

func some(t *rapid.T, label string) []string {
	out := rapid.SliceOfDistinct(entries, rapid.ID[string]).Draw(t, label)
	slices.Sort(out)
	return out
}

var states = rapid.Custom(func(t *rapid.T) State {
	return State{
		Shared: some(t, "shared"),
		Tags:   rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), rapid.Just("v"), 0, 2).Draw(t, "tags"),
	}
})

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := states.Draw(t, "a"), states.Draw(t, "b")
		p := Params{AllowedAccounts: slices.DeleteFunc(some(t, "allowed"), func(s string) bool { return s == everybody })}
		target := Target{"orders-1", rapid.Bool().Draw(t, "cluster"), "111122223333", "us-east-1"}

		if got := diff(target, a, a); len(got) != 0 {
			t.Fatalf("diff of a state with itself = %v, want none", got)
		}
		there := slices.Clone(a.Shared) // what RDS makes of the snapshot
		for _, c := range diff(target, a, b) {
			there = append(slices.DeleteFunc(there, func(s string) bool { return slices.Contains(c.Remove, s) }), c.Add...)
		}
		slices.Sort(there)
		if diff := cmp.Diff(b.Shared, there, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("the changes from a to b (-want +got):\n%s", diff)
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

		fixed := repair(target, a, remedy.Baseline[State]{State: b, Known: true}, p)
		if left := check(target, fixed, p); len(left) > 0 {
			t.Fatalf("the repaired state still breaks the policy: %v", left)
		}
		bad := map[string]bool{}
		for _, v := range check(target, a, p) {
			bad[v.Part] = true
		}
		want := State{slices.DeleteFunc(slices.Clone(a.Shared), func(s string) bool { return bad[s] }), a.Tags}
		if diff := cmp.Diff(want, fixed, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("more than what is bad was touched (-want +got):\n%s", diff)
		}
		if after, _ := json.Marshal(a); string(after) != string(image) {
			t.Fatalf("repair changed its argument to %s", after)
		}
	})
}
