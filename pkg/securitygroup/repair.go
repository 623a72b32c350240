package securitygroup

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ebb-ops/ebb/pkg/netrange"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Judge decides about rules by ports and address ranges, prepared once for a
// whole group.
type Judge struct {
	World netrange.World
	Ports netrange.Ports
	Lists map[string][]string // the entries of the prefix lists that rules name
}

// Opens gives those of the ports that o opens, and the range wide enough to be
// the world that it opens them to, as a person would name it. Without both it
// gives neither.
func (j Judge) Opens(o Opening) (ports []int, to string) {
	from, last, ok := o.Ports()
	if !ok {
		return nil, ""
	}
	if ports = j.Ports.In(from, last); len(ports) == 0 {
		return nil, ""
	}
	entries := j.Lists[o.PrefixList]
	if j.World.Is(o.CIDR) {
		return ports, o.CIDR
	} else if i := slices.IndexFunc(entries, j.World.Is); i >= 0 {
		return ports, fmt.Sprintf("%s of prefix list %s", entries[i], o.PrefixList)
	}
	return nil, ""
}

// Repair drops the rules that bad objects to and nothing else. A rule that the
// baseline knows in a form that is not bad takes that form again. bad is handed
// the entries of all prefix lists that the two states know.
func Repair(live State, base remedy.Baseline[State], bad func(lists map[string][]string) func(Opening) bool) State {
	out := live
	out.PrefixLists = maps.Clone(base.State.PrefixLists)
	if out.PrefixLists == nil {
		out.PrefixLists = map[string][]string{}
	}
	maps.Copy(out.PrefixLists, live.PrefixLists)
	isBad := bad(out.PrefixLists)

	taken := map[Opening]bool{}
	for _, r := range live.Rules {
		taken[r.Opening] = taken[r.Opening] || !isBad(r.Opening)
	}
	was := map[string]Rule{}
	for _, r := range base.State.Rules {
		was[r.ID] = r
	}
	out.Rules = make([]Rule, 0, len(live.Rules))
	for _, r := range live.Rules {
		if isBad(r.Opening) {
			old, ok := was[r.ID]
			// AWS refuses an opening that another rule has.
			if !ok || !Modifiable(r, old) || isBad(old.Opening) || taken[old.Opening] {
				continue
			}
			taken[old.Opening] = true
			r.Opening, r.Description = old.Opening, old.Description
		}
		out.Rules = append(out.Rules, r)
	}
	return out
}

// Diff gives the calls that lead from one state to the other. It removes first:
// that is what ends the exposure.
func Diff(d Direction, t Target, from, to State) []remedy.Change {
	type same struct {
		Opening
		description string
	}
	key := func(r Rule) same { return same{r.Opening, r.Description} }

	wanted := map[same]int{}
	for _, r := range to.Rules {
		wanted[key(r)]++
	}
	surplus := map[string]Rule{}
	var order []string
	for _, r := range from.Rules {
		if wanted[key(r)] > 0 {
			wanted[key(r)]--
			continue
		}
		surplus[r.ID] = r
		order = append(order, r.ID)
	}
	var modify, add []Rule
	for _, r := range to.Rules {
		if wanted[key(r)] == 0 {
			continue
		}
		wanted[key(r)]--
		if old, ok := surplus[r.ID]; ok && Modifiable(old, r) {
			delete(surplus, r.ID)
			modify = append(modify, r)
		} else {
			add = append(add, r)
		}
	}
	order = slices.DeleteFunc(order, func(id string) bool { _, ok := surplus[id]; return !ok })

	var out []remedy.Change
	if len(order) > 0 {
		out = append(out, Revocation{t.GroupID, d, order})
	}
	if len(modify) > 0 {
		out = append(out, Modification{t.GroupID, modify})
	}
	for _, rules := range ByTags(add) {
		out = append(out, Authorization{t.GroupID, d, rules})
	}
	return out
}

// ByTags groups rules that have the same tags: one call gives all its rules the
// same ones. Tags of the reserved prefix are AWS's own to set.
func ByTags(rules []Rule) [][]Rule {
	groups := map[string][]Rule{}
	for _, r := range rules {
		r.Tags = maps.Clone(r.Tags)
		maps.DeleteFunc(r.Tags, func(k, _ string) bool { return strings.HasPrefix(k, "aws:") })
		k := fmt.Sprintf("%q", r.Tags) // fmt prints maps by sorted keys
		groups[k] = append(groups[k], r)
	}
	out := make([][]Rule, 0, len(groups))
	for _, k := range slices.SortedFunc(maps.Keys(groups), cmp.Compare) {
		out = append(out, groups[k])
	}
	return out
}
