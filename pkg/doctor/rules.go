package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// defaultBus is the bus on which AWS's own events arrive.
const defaultBus = "default"

// rule is a rule of EventBridge with its targets.
type rule struct {
	name, bus string
	enabled   bool
	pattern   pattern
	targets   []types.Target
}

// starts gives the names of the functions that the rule starts.
func (r rule) starts() (names []string) {
	for _, t := range r.targets {
		if _, name, ok := strings.Cut(aws.ToString(t.Arn), ":function:"); ok {
			name, _, _ = strings.Cut(name, ":") // an alias or a version
			names = append(names, name)
		}
	}
	return names
}

// forwards reports whether the rule does nothing but hand events on to a bus.
func (r rule) forwards() bool {
	return len(r.targets) > 0 && !slices.ContainsFunc(r.targets, func(t types.Target) bool { return !strings.Contains(aws.ToString(t.Arn), ":event-bus/") })
}

// pattern is an event pattern, as far as Ebb's go.
type pattern struct {
	Source     []string       `json:"source,omitempty"`
	DetailType []string       `json:"detail-type,omitempty"`
	Detail     *detailPattern `json:"detail,omitempty"`
	more       bool           // it asks for more, or is none
}

type detailPattern struct {
	EventSource []string       `json:"eventSource,omitempty"`
	EventName   []string       `json:"eventName,omitempty"`
	ErrorCode   []existPattern `json:"errorCode,omitempty"`
}

type existPattern struct {
	Exists bool `json:"exists"`
}

// cloudTrail is what EventBridge calls the events that CloudTrail made of API calls.
const cloudTrail = "AWS API Call via CloudTrail"

// patternOf gives the pattern of the rule that a trigger needs: for calls of AWS's APIs,
// those that did not fail, since a failed call changes nothing.
func patternOf(t remedy.Trigger) pattern {
	service, ok := strings.CutPrefix(t.Source, "aws.")
	if !ok {
		return pattern{Source: []string{t.Source}, DetailType: slices.Sorted(slices.Values(t.Names))}
	}
	return pattern{
		Source: []string{t.Source}, DetailType: []string{cloudTrail},
		Detail: &detailPattern{
			EventSource: []string{service + ".amazonaws.com"}, EventName: slices.Sorted(slices.Values(t.Names)),
			ErrorCode: []existPattern{{false}},
		},
	}
}

// parsePattern reads a rule's pattern.
func parsePattern(text string) pattern {
	var p pattern
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if dec.Decode(&p) != nil {
		return pattern{more: true}
	}
	slices.Sort(p.DetailType)
	if p.Detail != nil {
		slices.Sort(p.Detail.EventName)
	}
	return p
}

// covers reports whether every event that other is for comes through p, a
// pattern of the same kind for some of a service's calls.
func (p pattern) covers(other pattern) bool {
	if p.more || p.Detail == nil || other.Detail == nil {
		return false
	}
	for _, name := range other.Detail.EventName {
		if !slices.Contains(p.Detail.EventName, name) {
			return false
		}
	}
	return reflect.DeepEqual(p.Source, other.Source) && reflect.DeepEqual(p.DetailType, other.DetailType) &&
		reflect.DeepEqual(p.Detail.EventSource, other.Detail.EventSource) && reflect.DeepEqual(p.Detail.ErrorCode, other.Detail.ErrorCode)
}

func (e *exam) checkBus(ctx context.Context) []Finding {
	if e.Bus == "" {
		if e.Stack == "" {
			return nil
		}
		return []Finding{about{"bus", e.Stack}.fail(deployAgain, "The stack has no event bus.")}
	}
	a := about{"bus", e.Bus}
	_, err := eventbridge.NewFromConfig(e.cfg).DescribeEventBus(ctx, &eventbridge.DescribeEventBusInput{Name: &e.Bus})
	switch {
	case cloud.HasCode(err, "ResourceNotFoundException"):
		return []Finding{a.fail(deployAgain+" Until then webhooks are answered with 500, and nobody hears of results.", "There is no such event bus in %s.", e.cfg.Region)}
	case err != nil:
		return []Finding{a.unknown(err, "events:DescribeEventBus")}
	}
	return []Finding{a.ok("It is there.")}
}

// findRules reads the deployment's rules on the default bus and on its own.
func (e *exam) findRules(ctx context.Context) (found []Finding) {
	client := eventbridge.NewFromConfig(e.cfg)
	for _, bus := range []string{defaultBus, e.Bus} {
		if bus == "" {
			continue
		}
		rules, err := rulesOn(ctx, client, bus, func(name string) bool { return e.Stack == "" || slices.Contains(e.Rules, name) })
		switch {
		case cloud.HasCode(err, "ResourceNotFoundException"):
			// checkBus tells of a bus that is gone.
		case err != nil:
			found = append(found, about{"rules", bus}.unknown(err, "events:ListRules and events:ListTargetsByRule"))
		}
		e.rules = append(e.rules, rules...)
	}
	return found
}

