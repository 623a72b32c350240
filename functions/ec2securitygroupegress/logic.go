package ec2securitygroupegress

import (
	"fmt"

	"github.com/ebb-ops/ebb/pkg/netrange"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/securitygroup"
)

// State is what a security group lets out.
type State = securitygroup.State

// judge decides about rules by the parameters, prepared once for a whole group.
type judge struct {
	securitygroup.Judge
	allowAll bool
}

func newJudge(p Params, lists map[string][]string) judge {
	return judge{securitygroup.Judge{
		World: netrange.NewWorld(p.AllowedCIDRs, p.WidestV4, p.WidestV6), Ports: netrange.NewPorts(p.ForbiddenPorts), Lists: lists,
	}, p.AllowAll}
}

// opens gives the forbidden ports that a rule opens, and to whom.
func (j judge) opens(o securitygroup.Opening) (ports []int, to string) {
	if o.Protocol == "-1" && j.allowAll {
		return nil, ""
	}
	return j.Opens(o)
}

func check(t Target, s State, p Params) []remedy.Violation {
	j := newJudge(p, s.PrefixLists)
	var out []remedy.Violation
	for _, r := range s.Rules {
		if ports, to := j.opens(r.Opening); len(ports) > 0 {
			out = append(out, remedy.Violation{
				Rule: "forbidden-port-to-world", Part: r.ID,
				Message: fmt.Sprintf("Outbound rule %s of security group %s lets %s out to %s, and %s.", r.ID, t.GroupID, r.Opening, to, netrange.Are(ports, "forbidden")),
			})
		}
	}
	return out
}

func repair(_ Target, live State, base remedy.Baseline[State], p Params) State {
	return securitygroup.Repair(live, base, func(lists map[string][]string) func(securitygroup.Opening) bool {
		j := newJudge(p, lists)
		return func(o securitygroup.Opening) bool {
			ports, _ := j.opens(o)
			return len(ports) > 0
		}
	})
}

func diff(t Target, from, to State) []remedy.Change {
	return securitygroup.Diff(securitygroup.Egress, t, from, to)
}
