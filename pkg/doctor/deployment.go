package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/ebb-ops/ebb/pkg/cloud"
)

// Deployment names the parts of a deployment.
type Deployment struct {
	Stack     string   // "" when the parts were named one by one
	Table     string   // the ledger's
	Bus       string   // Ebb's own
	Queue     string   // URL or name of the queue of dead letters
	Rules     []string // of the stack; without a stack the rules on the two buses count
	Lambdas   []string // names of functions on Lambda, beside those that the rules start
	LogGroups []string
}

// The outputs of the stack that say which of several resources is meant.
const (
	outputTable = "LedgerTable"
	outputBus   = "EventBus"
	outputQueue = "DeadLetterQueue"
)

// maxDepth is how deep stacks are nested at most.
const maxDepth = 4

// FromStack finds the parts of a deployment among a stack's resources, those of
// the stacks nested in it included, and its outputs.
func FromStack(ctx context.Context, cfg aws.Config, stack string) (Deployment, error) {
	client := cloudformation.NewFromConfig(cfg)
	out, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	switch {
	case cloud.HasCode(err, "ValidationError"):
		return Deployment{}, fmt.Errorf("there is no stack %q in %s: --stack names another, AWS_REGION another region; without a stack, name the parts with --table and --bus", stack, cfg.Region)
	case err != nil:
		return Deployment{}, fmt.Errorf("read stack %s: %w", stack, cloud.Explain(err, "cloudformation:DescribeStacks"))
	case len(out.Stacks) != 1:
		return Deployment{}, fmt.Errorf("there are %d stacks %q in %s", len(out.Stacks), stack, cfg.Region)
	}
	resources, err := resourcesOf(ctx, client, stack, maxDepth)
	if err != nil {
		return Deployment{}, err
	}
	d := Deployment{Stack: stack}
	for _, r := range resources {
		id := aws.ToString(r.PhysicalResourceId)
		switch aws.ToString(r.ResourceType) {
		case "AWS::DynamoDB::Table":
			d.Table = id
		case "AWS::Events::EventBus":
			d.Bus = id
		case "AWS::SQS::Queue":
			d.Queue = id
		case "AWS::Events::Rule":
			d.Rules = append(d.Rules, id[strings.LastIndex(id, "|")+1:]) // "bus|rule" on another bus than the default
		case "AWS::Lambda::Function":
			d.Lambdas = append(d.Lambdas, id)
		case "AWS::Logs::LogGroup":
			d.LogGroups = append(d.LogGroups, id)
		}
	}
	for _, o := range out.Stacks[0].Outputs {
		switch aws.ToString(o.OutputKey) {
		case outputTable:
			d.Table = aws.ToString(o.OutputValue)
		case outputBus:
			d.Bus = aws.ToString(o.OutputValue)
		case outputQueue:
			d.Queue = aws.ToString(o.OutputValue)
		}
	}
	for _, names := range [][]string{d.Rules, d.Lambdas, d.LogGroups} {
		slices.Sort(names)
	}
	return d, nil
}

func resourcesOf(ctx context.Context, client *cloudformation.Client, stack string, depth int) ([]types.StackResourceSummary, error) {
	var all []types.StackResourceSummary
	pages := cloudformation.NewListStackResourcesPaginator(client, &cloudformation.ListStackResourcesInput{StackName: &stack})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list resources of stack %s: %w", stack, cloud.Explain(err, "cloudformation:ListStackResources"))
		}
		for _, r := range page.StackResourceSummaries {
			all = append(all, r)
			if aws.ToString(r.ResourceType) != "AWS::CloudFormation::Stack" || depth == 0 {
				continue
			}
			nested, err := resourcesOf(ctx, client, aws.ToString(r.PhysicalResourceId), depth-1)
			if err != nil {
				return nil, err
			}
			all = append(all, nested...)
		}
	}
	return all, nil
}
