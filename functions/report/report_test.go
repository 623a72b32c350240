package report_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/functions/report"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/ledger/dynamodb"
	"github.com/ebb-ops/ebb/pkg/notify/digest"
	"github.com/ebb-ops/ebb/pkg/remedy"
	reports "github.com/ebb-ops/ebb/pkg/report"
	"github.com/ebb-ops/ebb/pkg/report/reporttest"
)

const order = `{"name": "weekly", "days": 7, "until": "2026-11-21T09:00:00Z"}`

func TestDecode(t *testing.T) {
	t.Parallel()
	got, err := report.Decode([]byte(order))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(report.Order{Name: "weekly", Days: 7, Until: reporttest.Until()}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	for payload, want := range map[string]string{
		``:                               "read the schedule's input",
		`[]`:                             "read the schedule's input",
		`{"name": "a", "dayz": 1}`:       `unknown field "dayz"`,
		`{"name": "../x", "days": 1}`:    `name "../x": want lower-case letters`,
		`{"name": "daily", "days": 0}`:   "days 0: want a number from 1 to 400",
		`{"name": "daily", "days": 401}`: "days 401: want a number from 1 to 400",
		`{"name": "daily", "days": 1}`:   "until is missing",
	} {
		if _, err := report.Decode([]byte(payload)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", payload, err, want)
		}
	}
}

// account is an emulated one with a ledger, a bucket and a topic that a queue follows.
type account struct {
	report.Function
	queue   *sqs.Client
	url     string
	objects *s3.Client
}

func open(t *testing.T) account {
	t.Helper()
	cfg := mototest.New(t).Config
	table := awsdynamodb.NewFromConfig(cfg)
	check(t, dynamodb.CreateTable(t.Context(), table, "ledger"))
	ledger := dynamodb.New(table, "ledger")
	for _, r := range (reporttest.Make{Every: time.Hour, Resources: 5}).Records(12) {
		check(t, ledger.SaveRecord(t.Context(), r))
	}
	a := account{queue: sqs.NewFromConfig(cfg), objects: s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })}
	bucket := "reports-" + strings.ToLower(strings.ReplaceAll(t.Name(), "_", "-"))
	_, err := a.objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket})
	check(t, err)
	topics := sns.NewFromConfig(cfg)
	topic, err := topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("reports")})
	check(t, err)
	q, err := a.queue.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("reports")})
	check(t, err)
	attributes, err := a.queue.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: q.QueueUrl, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn}})
	check(t, err)
	_, err = topics.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String(attributes.Attributes["QueueArn"])})
	check(t, err)
	a.url = *q.QueueUrl
	a.Function = report.Function{
		Ledger: ledger, Objects: a.objects, Links: s3.NewPresignClient(a.objects), Bucket: bucket,
		Tell: []func(context.Context, report.Notice) error{report.SNS(topics, *topic.TopicArn)}, Now: reporttest.Until,
	}
	return a
}

func TestReportIsWrittenAndTold(t *testing.T) {
	t.Parallel()
	a := open(t)
	check(t, a.Invoke(t.Context(), []byte(order)))

	var figures reports.Report
	check(t, json.Unmarshal(a.object(t, "reports/weekly/2026-11-21T0900Z.json"), &figures))
	if figures.Records != 12 || figures.Since != reporttest.Until().AddDate(0, 0, -7) {
		t.Errorf("%d records since %v", figures.Records, figures.Since)
	}
	page := string(a.object(t, "reports/weekly/2026-11-21T0900Z.html"))
	if !strings.Contains(page, "<h1>Ebb report</h1>") || !strings.Contains(page, `id="record-`) {
		t.Errorf("the page is %.200s", page)
	}

	subject, text := a.told(t)
	if want := "Ebb, weekly report: 1 open, 8 put back"; subject != want {
		t.Errorf("subject %q, want %q", subject, want)
	}
	var link string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "http") {
			link = strings.TrimSpace(line)
		}
	}
	for _, want := range []string{"X-Amz-Expires=21600", "X-Amz-Signature="} {
		if !strings.Contains(link, want) {
			t.Errorf("link %s has no %s", link, want)
		}
	}
	if !strings.Contains(text, "aws s3 cp s3://"+a.Bucket+"/reports/weekly/2026-11-21T0900Z.html .") || !strings.Contains(text, "2026-11-21T15:00:00Z") {
		t.Errorf("text:\n%s", text)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
	check(t, err)
	resp, err := http.DefaultClient.Do(req)
	check(t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	check(t, err)
	if string(body) != page || resp.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("the link gives %s, %d bytes, want the page", resp.Header.Get("Content-Type"), len(body))
	}
}

