package doctor

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// checkForwarding looks, for each function whose events do not come where its
// rule is, for a rule that forwards them: AWS's events come on the default bus,
// those of global services in one region.
func (e *exam) checkForwarding(ctx context.Context) (found []Finding) {
	rulesIn := map[string][]rule{}
	for _, f := range e.Functions {
		for _, t := range f.Triggers {
			to, ok := e.ruleFor(patternOf(t))
			from := e.comesIn(t)
			if !ok || from == "" || from == e.cfg.Region && to.bus == defaultBus {
				continue
			}
			a := about{"forwarding", f.Name}
			if _, ok := rulesIn[from]; !ok {
				cfg := e.cfg.Copy()
				cfg.Region = from
				rules, err := rulesOn(ctx, eventbridge.NewFromConfig(cfg), defaultBus, func(string) bool { return true })
				if err != nil {
					found = append(found, a.unknown(err, "events:ListRules and events:ListTargetsByRule in "+from))
					continue
				}
				rulesIn[from] = rules
			}
			found = append(found, e.forwarding(a, from, rulesIn[from], to.bus, patternOf(t)))
		}
	}
	return found
}

// comesIn gives the region where a trigger's events come on the default bus; ""
// for products' events, which receivers put where they belong.
func (e *exam) comesIn(t remedy.Trigger) string {
	switch {
	case !strings.HasPrefix(t.Source, "aws."):
		return ""
	case slices.Contains(globalSources, t.Source):
		return globalRegions[e.caller.Partition]
	}
	return e.cfg.Region
}

func (e *exam) forwarding(a about, from string, rules []rule, bus string, want pattern) Finding {
	for _, r := range rules {
		for _, t := range r.targets {
			to := aws.ToString(t.Arn)
			if r.enabled && r.pattern.covers(want) && strings.Contains(to, ":events:"+e.cfg.Region+":") && strings.HasSuffix(to, ":event-bus/"+bus) {
				return a.ok("The rule %s in %s forwards its events to the bus %s.", r.name, from, bus)
			}
		}
	}
	return a.fail("Deploy infra/spoke.yaml in "+from+" with HubRegion="+e.cfg.Region+", and the template with AwsEvents=forwarded.", "Its events come on the default bus in %s, and no rule there forwards them to the bus %s in %s, where its rule is.", from, bus, e.cfg.Region)
}
