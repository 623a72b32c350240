package ec2securitygroup

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/securitygroup"
)

var openings = rapid.Custom(func(t *rapid.T) Opening {
	ports := rapid.SampledFrom([]int32{-1, 0, 21, 22, 23, 80, 443, 3389, 65535})
	o := Opening{
		Protocol: rapid.SampledFrom([]string{"tcp", "udp", "6", "17", "icmp", "-1", "50"}).Draw(t, "protocol"),
		From:     ports.Draw(t, "from"), To: ports.Draw(t, "to"),
	}
	switch rapid.IntRange(0, 3).Draw(t, "source") {
	case 0:
		o.PrefixList = rapid.SampledFrom([]string{"pl-world", "pl-office"}).Draw(t, "list")
	case 1:
		o.Group = "sg-2"
	default:
		o.CIDR = rapid.SampledFrom([]string{"0.0.0.0/0", "9.9.9.9/0", "128.0.0.0/1", "52.0.0.0/8", "10.0.0.0/8", "::/0", "2000::/3", "::ffff:0:0/96", "fc00::/7"}).Draw(t, "cidr")
	}
	return o
})

// states give groups such as AWS allows: ids and openings are each used once.
var states = rapid.Custom(func(t *rapid.T) State {
	s := State{PrefixLists: map[string][]string{"pl-world": {"0.0.0.0/0"}, "pl-office": {"198.51.100.0/24"}}}
	ids := rapid.Permutation([]string{"sgr-1", "sgr-2", "sgr-3", "sgr-4", "sgr-5", "sgr-6"}).Draw(t, "ids")
	for i, o := range rapid.SliceOfNDistinct(openings, 0, len(ids), rapid.ID[Opening]).Draw(t, "openings") {
		s.Rules = append(s.Rules, Rule{
			ID: ids[i], Opening: o,
			Description: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "description"),
			Tags:        rapid.MapOfN(rapid.SampledFrom([]string{"k", "aws:k"}), rapid.Just("v"), 0, 2).Draw(t, "tags"),
		})
	}
	return s
})

// applied is what AWS makes of a group: an error where it would refuse.
func applied(s State, changes []Change) (State, error) {
	rules := slices.Clone(s.Rules)
	find := func(id string) int { return slices.IndexFunc(rules, func(r Rule) bool { return r.ID == id }) }
	for _, c := range changes {
		switch c := c.(type) {
		case securitygroup.Revocation:
			for _, id := range c.IDs {
				i := find(id)
				if i < 0 {
					return State{}, fmt.Errorf("revoke of %s, which is not there", id)
				}
				rules = slices.Delete(rules, i, i+1)
			}
		case securitygroup.Modification:
			for _, r := range c.Rules {
				i := find(r.ID)
				if i < 0 || !securitygroup.Modifiable(rules[i], r) {
					return State{}, fmt.Errorf("modify of %s, which is not there or of another kind", r.ID)
				}
				rules[i].Opening, rules[i].Description = r.Opening, r.Description
			}
		case securitygroup.Authorization:
			for _, r := range c.Rules {
				rules = append(rules, Rule{ID: fmt.Sprintf("new-%d", len(rules)), Opening: r.Opening, Description: r.Description})
			}
		}
		held := map[Opening]bool{}
		for _, r := range rules {
			if held[r.Opening] {
				return State{}, fmt.Errorf("%+v is there twice", r.Opening)
			}
			held[r.Opening] = true
		}
	}
	return State{Rules: rules}, nil
}

// same compares rules as the function means it: without ids, order and tags.
func same(a, b []Rule) bool {
	plain := func(rules []Rule) []string {
		var out []string
		for _, r := range rules {
			out = append(out, fmt.Sprintf("%+v %q", struct{ Opening }{r.Opening}, r.Description))
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(plain(a), plain(b))
}

func TestRepairProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		live, base, p := states.Draw(t, "live"), states.Draw(t, "baseline"), Defaults()
		before, err := json.Marshal(live)
		if err != nil {
			t.Fatal(err)
		}
		got := repair(Target{}, live, remedy.Baseline[State]{State: base, Known: true}, p)
		if left := check(Target{}, got, p); len(left) > 0 {
			t.Fatalf("the repaired state still breaks the policy: %v", left)
		}
		if after, _ := json.Marshal(live); string(after) != string(before) {
			t.Fatalf("repair changed its argument to %s", after)
		}
		bad := map[string]bool{}
		for _, v := range check(Target{}, live, p) {
			bad[v.Part] = true
		}
		good := func(rules []Rule) (out []Rule) {
			for _, r := range rules {
				if !bad[r.ID] {
					out = append(out, r)
				}
			}
			return out
		}
		if diff := cmp.Diff(good(live.Rules), good(got.Rules), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("rules that break nothing were touched (-before +after):\n%s", diff)
		}
		done, err := applied(live, diff(Target{}, live, got))
		if err != nil {
			t.Fatalf("AWS would refuse the changes: %v", err)
		}
		if !same(done.Rules, got.Rules) {
			t.Fatalf("the changes lead to %+v, want %+v", done.Rules, got.Rules)
		}
		back, err := applied(done, diff(Target{}, done, live))
		if err != nil {
			t.Fatalf("AWS would refuse the undo: %v", err)
		}
		if !same(back.Rules, live.Rules) {
			t.Fatalf("the undo leads to %+v, want %+v", back.Rules, live.Rules)
		}
	})
}

func TestDiffOfAStateWithItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := states.Draw(t, "state")
		shuffled := s
		shuffled.Rules = rapid.Permutation(s.Rules).Draw(t, "shuffled")
		if got := diff(Target{}, s, shuffled); len(got) != 0 {
			t.Fatalf("diff = %v, want none", got)
		}
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back State
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, back, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("a state changes in its JSON form (-want +got):\n%s", diff)
		}
	})
}
