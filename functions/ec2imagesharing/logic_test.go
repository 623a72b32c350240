package ec2imagesharing

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
	accounts := Params{AllowedAccounts: []string{partner}}
	organizations := Params{AllowedOrganizations: []string{"o-a1b2c3d4e5"}}
	units := Params{AllowedUnits: []string{"ou-ab12-cd34ef56"}}
	tests := []struct {
		name   string
		state  State
		params Params
		want   []string // rule and part
	}{
		{"private", State{}, accounts, nil},
		{"public", State{Public: true}, Params{}, []string{"public all"}},
		{"public in spite of lists", State{Public: true}, organizations, []string{"public all"}},
		{"others, none listed", State{Accounts: []string{unknown}, Organizations: []string{theirs}, Units: []string{theirUnit}}, Params{}, nil},
		{"a foreign account", State{Accounts: []string{unknown, partner}}, accounts, []string{"foreign-account " + unknown}},
		{"the owner", State{Owner: owner, Accounts: []string{owner}}, accounts, nil},
		{"the account of the event", State{Owner: owner, Accounts: []string{caller}}, accounts, nil},
		{"accounts listed, an organization is no way around", State{Organizations: []string{ours}, Units: []string{ourUnit}}, accounts, []string{"foreign-organization " + ours, "foreign-unit " + ourUnit}},
		{"an allowed organization, as a whole and in units", State{Organizations: []string{ours}, Units: []string{ourUnit}}, organizations, nil},
		{"another organization", State{Organizations: []string{theirs}, Units: []string{theirUnit}}, organizations, []string{"foreign-organization " + theirs, "foreign-unit " + theirUnit}},
		{"organizations listed, an account", State{Accounts: []string{partner}}, organizations, []string{"foreign-account " + partner}},
		{"an allowed unit, not its organization", State{Organizations: []string{ours}, Units: []string{ourUnit}}, units, []string{"foreign-organization " + ours}},
		{"an id that only begins like an allowed one", State{Organizations: []string{ours + "9"}, Units: []string{ourUnit + "9"}}, Params{AllowedOrganizations: organizations.AllowedOrganizations, AllowedUnits: units.AllowedUnits}, []string{"foreign-organization " + ours + "9"}},
		{"another partition's ARN", State{Organizations: []string{strings.Replace(ours, "arn:aws:", "arn:aws-cn:", 1)}}, organizations, nil},
		{"an ARN of some other kind", State{Organizations: []string{"o-a1b2c3d4e5"}, Units: []string{"ou-ab12-cd34ef56"}}, Params{AllowedOrganizations: organizations.AllowedOrganizations, AllowedUnits: units.AllowedUnits}, []string{"foreign-organization o-a1b2c3d4e5", "foreign-unit ou-ab12-cd34ef56"}},
		{"everything at once", State{Public: true, Accounts: []string{unknown, partner}, Organizations: []string{theirs}}, accounts, []string{"public all", "foreign-account " + unknown, "foreign-organization " + theirs}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, v := range check(Target{"ami-1", caller, "us-east-1"}, tt.state, tt.params) {
				got = append(got, v.Rule+" "+v.Part)
				if !strings.Contains(v.Message, "ami-1") {
					t.Errorf("message %q does not name the image", v.Message)
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
	call := func(change string) string {
		return `{"api":"ec2:ModifyImageAttribute","params":{"ImageId":"ami-1","LaunchPermission":` + change + `}}`
	}
	tests := []struct {
		name     string
		from, to State
		want     []string
	}{
		{"order, owner and tags do not count", State{Accounts: []string{partner, backup}, Owner: "1"}, State{Accounts: []string{backup, partner}, Tags: map[string]string{"a": "b"}}, nil},
		{"everybody out", State{Public: true, Accounts: []string{partner}}, State{Accounts: []string{partner}}, []string{call(`{"Remove":[{"Group":"all"}]}`)}},
		{"everybody back in", State{}, State{Public: true}, []string{call(`{"Add":[{"Group":"all"}]}`)}},
		{"accounts out", State{Accounts: []string{unknown, partner, backup}}, State{Accounts: []string{partner}}, []string{
			call(`{"Remove":[{"UserId":"` + unknown + `"},{"UserId":"` + backup + `"}]}`),
		}},
		{"each kind has a call, removals first", State{Public: true, Accounts: []string{partner}, Organizations: []string{ours}, Units: []string{ourUnit}}, State{Accounts: []string{backup}, Organizations: []string{theirs}, Units: []string{theirUnit}}, []string{
			call(`{"Remove":[{"Group":"all"}]}`),
			call(`{"Remove":[{"UserId":"` + partner + `"}]}`),
			call(`{"Remove":[{"OrganizationArn":"` + ours + `"}]}`),
			call(`{"Remove":[{"OrganizationalUnitArn":"` + ourUnit + `"}]}`),
			call(`{"Add":[{"UserId":"` + backup + `"}]}`),
			call(`{"Add":[{"OrganizationArn":"` + theirs + `"}]}`),
			call(`{"Add":[{"OrganizationalUnitArn":"` + theirUnit + `"}]}`),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, c := range diff(Target{ImageID: "ami-1"}, tt.from, tt.to) {
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
	for i := range 20_001 {
		s.Accounts = append(s.Accounts, fmt.Sprintf("%012d", i))
	}
	var sizes []int
	for _, c := range diff(Target{}, s, State{}) {
		sizes = append(sizes, len(c.Entries))
	}
	if diff := cmp.Diff([]int{10_000, 10_000, 1}, sizes); diff != "" {
		t.Errorf("accounts per call (-want +got):\n%s", diff)
	}
}

var (
	accounts      = rapid.SampledFrom([]string{partner, backup, unknown, "111122223333", "222233334444"})
	organizations = rapid.SampledFrom([]string{ours, theirs})
	units         = rapid.SampledFrom([]string{ourUnit, theirUnit})
)

func some(t *rapid.T, of *rapid.Generator[string], label string) []string {
	out := rapid.SliceOfDistinct(of, rapid.ID[string]).Draw(t, label)
	slices.Sort(out)
	return out
}

var states = rapid.Custom(func(t *rapid.T) State {
	return State{
		Public: rapid.Bool().Draw(t, "public"), Owner: "111122223333",
		Accounts: some(t, accounts, "accounts"), Organizations: some(t, organizations, "organizations"), Units: some(t, units, "units"),
		Tags: rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), rapid.Just("v"), 0, 2).Draw(t, "tags"),
	}
})

// applied is what AWS makes of an image.
func applied(s State, changes []Change) State {
	edit := func(list []string, c Change) []string {
		out := slices.DeleteFunc(slices.Clone(list), func(e string) bool { return slices.Contains(c.Entries, e) })
		if c.Operation == add {
			out = append(out, c.Entries...)
		}
		slices.Sort(out)
		return out
	}
	for _, c := range changes {
		switch c.Kind {
		case group:
			s.Public = c.Operation == add
		case account:
			s.Accounts = edit(s.Accounts, c)
		case organization:
			s.Organizations = edit(s.Organizations, c)
		case unit:
			s.Units = edit(s.Units, c)
		}
	}
	return s
}

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := states.Draw(t, "a"), states.Draw(t, "b")
		p := Params{
			AllowedAccounts:      some(t, accounts, "allowed accounts"),
			AllowedOrganizations: some(t, rapid.SampledFrom([]string{"o-a1b2c3d4e5", "o-zzzzzzzzzz"}), "allowed organizations"),
			AllowedUnits:         some(t, rapid.SampledFrom([]string{"ou-ab12-cd34ef56", "ou-zz99-zz99zz99"}), "allowed units"),
		}
		target := Target{"ami-1", "222233334444", "us-east-1"}

		if got := diff(target, a, a); len(got) != 0 {
			t.Fatalf("diff of a state with itself = %v, want none", got)
		}
		readOnly := cmpopts.IgnoreFields(State{}, "Owner", "Tags")
		if diff := cmp.Diff(b, applied(a, diff(target, a, b)), cmpopts.EquateEmpty(), readOnly); diff != "" {
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
		keep := func(list []string) []string {
			return slices.DeleteFunc(slices.Clone(list), func(e string) bool { return bad[e] })
		}
		want := a
		want.Public, want.Accounts, want.Organizations, want.Units = false, keep(a.Accounts), keep(a.Organizations), keep(a.Units)
		if diff := cmp.Diff(want, fixed, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("more than what is bad was touched (-want +got):\n%s", diff)
		}
		if after, _ := json.Marshal(a); string(after) != string(image) {
			t.Fatalf("repair changed its argument to %s", after)
		}
	})
}
