package ec2securitygroup

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/netrange"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/securitygroup"
)

// State is what a security group lets in.
type State = securitygroup.State

func newJudge(p Params, lists map[string][]string) securitygroup.Judge {
	return securitygroup.Judge{World: netrange.NewWorld(p.AllowedCIDRs, p.WidestV4, p.WidestV6), Ports: netrange.NewPorts(p.RiskyPorts), Lists: lists}
}

func check(t Target, s State, p Params) []remedy.Violation {
	j := newJudge(p, s.PrefixLists)
	var out []remedy.Violation
	for _, r := range s.Rules {
		if risky, from := j.Opens(r.Opening); len(risky) > 0 {
			out = append(out, remedy.Violation{
				Rule: "world-open-port", Part: r.ID,
				Message: fmt.Sprintf("Rule %s of security group %s has %s open to %s, and %s.", r.ID, t.GroupID, r.Opening, from, netrange.Are(risky, "risky")),
			})
		}
	}
	return out
}

func repair(_ Target, live State, base remedy.Baseline[State], p Params) State {
	return securitygroup.Repair(live, base, func(lists map[string][]string) func(securitygroup.Opening) bool {
		j := newJudge(p, lists)
		return func(o securitygroup.Opening) bool {
			risky, _ := j.Opens(o)
			return len(risky) > 0
		}
	})
}

func diff(t Target, from, to State) []remedy.Change {
	return securitygroup.Diff(securitygroup.Ingress, t, from, to)
}
