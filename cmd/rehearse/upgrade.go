package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/google/go-cmp/cmp"
)

// previous is the template of the release before this one.
const previous = "cmd/rehearse/testdata"

// replaces are the properties for whose change CloudFormation makes a resource
// anew, of the types that hold something: "Update requires: Replacement". An
// index of a table that changes is built anew, which it counts as well.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-eventbus.html
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
var replaces = map[string][]string{
	"AWS::DynamoDB::Table": {
		"AttributeDefinitions", "GlobalSecondaryIndexes", "ImportSourceSpecification", "KeySchema", "LocalSecondaryIndexes", "TableName",
	},
	"AWS::Events::EventBus":       {"EventSourceName", "Name"},
	"AWS::SQS::Queue":             {"FifoQueue", "QueueName"},
	"AWS::S3::Bucket":             {"BucketName", "ObjectLockEnabled"},
	"AWS::SecretsManager::Secret": {"Name"},
}

// replaced lists what an update from one template to the other would make anew
// or take away, of what holds something.
func replaced(from, to *template) []error {
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(from.Resources)) {
		was := from.Resources[id]
		properties, holds := replaces[was.Type]
		if !holds {
			continue
		}
		is := to.Resources[id]
		if is == nil || is.Type != was.Type {
			errs = append(errs, fmt.Errorf("%s (%s) is not in the new template", id, was.Type))
			continue
		}
		for _, p := range properties {
			if diff := cmp.Diff(was.Properties[p], is.Properties[p]); diff != "" {
				errs = append(errs, fmt.Errorf("%s is made anew, for its %s differs (-before +after):\n%s", id, p, diff))
			}
		}
	}
	return errs
}

// upgrade updates a stack of the release before this one, with a record in it.
func (r *rehearsal) upgrade(ctx context.Context, a account) error {
	r.out.step("upgrading a stack of the release before this one")
	const path = "previous.yaml"
	before, err := transform(ctx, r.root, r.root+"/"+previous, path)
	if err != nil {
		return err
	}
	after, err := transform(ctx, r.root, r.root, "template.yaml")
	if err != nil {
		return err
	}
	if errs := replaced(before[path], after["template.yaml"]); len(errs) > 0 {
		return fmt.Errorf("the upgrade loses what the stack holds: %w", errors.Join(errs...))
	}
	r.out.line("  no property changes for which CloudFormation would make the table, the bus or the queue anew")

	for _, templates := range []map[string]*template{before, after} {
		if _, err := reduce(templates, func(string, *resource) (string, error) { return "not-in-the-rehearsal", nil }); err != nil {
			return err
		}
	}
	s, err := create(ctx, a, "ebb", path, before, map[string]string{"GitHubWebhookSecret": "shared with GitHub"})
	if err != nil {
		return err
	}
	item := map[string]ddbtypes.AttributeValue{
		"pk": &ddbtypes.AttributeValueMemberS{Value: "REC#upgrade"}, "sk": &ddbtypes.AttributeValueMemberS{Value: "REC"},
	}
	table := dynamodb.NewFromConfig(a.cfg)
	if _, err := table.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(s.outputs["LedgerTable"]), Item: item}); err != nil {
		return fmt.Errorf("put a record: %w", err)
	}
	was, err := s.identity(ctx)
	if err != nil {
		return err
	}
	r.out.line("  on the emulator what holds nothing is taken away and made anew, for its CloudFormation updates little in place")
	renamed := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(before[path].Resources)) {
		old, updated := before[path].Resources[id], after["template.yaml"].Resources[id]
		if updated == nil || cmp.Diff(old.Properties, updated.Properties) == "" {
			continue
		}
		if _, holds := replaces[old.Type]; holds {
			after["template.yaml"].Resources[id] = old
			r.out.line("  not on the emulator: the update of %s, in place, which AWS does", id)
			continue
		}
		renamed[id] = id + "Anew"
	}
	after["template.yaml"].rename(renamed)
	s, err = s.update(ctx, "template.yaml", after, map[string]string{"GitHub": "enabled"})
	if err != nil {
		return err
	}
	is, err := s.identity(ctx)
	if err != nil {
		return err
	}
	if diff := cmp.Diff(was, is); diff != "" {
		return fmt.Errorf("after the upgrade the stack has others (-before +after):\n%s", diff)
	}
	got, err := table.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String(s.outputs["LedgerTable"]), Key: item})
	if err != nil {
		return fmt.Errorf("read the record: %w", err)
	}
	if len(got.Item) == 0 {
		return errors.New("the record is gone after the upgrade")
	}
	r.out.line("  the record is still there; the table, the bus and the queue are the same")
	return nil
}

// identity gives what must stay the same in the stack's life.
func (s *stack) identity(ctx context.Context) (map[string]string, error) {
	table, err := dynamodb.NewFromConfig(s.account.cfg).DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(s.outputs["LedgerTable"])})
	if err != nil {
		return nil, fmt.Errorf("describe the table: %w", err)
	}
	bus, err := eventbridge.NewFromConfig(s.account.cfg).DescribeEventBus(ctx, &eventbridge.DescribeEventBusInput{Name: aws.String(s.outputs["EventBus"])})
	if err != nil {
		return nil, fmt.Errorf("describe the bus: %w", err)
	}
	return map[string]string{
		"table": *table.Table.TableArn, "made": table.Table.CreationDateTime.String(), "bus": *bus.Arn, "queue": s.outputs["DeadLetterQueue"],
	}, nil
}
