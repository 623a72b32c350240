package host

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/ledger/dynamodb"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// Job is what a function that a schedule starts is made from on Lambda.
type Job struct {
	Getenv func(string) string // settings by name
	AWS    aws.Config
	Ledger remedy.Ledger
	Log    *slog.Logger
}

// MainJob runs a function that a schedule starts, on Lambda's runtime interface.
// It does not return. What open returns is given the schedule's Input, once for
// each time; an error makes Lambda try again.
func MainJob(name string, open func(Job) (func(context.Context, []byte) error, error)) {
	start(name, func(ctx context.Context, w *watch) (lambda.Handler, error) {
		job, err := openJob(ctx, os.Getenv, w.log)
		if err != nil {
			return nil, err
		}
		do, err := open(job)
		if err != nil {
			return nil, err
		}
		return scheduled(do), nil
	})
}

func openJob(ctx context.Context, getenv func(string) string, log *slog.Logger) (Job, error) {
	table := getenv(SettingTable)
	if table == "" {
		return Job{}, fmt.Errorf("%s is not set: name the ledger's DynamoDB table", SettingTable)
	}
	cfg, err := cloud.LoadConfig(ctx, Env(getenv))
	if err != nil {
		return Job{}, err
	}
	return Job{Getenv: getenv, AWS: cfg, Ledger: dynamodb.New(awsdynamodb.NewFromConfig(cfg), table), Log: log}, nil
}

// scheduled is a function as Lambda invokes it. It answers with nothing.
type scheduled func(context.Context, []byte) error

// Invoke implements [lambda.Handler].
func (do scheduled) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, cancel := beforeClosing(ctx)
	defer cancel()
	if err := do(ctx, payload); err != nil {
		return nil, err
	}
	return []byte("null"), nil
}
