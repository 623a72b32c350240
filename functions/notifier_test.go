//go:build linux

package functions_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// slack is a local server that takes what Slack documents, with one token.
type slack struct {
	*httptest.Server
	mu      sync.Mutex
	threads []string // that the messages were answers in
}

const slackSchema = "../pkg/notify/testdata/schemas/slack.json"

func newSlack(t *testing.T, token string) *slack {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(slackSchema)
	check(t, err)
	s := &slack{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		var got struct {
			Thread string `json:"thread_ts"`
		}
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(body, &got)
		}
		value, invalid := jsonschema.UnmarshalJSON(strings.NewReader(string(body)))
		if invalid == nil {
			invalid = schema.Validate(value)
		}
		switch {
		case err != nil || invalid != nil || r.URL.Path != "/chat.postMessage":
			t.Errorf("Slack would refuse %s: %v, %v: %s", r.URL.Path, err, invalid, body)
		case r.Header.Get("Authorization") != "Bearer "+token:
			_, _ = io.WriteString(w, `{"ok":false,"error":"invalid_auth"}`)
		default:
			s.threads = append(s.threads, got.Thread)
			_, _ = fmt.Fprintf(w, `{"ok":true,"channel":"C0123ABCDEF","ts":"1700000000.%06d"}`, len(s.threads))
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// got gives the threads of the messages that came.
func (s *slack) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.threads...)
}

// result gives an event of a record, as the bus delivers it.
func result(t *testing.T, id, resource string) string {
	t.Helper()
	rec := remedy.Record{
		ID: id, Function: "s3-bucket-policy", Severity: remedy.High, Outcome: remedy.Reverted, Reason: "Put back with 1 call.",
		Resource: remedy.Ref{Type: "AWS::S3::Bucket", ID: "arn:aws:s3:::" + resource, Account: "111122223333"},
		Event:    remedy.EventRef{Name: "PutBucketPolicy", Actor: remedy.Actor{ID: "arn:aws:iam::111122223333:user/kim"}},
	}
	detail, err := json.Marshal(rec)
	check(t, err)
	entry, err := bus.Encode(remedy.Event{ID: id, Source: "ebb", Name: "remediation.reverted", Detail: detail}, nil)
	check(t, err)
	event, err := entry.Envelope("envelope-of-"+id, "111122223333", mototest.Region, time.Now())
	check(t, err)
	return string(event)
}

// queued gives a batch whose messages have been in the queue for a minute.
func queued(t *testing.T, bodies ...string) []byte {
	t.Helper()
	var records []map[string]any
	for i, b := range bodies {
		records = append(records, map[string]any{
			"messageId": fmt.Sprint("message-", i), "body": b, "eventSource": "aws:sqs",
			"attributes": map[string]string{"SentTimestamp": fmt.Sprint(time.Now().Add(-time.Minute).UnixMilli())},
		})
	}
	out, err := json.Marshal(map[string]any{"Records": records})
	check(t, err)
	return out
}

const notifyFile = `version: 1
channels:
  ops: {slack: {channel: C0123ABCDEF, token: SLACK_TOKEN}}
  down: {slack: {webhook: DOWN_HOOK}}
routes:
  - channels: [ops, down]
`

// notifierSettings are those of a deployed notifier, with its file and its secret.
func notifierSettings(t *testing.T, account mototest.Account, slackURL string, members map[string]string) map[string]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "notify.yaml")
	check(t, os.WriteFile(file, []byte(notifyFile), 0o600))
	settings := lambdaSettings(t, account)
	maps.Copy(settings, map[string]string{"EBB_NOTIFY_FILE": file, "EBB_NOTIFY_SECRETS_ARN": "ebb/notify", "EBB_SLACK_URL": slackURL})
	secret, err := json.Marshal(members)
	check(t, err)
	_, err = secretsmanager.NewFromConfig(account.Config).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{
		Name: aws.String("ebb/notify"), SecretString: aws.String(string(secret)),
	})
	check(t, err)
	return settings
}

