// Command eventbridge is a Lambda function with the SDK client of a receiver,
// and nothing else: what its start time is measured against.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
)

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	bus := eventbridge.NewFromConfig(cfg)
	lambda.Start(func(ctx context.Context) error {
		_, err := bus.PutEvents(ctx, &eventbridge.PutEventsInput{})
		return err
	})
}
