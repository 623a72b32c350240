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
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/ledger/dynamodb"
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

	if refused := string(f.raw(t, []byte(`{"name":"daily","dayz":1}`))); !strings.Contains(refused, "read the schedule's input") {
		t.Errorf("answer to an input that is none: %s", refused)
	}
}