// TestNotifierOnLambda hands results to the binary that ships, as its queue and
// its schedule do. One of the channels is down all the time.
func TestNotifierOnLambda(t *testing.T) {
	account := mototest.New(t)
	ledger := newLedger(t, account)
	closed := httptest.NewServer(nil)
	closed.Close()
	s := newSlack(t, "xoxb-0ne")
	members := map[string]string{"SLACK_TOKEN": "xoxb-0ne", "DOWN_HOOK": closed.URL + "/s3cret"}
	f := emulate(t, bootstrap(t, "notifier", hostArch), notifierSettings(t, account, s.URL, members))
	batch := func(bodies ...string) {
		t.Helper()
		var answer any
		f.invoke(t, queued(t, bodies...), &answer)
		want[any](t, "the answer to a batch", map[string]any{"batchItemFailures": []any{}}, answer)
	}

	first := result(t, "record-1", "invoices")
	poison := `{"source":"ebb","detail-type":"remediation.reverted","id":"x","detail":{"id":7}}`
	batch(first, first, poison)
	want(t, "messages", []string{""}, s.got())
	want(t, "dead letters", []string{"notifier " + poison}, deadLetters(t, ledger))

	batch(first, result(t, "record-2", "invoices")) // a copy, and another about the same bucket
	want(t, "messages", []string{"", "1700000000.000001"}, s.got())

	tick := func() {
		t.Helper()
		var answer json.RawMessage
		f.invoke(t, []byte(`{}`), &answer)
		want(t, "the answer to a tick", "null", string(answer))
	}
	tick()
	want(t, "messages after a tick", 2, len(s.got()))

	for _, text := range []string{
		`"message":"notification sent"`, `"message":"notification failed, it is sent again"`, `"channel":"down"`, `"notification_result":"sent"`,
		`"message":"dead letter","service":"ebb"`,
	} {
		f.logs(t, text)
	}
	for _, secret := range []string{"xoxb", "s3cret"} {
		if strings.Contains(f.function.Log(), secret) {
			t.Error("a secret is in the log")
		}
	}
}

// TestNotifierOnLambda_failure shows what comes back when it can't do its work:
// of a batch the messages' ids, and of a tick an error.
func TestNotifierOnLambda_failure(t *testing.T) {
	account := mototest.New(t)
	settings := notifierSettings(t, account, "http://127.0.0.1:9", map[string]string{})
	settings["EBB_TABLE"] = "nowhere"
	f := emulate(t, bootstrap(t, "notifier", hostArch), settings)
	var answer any
	f.invoke(t, queued(t, result(t, "record-1", "invoices"), `{"source":7}`), &answer)
	want[any](t, "the answer to a batch", map[string]any{"batchItemFailures": []any{
		map[string]any{"itemIdentifier": "message-0"}, map[string]any{"itemIdentifier": "message-1"},
	}}, answer)
	if body := string(f.raw(t, []byte(`{}`))); !strings.Contains(body, "there is no table nowhere") {
		t.Errorf("answer to a tick = %s", body)
	}
}

// TestNotifierOnLambda_without_its_file says what to do.
func TestNotifierOnLambda_without_its_file(t *testing.T) {
	account := mototest.New(t)
	settings := lambdaSettings(t, account)
	settings["EBB_NOTIFY_SECRETS_ARN"] = "ebb/notify"
	f := emulate(t, bootstrap(t, "notifier", hostArch), settings)
	_ = f.raw(t, []byte(`{}`))
	f.logs(t, "the function was deployed without notify.yaml: build it in with make build NOTIFY=notify.yaml")
}

// TestBuild_puts_the_notify_file_beside_the_notifier builds it as make build does.
func TestBuild_puts_the_notify_file_beside_the_notifier(t *testing.T) {
	dist, file := t.TempDir(), filepath.Join(t.TempDir(), "who.yaml")
	check(t, os.WriteFile(file, []byte(notifyFile), 0o600))
	args := []string{"build-functions", "DIST=" + dist, "ARCHES=" + hostArch, "FUNCTIONS=notifier report", "POLICY="}
	check(t, makeBuild("..", append(args, "NOTIFY="+file)...))
	got, err := os.ReadFile(filepath.Join(dist, "notifier", hostArch, "notify.yaml"))
	check(t, err)
	want(t, "the file", notifyFile, string(got))
	if _, err := os.Stat(filepath.Join(dist, "report", hostArch, "notify.yaml")); !os.IsNotExist(err) {
		t.Errorf("it is beside another function: %v", err)
	}
	check(t, makeBuild("..", append(args, "NOTIFY=")...))
	if _, err := os.Stat(filepath.Join(dist, "notifier", hostArch, "notify.yaml")); !os.IsNotExist(err) {
		t.Errorf("it stays when there is none any more: %v", err)
	}
}
