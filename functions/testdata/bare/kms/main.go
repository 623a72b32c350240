// Command kms is a Lambda function with the SDK clients of a function of ours,
// and nothing else: what start times are measured against.
package main

import (
	"context"
	"errors"
	"log"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	api, table, bus := kms.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg)
	lambda.Start(func(ctx context.Context) error {
		_, err1 := api.DescribeKey(ctx, &kms.DescribeKeyInput{})
		_, err2 := table.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{})
		_, err3 := bus.PutEvents(ctx, &eventbridge.PutEventsInput{})
		return errors.Join(err1, err2, err3)
	})
}
