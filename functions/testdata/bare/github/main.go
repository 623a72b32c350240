// Command github is a Lambda function with the clients of our GitHub function,
// and nothing else: what its start time is measured against.
package main

import (
	"context"
	"errors"
	"log"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/google/go-github/v88/github"
)

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	api, err := github.NewClient(github.WithAuthToken("token"))
	if err != nil {
		log.Fatal(err)
	}
	table, bus := dynamodb.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg)
	lambda.Start(func(ctx context.Context) error {
		_, _, err1 := api.Repositories.Get(ctx, "acme", "site")
		_, err2 := table.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{})
		_, err3 := bus.PutEvents(ctx, &eventbridge.PutEventsInput{})
		return errors.Join(err1, err2, err3)
	})
}
