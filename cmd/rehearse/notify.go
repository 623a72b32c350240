package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// notifier is the function that tells of results.
const notifier = "notifier"

// Who is told: a channel in Slack, and a topic.
const (
	toldTopic  = "arn:aws:sns:" + region + ":" + alone + ":told"
	notifyFile = `version: 1
channels:
  ops: {slack: {webhook: OPS_HOOK}}
  mail: {sns: {topic: "` + toldTopic + `"}}
grouping: {window: 1s}
routes:
  - channels: [ops, mail]
digests:
  - channels: [ops]
`
)

// slack is a server in the place of Slack's.
type slack struct {
	*httptest.Server
	mu    sync.Mutex
	heads []string // of the messages that came
}

func newSlack() *slack {
	s := &slack{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var message struct{ Text string }
		err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&message)
		if err != nil || r.URL.Path != "/services/rehearsed" {
			http.Error(w, "no_service", http.StatusNotFound)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.heads = append(s.heads, message.Text)
		_, _ = io.WriteString(w, "ok")
	}))
	return s
}

func (s *slack) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.heads)
}

// introduce does what a person does before there are results to tell of: it makes
// the topic, and puts what the notify file names into the stack's secret.
func (d *deployment) introduce(ctx context.Context, s *slack) error {
	name := toldTopic[strings.LastIndex(toldTopic, ":")+1:]
	if _, err := sns.NewFromConfig(d.account.cfg).CreateTopic(ctx, &sns.CreateTopicInput{Name: &name}); err != nil {
		return fmt.Errorf("make topic %s: %w", name, err)
	}
	value, err := json.Marshal(map[string]string{"OPS_HOOK": s.URL + "/services/rehearsed"})
	if err != nil {
		return err
	}
	_, err = secretsmanager.NewFromConfig(d.account.cfg).PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: aws.String(d.functions[notifier].settings["EBB_NOTIFY_SECRETS_ARN"]), SecretString: aws.String(string(value)),
	})
	if err != nil {
		return fmt.Errorf("put the notifier's secrets: %w", err)
	}
	return nil
}

// tell hands the notifier the results that the stack's rule put into its queue, and
// the report. Both channels must get one message about all results.
func (r *rehearsal) tell(ctx context.Context, d *deployment, s *slack, res *result) (err error) {
	f := d.functions[notifier]
	results, err := d.stack.account.received(ctx, d.stack.resources["Notifications/Results"].id)
	if err != nil {
		return err
	}
	if want := len(d.stages) + 1; len(results) != want {
		return fmt.Errorf("its rule delivered %d events, want %d", len(results), want)
	}
	dir, err := os.MkdirTemp("", "ebb-rehearsal-")
	if err != nil {
		return fmt.Errorf("make a folder for %s: %w", f.name, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "notify.yaml")
	if err := os.WriteFile(file, []byte(notifyFile), 0o600); err != nil {
		return fmt.Errorf("write the notify file: %w", err)
	}
	g, err := r.gate(d)
	if err != nil {
		return err
	}
	defer g.server.Close()
	process, err := f.start(ctx, r.root, r.dist, g, map[string]string{"EBB_NOTIFY_FILE": file})
	if err != nil {
		return err
	}
	defer func() { err = r.finish(process, res, err) }()
	var answer struct {
		BatchItemFailures []any `json:"batchItemFailures"`
	}
	if err := process.Invoke(ctx, batchOf(results), &answer); err != nil {
		return err
	}
	if len(answer.BatchItemFailures) > 0 {
		return fmt.Errorf("of its batch %v failed", answer.BatchItemFailures)
	}
	if err := process.Invoke(ctx, []byte(`{}`), new(any)); err != nil { // as the schedule does
		return err
	}
	want := fmt.Sprintf("%d results: %d put back", len(d.stages), len(d.stages))
	if got := s.got(); len(got) != 2 || !slices.Contains(got, want) || !slices.ContainsFunc(got, func(m string) bool { return strings.Contains(m, "report") }) {
		return fmt.Errorf("the channel in Slack got %q, want %q, and a report", got, want)
	}
	if err := r.confined(ctx, d, f, g, res); err != nil {
		return err
	}
	if !slices.Contains(res.used, "sns:Publish") {
		return errors.New("the topic was not told")
	}
	// The outbox is in the ledger's table: what else is there must be out of reach.
	_, err = awsdynamodb.NewFromConfig(f.config(g.server.URL)).PutItem(ctx, &awsdynamodb.PutItemInput{
		TableName: aws.String(d.stack.outputs["LedgerTable"]),
		Item:      map[string]ddbtypes.AttributeValue{"pk": &ddbtypes.AttributeValueMemberS{Value: "REC#x"}, "sk": &ddbtypes.AttributeValueMemberS{Value: "REC"}},
	})
	return mustBeDenied("dynamodb:PutItem of a record", err)
}

// batchOf gives events as Lambda hands over those of a queue.
func batchOf(bodies []string) []byte {
	var records []object
	for i, b := range bodies {
		records = append(records, object{
			"messageId": fmt.Sprint("message-", i), "body": b, "eventSource": "aws:sqs",
			"attributes": object{"SentTimestamp": fmt.Sprint(time.Now().Add(-time.Minute).UnixMilli())},
		})
	}
	out, _ := json.Marshal(object{"Records": records}) // strings can always be written
	return out
}
