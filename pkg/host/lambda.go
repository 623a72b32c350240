package host

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/ledger/dynamodb"
	"github.com/ebb-ops/ebb/pkg/metrics"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// closingTime is how long before Lambda ends an invocation the work in it is
// told to stop: what it has come to must still be written down.
const closingTime = 6 * time.Second

// Main runs a function on Lambda's runtime interface. It does not return.
func Main(f remedy.Function) {
	start(f.Name, func(ctx context.Context, w *watch) (lambda.Handler, error) {
		return open(ctx, f, os.Getenv, w)
	})
}

// start makes a handler ready and serves it. What keeps it from starting is
// logged, because Lambda reports only that the process ended.
func start(name string, open func(context.Context, *watch) (lambda.Handler, error)) {
	w := newWatch(name, os.Getenv, os.Stdout)
	h, err := open(context.Background(), w)
	if err != nil {
		w.log.Error("the function can't start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(w.handler(h))
}

// function is a function on Lambda.
type function struct {
	Invoker
	letters
}

// open makes a function ready from its settings. It makes no call.
func open(ctx context.Context, f remedy.Function, getenv func(string) string, w *watch) (*function, error) {
	env := Env(getenv)
	table := getenv(SettingTable)
	if table == "" {
		return nil, fmt.Errorf("%s is not set: name the ledger's DynamoDB table", SettingTable)
	}
	p, err := loadPolicy(getenv(SettingPolicy), f)
	if err != nil {
		return nil, err
	}
	for _, warning := range p.Warnings() {
		w.log.Warn("policy", "warning", warning)
	}
	w.noops = p.TracedNoops()
	cfg, err := cloud.LoadConfig(ctx, env)
	if err != nil {
		return nil, err
	}
	handler, err := remedy.Open(ctx, f, env)
	if err != nil {
		return nil, err
	}
	ledger := dynamodb.New(awsdynamodb.NewFromConfig(cfg), table)
	opts := remedy.Options{Log: w.log, Self: Self(getenv(SettingSelf))}
	if name := getenv(SettingBus); name != "" {
		opts.Publish = results(Publisher(cfg, name))
	}
	return &function{Invoker{remedy.New(ledger, p, opts), handler}, letters{f.Name, ledger, w.log, metrics.NewHost(nil)}}, nil
}

// Invoke implements [lambda.Handler]. It takes an event as EventBridge invokes
// with it, or a batch from an SQS queue, whose failed messages it names.
func (f *function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, cancel := beforeClosing(ctx)
	defer cancel()
	if batch, ok := sqsBatch(payload); ok {
		return json.Marshal(f.batch(ctx, batch, func(ctx context.Context, d Delivery) error {
			_, err := f.deliver(ctx, d)
			return err
		}))
	}
	recs, err := f.deliver(ctx, Delivery{Payload: payload, Carrier: lambdaCarrier(ctx)})
	if err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		Records []remedy.Record `json:"records"`
	}{recs})
}

// beforeClosing gives a context that ends early enough before the invocation
// does; a quarter of a short invocation's time is enough.
func beforeClosing(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(closingTime, time.Until(deadline)/4)))
}

// deliver hands a delivery on, and keeps what no retry will mend as a dead letter.
func (f *function) deliver(ctx context.Context, d Delivery) ([]remedy.Record, error) {
	if d.Received.IsZero() {
		d.Received = time.Now()
	}
	recs, err := f.Invoker.Invoke(ctx, d)
	return recs, f.keep(ctx, d, err)
}

// letters keeps a function's dead letters.
type letters struct {
	function string
	ledger   remedy.Ledger
	log      *slog.Logger
	counts   *metrics.Host
}

// keep gives the error that the delivery ended with, which may be nil. One that
// no retry will mend is a dead letter instead.
func (l letters) keep(ctx context.Context, d Delivery, err error) error {
	if !remedy.IsPermanent(err) {
		return err
	}
	letter := DeadLetter(l.function, d, 1, err, time.Now())
	l.log.ErrorContext(ctx, "dead letter", "function", letter.Function, "event_source", letter.Source, "event_id", letter.Event,
		"dead_letter", letter.ID, "error", letter.Reason)
	if err := l.ledger.SaveDeadLetter(ctx, letter); err != nil {
		// Not permanent: the delivery comes again, so that nothing is lost.
		return fmt.Errorf("keep dead letter %s: %w", letter.ID, err)
	}
	l.counts.DeadLetter(ctx, l.function)
	return nil
}