// A retry writes the same objects, so that nothing is reported twice under two names.
func TestReportCanBeRepeated(t *testing.T) {
	t.Parallel()
	a := open(t)
	check(t, a.Invoke(t.Context(), []byte(order)))
	first := a.object(t, "reports/weekly/2026-11-21T0900Z.html")
	check(t, a.Invoke(t.Context(), []byte(order)))
	if diff := cmp.Diff(string(first), string(a.object(t, "reports/weekly/2026-11-21T0900Z.html"))); diff != "" {
		t.Errorf("the second report differs:\n%s", diff)
	}
	out, err := a.objects.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &a.Bucket})
	check(t, err)
	if len(out.Contents) != 2 {
		t.Errorf("%d objects, want 2", len(out.Contents))
	}
}

// The bus is told of the same report under the same id, and by what a notifier reads.
func TestReportIsToldToTheBus(t *testing.T) {
	t.Parallel()
	a := open(t)
	var got []remedy.Event
	a.Tell = append(a.Tell, report.Bus(func(_ context.Context, ev remedy.Event) error { got = append(got, ev); return nil }))
	check(t, a.Invoke(t.Context(), []byte(order)))
	check(t, a.Invoke(t.Context(), []byte(order)))
	if len(got) != 2 {
		t.Fatalf("%d events, want one of each time", len(got))
	}
	for _, ev := range got {
		d, err := digest.Of(ev.Detail)
		check(t, err)
		if d.Link == "" || !strings.Contains(d.Link, "X-Amz-Signature=") {
			t.Errorf("link %q", d.Link)
		}
		d.Link, d.Parts, ev.Detail = "", nil, nil
		want := digest.Digest{
			ID: "msg_report-weekly-20261121T0900Z", Report: "weekly", Since: reporttest.Until().AddDate(0, 0, -7), Until: reporttest.Until(), Open: 1, PutBack: 8,
			Expires: reporttest.Until().Add(report.LinkFor), Where: "s3://" + a.Bucket + "/reports/weekly/2026-11-21T0900Z.html",
		}
		if diff := cmp.Diff(want, d); diff != "" {
			t.Errorf("digest (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(remedy.Event{ID: want.ID, Source: "ebb", Name: "report.written"}, ev); diff != "" {
			t.Errorf("event (-want +got):\n%s", diff)
		}
	}
	broken := errors.New("the bus is gone")
	a.Tell = []func(context.Context, report.Notice) error{report.Bus(func(context.Context, remedy.Event) error { return broken })}
	if err := a.Invoke(t.Context(), []byte(order)); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v: Lambda is to try again", err, broken)
	}
}

func TestReportFailsLoudly(t *testing.T) {
	t.Parallel()
	a := open(t)
	told := 0
	broken := errors.New("nobody listens")
	a.Tell = []func(context.Context, report.Notice) error{
		func(context.Context, report.Notice) error { return broken },
		func(context.Context, report.Notice) error { told++; return nil },
	}
	if err := a.Invoke(t.Context(), []byte(order)); !errors.Is(err, broken) || told != 1 {
		t.Errorf("error %v, %d told; want the one who can't be told as an error, and the other told", err, told)
	}
	a.Bucket = "there-is-no-such-bucket"
	if err := a.Invoke(t.Context(), []byte(order)); err == nil || !strings.Contains(err.Error(), "write s3://there-is-no-such-bucket/reports/weekly/2026-11-21T0900Z.json: s3:PutObject") {
		t.Errorf("error %v", err)
	}
}

func (a account) object(t *testing.T, key string) []byte {
	t.Helper()
	out, err := a.objects.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &a.Bucket, Key: &key})
	check(t, err)
	defer func() { _ = out.Body.Close() }()
	body, err := io.ReadAll(out.Body)
	check(t, err)
	return body
}

// told gives what the topic's queue got.
func (a account) told(t *testing.T) (subject, text string) {
	t.Helper()
	out, err := a.queue.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &a.url, WaitTimeSeconds: 5})
	check(t, err)
	if len(out.Messages) != 1 {
		t.Fatalf("%d messages, want 1", len(out.Messages))
	}
	var m struct{ Subject, Message string }
	check(t, json.Unmarshal([]byte(*out.Messages[0].Body), &m))
	return m.Subject, m.Message
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
