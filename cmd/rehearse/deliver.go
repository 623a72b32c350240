package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// wire puts a queue in the place of each function behind its rule, for the
// emulator starts no functions: the rule's pattern stays as the stack made it.
// A function of another source than a receiver without a rule is an error.
func (s *stack) wire(ctx context.Context, all map[string]*function) error {
	buses := eventbridge.NewFromConfig(s.account.cfg)
	targets := map[string]*function{}
	for _, f := range all {
		targets[f.arn] = f
	}
	for _, name := range []string{"default", s.outputs["EventBus"]} {
		bus := aws.String(name)
		rules, err := buses.ListRules(ctx, &eventbridge.ListRulesInput{EventBusName: bus})
		if err != nil {
			return fmt.Errorf("list the rules of bus %s: %w", name, err)
		}
		for _, r := range rules.Rules {
			out, err := buses.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{EventBusName: bus, Rule: r.Name})
			if err != nil {
				return fmt.Errorf("list the targets of rule %s: %w", *r.Name, err)
			}
			for _, t := range out.Targets {
				f := targets[*t.Arn]
				if f == nil {
					continue
				}
				if r.State != ebtypes.RuleStateEnabled {
					return fmt.Errorf("rule %s is %s", *r.Name, r.State)
				}
				arn, url, err := s.newQueue(ctx, strings.ReplaceAll(*r.Name, ".", "-"))
				if err != nil {
					return err
				}
				f.queue = url
				_, err = buses.PutTargets(ctx, &eventbridge.PutTargetsInput{EventBusName: bus, Rule: r.Name, Targets: []ebtypes.Target{{Id: t.Id, Arn: &arn}}})
				if err != nil {
					return fmt.Errorf("put a queue behind rule %s: %w", *r.Name, err)
				}
			}
		}
	}
	return nil
}

func (s *stack) newQueue(ctx context.Context, name string) (arn, url string, err error) {
	out, err := sqs.NewFromConfig(s.account.cfg).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		return "", "", fmt.Errorf("make queue %s: %w", name, err)
	}
	return "arn:aws:sqs:" + region + ":" + s.account.id + ":" + name, *out.QueueUrl, nil
}

// results gives the URL of a queue that gets Ebb's own events on the stack's bus.
func (s *stack) results(ctx context.Context) (string, error) {
	arn, url, err := s.newQueue(ctx, "results")
	if err != nil {
		return "", err
	}
	buses, bus, name := eventbridge.NewFromConfig(s.account.cfg), aws.String(s.outputs["EventBus"]), aws.String("results")
	_, err = buses.PutRule(ctx, &eventbridge.PutRuleInput{Name: name, EventBusName: bus, EventPattern: aws.String(`{"source":["ebb"]}`)})
	if err != nil {
		return "", fmt.Errorf("make a rule for results: %w", err)
	}
	_, err = buses.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: name, EventBusName: bus, Targets: []ebtypes.Target{{Id: name, Arn: &arn}}})
	if err != nil {
		return "", fmt.Errorf("make a rule for results: %w", err)
	}
	return url, nil
}

// put puts an event on a bus of an account, as AWS's services do.
func (a account) put(ctx context.Context, bus string, event []byte) error {
	var ev struct {
		Source     string
		DetailType string `json:"detail-type"`
		Detail     json.RawMessage
	}
	if err := json.Unmarshal(event, &ev); err != nil {
		return fmt.Errorf("decode the sample event: %w", err)
	}
	out, err := eventbridge.NewFromConfig(a.cfg).PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{{
		EventBusName: &bus, Source: &ev.Source, DetailType: &ev.DetailType, Detail: aws.String(string(ev.Detail)),
	}}})
	if err == nil && out.FailedEntryCount > 0 {
		err = fmt.Errorf("%s: %s", *out.Entries[0].ErrorCode, *out.Entries[0].ErrorMessage)
	}
	if err != nil {
		return fmt.Errorf("put %s on bus %s: %w", ev.DetailType, bus, err)
	}
	return nil
}

// received takes all messages of a queue.
func (a account) received(ctx context.Context, queue string) (bodies []string, err error) {
	api := sqs.NewFromConfig(a.cfg)
	for {
		out, err := api.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &queue, MaxNumberOfMessages: 10})
		if err != nil {
			return nil, fmt.Errorf("receive from %s: %w", queue, err)
		}
		if len(out.Messages) == 0 {
			return bodies, nil
		}
		for _, m := range out.Messages {
			bodies = append(bodies, *m.Body)
		}
	}
}

// belong gives a delivered event the account in which it happened.
func belong(event, account string) ([]byte, error) {
	var ev map[string]json.RawMessage
	if err := json.Unmarshal([]byte(event), &ev); err != nil {
		return nil, fmt.Errorf("decode the delivered event: %w", err)
	}
	ev["account"] = json.RawMessage(`"` + account + `"`)
	return json.Marshal(ev)
}
