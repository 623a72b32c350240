//go:build linux

package functions_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/ledger/dynamodb"
	"github.com/ebb-ops/ebb/pkg/notify/digest"
	"github.com/ebb-ops/ebb/pkg/report/reporttest"
)

// TestReportOnLambda runs the binary that a schedule starts.
func TestReportOnLambda(t *testing.T) {
	account := mototest.New(t)
	table := awsdynamodb.NewFromConfig(account.Config)
	check(t, dynamodb.CreateTable(t.Context(), table, tableName))
	ledger := dynamodb.New(table, tableName)
	for _, r := range (reporttest.Make{Every: time.Hour}).Records(5) {
		check(t, ledger.SaveRecord(t.Context(), r))
	}
	objects := s3.NewFromConfig(account.Config, func(o *s3.Options) { o.UsePathStyle = true })
	_, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("reports-on-lambda")})
	check(t, err)
	topic, err := sns.NewFromConfig(account.Config).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("reports")})
	check(t, err)

	told := reportQueue(t, account)
	settings := lambdaSettings(t, account)
	settings["EBB_BUCKET"], settings["EBB_REPORT_TOPIC"] = "reports-on-lambda", *topic.TopicArn
	f := emulate(t, bootstrap(t, "report", hostArch), settings)
	var answer json.RawMessage
	f.invoke(t, []byte(`{"name":"daily","days":1,"until":"2026-11-21T09:00:00Z"}`), &answer)
	want(t, "the answer", "null", string(answer))
	out, err := objects.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("reports-on-lambda"), Key: aws.String("reports/daily/2026-11-21T0900Z.html")})
	check(t, err)
	page, err := io.ReadAll(out.Body)
	check(t, err)
	if !strings.Contains(string(page), "Ebb kept 5 records") {
		t.Errorf("the report is %.300s", page)
	}

	messages, err := told()
	check(t, err)
	if len(messages) != 1 {
		t.Fatalf("the bus was told of %d reports, want one", len(messages))
	}
	msg, err := bus.Decode([]byte(messages[0]))
	check(t, err)
	word, err := digest.Of(msg.Event.Detail)
	check(t, err)
	want(t, "the digest's id", "msg_report-daily-20261121T0900Z", word.ID)
	want(t, "where the report is", "s3://reports-on-lambda/reports/daily/2026-11-21T0900Z.html", word.Where)

	if refused := string(f.raw(t, []byte(`{"name":"daily","dayz":1}`))); !strings.Contains(refused, "read the schedule's input") {
		t.Errorf("answer to an input that is none: %s", refused)
	}
}

// reportQueue makes Ebb's bus, with a rule for reports as one who is told of them
// has it, and gives what takes the events behind that.
func reportQueue(t *testing.T, account mototest.Account) func() (events []string, err error) {
	t.Helper()
	buses, queues := eventbridge.NewFromConfig(account.Config), sqs.NewFromConfig(account.Config)
	_, err := buses.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String(busName)})
	check(t, err)
	queue, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("told")})
	check(t, err)
	rule := &eventbridge.PutRuleInput{
		Name: aws.String("told"), EventBusName: aws.String(busName),
		EventPattern: aws.String(`{"source": ["ebb"], "detail-type": ["` + digest.Event + `"]}`),
	}
	_, err = buses.PutRule(t.Context(), rule)
	check(t, err)
	_, err = buses.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
		Rule: rule.Name, EventBusName: rule.EventBusName,
		Targets: []ebtypes.Target{{Id: aws.String("told"), Arn: aws.String("arn:aws:sqs:" + mototest.Region + ":" + account.ID + ":told")}},
	})
	check(t, err)
	return func() (events []string, err error) {
		out, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 5})
		if err != nil {
			return nil, err
		}
		for _, m := range out.Messages {
			events = append(events, *m.Body)
		}
		return events, nil
	}
}