func rulesOn(ctx context.Context, client *eventbridge.Client, bus string, want func(string) bool) ([]rule, error) {
	var out []rule
	in := &eventbridge.ListRulesInput{EventBusName: &bus}
	for {
		page, err := client.ListRules(ctx, in)
		if err != nil {
			return out, err
		}
		for _, r := range page.Rules {
			if !want(aws.ToString(r.Name)) || r.EventPattern == nil {
				continue
			}
			targets, err := client.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: r.Name, EventBusName: &bus})
			if err != nil {
				return out, err
			}
			out = append(out, rule{
				name: aws.ToString(r.Name), bus: bus, enabled: r.State != types.RuleStateDisabled,
				pattern: parsePattern(aws.ToString(r.EventPattern)), targets: targets.Targets,
			})
		}
		if in.NextToken = page.NextToken; page.NextToken == nil {
			return out, nil
		}
	}
}

// checkRules looks for the rule of each trigger.
func (e *exam) checkRules(context.Context) (found []Finding) {
	if e.Stack == "" && e.Bus == "" {
		return nil
	}
	for _, f := range e.Functions {
		for _, t := range f.Triggers {
			found = append(found, e.checkRule(f, t)...)
		}
	}
	return found
}

func (e *exam) checkRule(f remedy.Function, t remedy.Trigger) (found []Finding) {
	a := about{"rule", f.Name}
	want := patternOf(t)
	r, ok := e.ruleFor(want)
	if !ok {
		return []Finding{e.noRule(a, f, t)}
	}
	if !r.enabled {
		found = append(found, a.fail(fmt.Sprintf("If this is not meant to be: the stack's kill switch with State=on, or aws events enable-rule --name %s --event-bus-name %s", r.name, r.bus), "The rule %s on the bus %s is disabled: no event starts the function.", r.name, r.bus))
	}
	if len(r.starts()) == 0 {
		found = append(found, a.fail(deployAgain, "The rule %s on the bus %s starts no function.", r.name, r.bus))
	}
	for _, target := range r.targets {
		if target.DeadLetterConfig == nil || aws.ToString(target.DeadLetterConfig.Arn) == "" {
			found = append(found, a.fail(deployAgain, "The rule %s on the bus %s has no dead-letter queue for its target %s: events that can't be delivered are lost.", r.name, r.bus, aws.ToString(target.Id)))
		}
	}
	if len(found) == 0 {
		found = append(found, a.ok("The rule %s on the bus %s hands on %s: %s.", r.name, r.bus, t.Source, list(t.Names)))
	}
	return found
}

// ruleFor finds the rule with a pattern that is there to start a function.
func (e *exam) ruleFor(want pattern) (rule, bool) {
	i := slices.IndexFunc(e.rules, func(r rule) bool { return reflect.DeepEqual(r.pattern, want) && !r.forwards() })
	if i < 0 {
		return rule{}, false
	}
	return e.rules[i], true
}

// noRule says why there may be no rule with a trigger's pattern.
func (e *exam) noRule(a about, f remedy.Function, t remedy.Trigger) Finding {
	named := func(s string) bool { return strings.HasSuffix(s, "_"+f.Name) }
	i := slices.IndexFunc(e.rules, func(r rule) bool { return named(r.name) || slices.ContainsFunc(r.starts(), named) })
	deployed := slices.ContainsFunc(e.lambdas, func(l lambdaFunction) bool { return named(l.name) })
	switch {
	case i >= 0:
		return a.fail("Deploy this version of Ebb, or use the ebb of the version that is deployed.", "The rule %s on the bus %s has another pattern than this version's function: it misses events, or gets those of others.", e.rules[i].name, e.rules[i].bus)
	case !deployed && !strings.HasPrefix(t.Source, "aws."):
		return a.warn("Deploy it with the parameter for "+t.Source+", if it is wanted.", "It is not deployed.")
	}
	return a.fail(deployAgain, "No rule hands on %s: %s.", t.Source, list(t.Names))
}

// triggers reports whether the rule is one that starts the function.
func triggers(f remedy.Function, r rule) bool {
	return slices.ContainsFunc(f.Triggers, func(t remedy.Trigger) bool { return reflect.DeepEqual(r.pattern, patternOf(t)) })
}
