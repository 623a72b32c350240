package rdspublicaccess

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		public  bool
		allowed []string
		want    bool // whether it is bad
	}{
		{"private", false, nil, false},
		{"public", true, nil, true},
		{"private, others are allowed", false, []string{"demo-*"}, false},
		{"public, others are allowed", true, []string{"demo-*"}, true},
		{"public and allowed by name", true, []string{"demo-*", "orders"}, false},
		{"public and allowed by a pattern", true, []string{"ord*"}, false},
		{"a pattern that only ends like the name", true, []string{"rders"}, true},
		{"a pattern that only begins like the name", true, []string{"order"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := check(target, State{Public: tt.public}, Params{tt.allowed})
			if !tt.want {
				if len(got) > 0 {
					t.Errorf("violations %v, want none", got)
				}
				return
			}
			if len(got) != 1 || got[0].Rule != "public" || !strings.Contains(got[0].Message, "orders") {
				t.Errorf("violations %v, want one of rule public that names the instance", got)
			}
		})
	}
}

func TestDiffCalls(t *testing.T) {
	t.Parallel()
	public := State{Public: true}
	tagged := State{Tags: map[string]string{"a": "b"}}
	for name, tt := range map[string]struct {
		from, to State
		want     string
	}{
		"tags do not count":     {State{}, tagged, ""},
		"private, nothing else": {public, tagged, `{"api":"rds:ModifyDBInstance","params":{"DBInstanceIdentifier":"orders","PubliclyAccessible":false}}`},
		"public again":          {tagged, public, `{"api":"rds:ModifyDBInstance","params":{"DBInstanceIdentifier":"orders","PubliclyAccessible":true}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got string
			for _, c := range diff(target, tt.from, tt.to) {
				b, err := json.Marshal(c.Call())
				if err != nil {
					t.Fatal(err)
				}
				got += string(b)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

var states = rapid.Custom(func(t *rapid.T) State {
	return State{
		Public: rapid.Bool().Draw(t, "public"),
		Tags:   rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), rapid.Just("v"), 0, 2).Draw(t, "tags"),
	}
})

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := states.Draw(t, "a"), states.Draw(t, "b")
		p := Params{rapid.SliceOf(rapid.SampledFrom([]string{"orders", "ord*", "demo-?", "[a-o]*"})).Draw(t, "allowed")}

		if got := diff(target, a, a); len(got) != 0 {
			t.Fatalf("diff of a state with itself = %v, want none", got)
		}
		there := a.Public
		for _, c := range diff(target, a, b) {
			there = c.Public
		}
		if there != b.Public {
			t.Fatalf("the changes from %v to %v lead to public: %v", a, b, there)
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
		want := a
		if len(check(target, a, p)) > 0 {
			want.Public = false
		}
		if diff := cmp.Diff(want, fixed); diff != "" {
			t.Fatalf("more than what is bad was touched (-want +got):\n%s", diff)
		}
	})
}
