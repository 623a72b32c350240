package ebssnapshotsharing

import (
	"encoding/json"
	"fmt"
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
	const owner, caller = "111122223333", "222233334444"
	listed := Params{AllowedAccounts: []string{partner}}
	tests := []struct {
		name   string
		state  State
		params Params
		want   []string // rule and part
	}{
		{"private", State{}, Params{}, nil},
		{"public", State{Public: true}, Params{}, []string{"public all"}},
		{"public in spite of a list", State{Public: true}, listed, []string{"public all"}},
		{"an account, none listed", State{Accounts: []string{unknown}}, Params{}, nil},
		{"a foreign account", State{Accounts: []string{unknown, partner}}, listed, []string{"foreign-account " + unknown}},
		{"the owner", State{Owner: owner, Accounts: []string{owner}}, listed, nil},
		{"the account of the event", State{Owner: owner, Accounts: []string{caller}}, listed, nil},
		{"part of a listed id", State{Accounts: []string{partner[:11] + "0"}}, listed, []string{"foreign-account " + partner[:11] + "0"}},
		{"everything at once", State{Public: true, Accounts: []string{unknown, backup, partner}}, listed, []string{"public all", "foreign-account " + unknown, "foreign-account " + backup}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, v := range check(Target{"snap-1", caller, "us-east-1"}, tt.state, tt.params) {
				got = append(got, v.Rule+" "+v.Part)
				if !strings.Contains(v.Message, "snap-1") {
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
		from, to State
		want     []string
	}{
		{"order, owner and tags do not count", State{Accounts: []string{partner, backup}, Owner: "1"}, State{Accounts: []string{backup, partner}, Tags: map[string]string{"a": "b"}}, nil},
		{"everybody out", State{Public: true}, State{}, []string{
			`{"api":"ec2:ModifySnapshotAttribute","params":{"Attribute":"createVolumePermission","GroupNames":["all"],"OperationType":"remove","SnapshotId":"snap-1"}}`,
		}},
		{"accounts out", State{Accounts: []string{unknown, partner, backup}}, State{Accounts: []string{partner}}, []string{
			`{"api":"ec2:ModifySnapshotAttribute","params":{"Attribute":"createVolumePermission","OperationType":"remove","SnapshotId":"snap-1","UserIds":["123456789012","777788889999"]}}`,
		}},
		{"groups and accounts each have a call, removals first", State{Public: true, Accounts: []string{partner}}, State{Accounts: []string{backup}}, []string{
			`{"api":"ec2:ModifySnapshotAttribute","params":{"Attribute":"createVolumePermission","GroupNames":["all"],"OperationType":"remove","SnapshotId":"snap-1"}}`,
			`{"api":"ec2:ModifySnapshotAttribute","params":{"Attribute":"createVolumePermission","OperationType":"remove","SnapshotId":"snap-1","UserIds":["444455556666"]}}`,
			`{"api":"ec2:ModifySnapshotAttribute","params":{"Attribute":"createVolumePermission","OperationType":"add","SnapshotId":"snap-1","UserIds":["777788889999"]}}`,
		}},
		{"everybody back in", State{}, State{Public: true}, []string{
			`{"api":"ec2:ModifySnapshotAttribute","params":{"Attribute":"createVolumePermission","GroupNames":["all"],"OperationType":"add","SnapshotId":"snap-1"}}`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, c := range diff(Target{SnapshotID: "snap-1"}, tt.from, tt.to) {
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

func TestDiffKeepsToTheLimitOfACall(t *testing.T) {
	t.Parallel()
	var s State
	for i := range 1201 {
		s.Accounts = append(s.Accounts, fmt.Sprintf("%012d", i))
	}
	var sizes []int
	for _, c := range diff(Target{}, s, State{}) {
		sizes = append(sizes, len(c.Accounts))
	}
	if diff := cmp.Diff([]int{500, 500, 201}, sizes); diff != "" {
		t.Errorf("accounts per call (-want +got):\n%s", diff)
	}
}

func TestParamsValidate(t *testing.T) {
	t.Parallel()
	for id, ok := range map[string]bool{partner: true, "44445555666": false, "4444555566667": false, "44445555666a": false, "": false, "*": false} {
		if err := (Params{AllowedAccounts: []string{id}}).Validate(); (err == nil) != ok {
			t.Errorf("Validate with account %q = %v, want ok: %v", id, err, ok)
		}
	}
	if err := (Params{}).Validate(); err != nil {
		t.Errorf("Validate of the defaults = %v", err)
	}
}

var accounts = rapid.SampledFrom([]string{partner, backup, unknown, "111122223333", "222233334444"})

var states = rapid.Custom(func(t *rapid.T) State {
	s := State{
		Public:   rapid.Bool().Draw(t, "public"),
		Accounts: rapid.SliceOfNDistinct(accounts, 0, 5, rapid.ID[string]).Draw(t, "accounts"),
		Owner:    "111122223333",
		Tags:     rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), rapid.Just("v"), 0, 2).Draw(t, "tags"),
	}
	slices.Sort(s.Accounts)
	return s
})

// applied is what AWS makes of a snapshot.
func applied(s State, changes []Change) State {
	s.Accounts = slices.Clone(s.Accounts)
	for _, c := range changes {
		if len(c.Groups) > 0 {
			s.Public = c.Operation == add
		}
		s.Accounts = slices.DeleteFunc(s.Accounts, func(a string) bool { return slices.Contains(c.Accounts, a) })
		if c.Operation == add {
			s.Accounts = append(s.Accounts, c.Accounts...)
		}
	}
	slices.Sort(s.Accounts)
	return s
}

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := states.Draw(t, "a"), states.Draw(t, "b")
		p := Params{AllowedAccounts: rapid.SliceOfDistinct(accounts, rapid.ID[string]).Draw(t, "allowed")}
		target := Target{"snap-1", "222233334444", "us-east-1"}

		if got := diff(target, a, a); len(got) != 0 {
			t.Fatalf("diff of a state with itself = %v, want none", got)
		}
		if diff := cmp.Diff(b.Accounts, applied(a, diff(target, a, b)).Accounts, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("the changes from a to b (-want +got):\n%s", diff)
		}
		if got := applied(a, diff(target, a, b)).Public; got != b.Public {
			t.Fatalf("the changes from a to b lead to public %v", got)
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
		want := slices.DeleteFunc(slices.Clone(a.Accounts), func(a string) bool { return bad[a] })
		if diff := cmp.Diff(want, fixed.Accounts, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("accounts that break nothing were touched (-want +got):\n%s", diff)
		}
		if after, _ := json.Marshal(a); string(after) != string(image) {
			t.Fatalf("repair changed its argument to %s", after)
		}
	})
}
