//go:build linux

package functions_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/functions"
	"github.com/ebb-ops/ebb/functions/functionstest"
	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/ledger/dynamodb"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// TestOnLambda runs each function as the binary it ships as.
func TestOnLambda(t *testing.T) {
	for _, f := range functions.All {
		t.Run(f.Name, func(t *testing.T) {
			account := mototest.New(t)
			onLambda(t, f.Name, account, stageFor(t, f.Name, account))
		})
	}
}

// later finds when an event happened.
var later = regexp.MustCompile(`("(?:eventTime|time)"\s*:\s*")[^"]+`)

func onLambda(t *testing.T, name string, account mototest.Account, s stage) {
	ledger := newLedger(t, account)
	queue := listen(t, account, `{"source":["ebb"]}`)
	settings := lambdaSettings(t, account)
	for k, v := range s.settings {
		settings[k] = v
	}
	f := emulate(t, bootstrap(t, folder(name), hostArch), settings)
	id := eventID(t, s.event)

	if s.learn != nil {
		want(t, "outcomes of the good state", []remedy.Outcome{remedy.Compliant}, f.handle(t, s.learn))
	}
	s.spoil(t)
	want(t, "the bad state", s.bad, s.state(t))
	if s.failed != nil {
		want(t, "outcomes of a failed call", []remedy.Outcome{remedy.Ignored}, f.handle(t, s.failed))
		want(t, "the state after a failed call", s.bad, s.state(t))
		want(t, "records after a failed call", nil, kept(t, ledger))
	}

	want(t, "outcomes", []remedy.Outcome{remedy.Reverted}, f.handle(t, s.event))
	want(t, "the state after the event", s.good, s.state(t))
	want(t, "records", []string{id + " reverted"}, kept(t, ledger))
	if t.Failed() {
		return // the rest builds on it
	}
	recs, _, err := ledger.Records(t.Context(), remedy.Query{})
	check(t, err)
	want(t, "results on the bus", []string{"ebb remediation.reverted " + recs[0].ID}, queue(t, 1))

	want(t, "outcomes of a copy", []remedy.Outcome{remedy.Duplicate}, f.handle(t, s.event))
	want(t, "the state after a copy", s.good, s.state(t))

	s.spoil(t)
	second := []byte(later.ReplaceAllString(strings.ReplaceAll(string(s.event), id, "second"),
		"${1}"+time.Now().UTC().Format(time.RFC3339Nano)))
	poison := `{"source":7}`
	var answer any
	f.invoke(t, sqsBatch(t, poison, string(second)), &answer)
	want[any](t, "the answer to a batch", map[string]any{"batchItemFailures": []any{}}, answer)
	want(t, "the state after a batch", s.good, s.state(t))
	both := kept(t, ledger) // of one moment, where the event says when it was received
	slices.Sort(both)
	want(t, "records after a batch", slices.Sorted(slices.Values([]string{"second reverted", id + " reverted"})), both)
	want(t, "dead letters", []string{name + " " + poison}, deadLetters(t, ledger))
	recs, _, err = ledger.Records(t.Context(), remedy.Query{})
	check(t, err)
	i := slices.IndexFunc(recs, func(r remedy.Record) bool { return r.Event.ID == "second" })
	if i < 0 {
		t.Fatal("there is no record of the message")
	}
	want(t, "the trace of a message", "5759e988bd862e3fe1be46a994272793", recs[i].TraceID)

	want(t, "outcomes of poison", nil, f.handle(t, []byte(poison)))
	want(t, "dead letters after a copy of the poison", []string{name + " " + poison}, deadLetters(t, ledger))
	for _, text := range []string{
		`"message":"dead letter","service":"ebb"`, `"function":"` + name + `"`,
		`"ColdStart":1`, `"EventsReceived":`, `"TimeToCompliance":[`, `"DeadLetters":1`, `"outcome":"reverted"`,
	} {
		f.logs(t, text)
	}
}

// TestOnLambda_failure shows what comes back when a function can't do its work:
// an error, so that Lambda tries again, and of a batch the message's id.
func TestOnLambda_failure(t *testing.T) {
	account := mototest.New(t)
	s := stageFor(t, "ec2-security-group", account)
	s.spoil(t)
	settings := lambdaSettings(t, account)
	settings["EBB_TABLE"] = "nowhere"
	f := emulate(t, bootstrap(t, "ec2securitygroup", hostArch), settings)
	if body := string(f.raw(t, s.event)); !strings.Contains(body, "errorMessage") || !strings.Contains(body, "ledger") {
		t.Errorf("answer = %s, want an error about the ledger", body)
	}
	var answer any
	f.invoke(t, sqsBatch(t, string(s.event), `{"source":7}`), &answer)
	want[any](t, "the answer to a batch", map[string]any{"batchItemFailures": []any{
		map[string]any{"itemIdentifier": "message-0"}, map[string]any{"itemIdentifier": "message-1"},
	}}, answer)
	want(t, "the state", s.bad, s.state(t))
}

// lambdaSettings are those that a deployed function has, for the account.
func lambdaSettings(t *testing.T, account mototest.Account) map[string]string {
	t.Helper()
	rules := "version: 1\nfunctions:\n"
	for _, f := range functions.All {
		rules += "  " + f.Name + ": {mode: enforce}\n"
	}
	file := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{
		"AWS_ENDPOINT_URL": account.Env.AWSEndpoint,
		"EBB_BUS":          busName,
		"EBB_POLICY_FILE":  file,
		"EBB_TABLE":        tableName,
	}
	for _, k := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"} {
		settings[k] = account.Env.Setting(k)
	}
	return settings
}

const (
	busName   = "ebb"
	tableName = "ebb"
)

func newLedger(t *testing.T, account mototest.Account) *dynamodb.Ledger {
	t.Helper()
	client := awsdynamodb.NewFromConfig(account.Config)
	if err := dynamodb.CreateTable(t.Context(), client, tableName); err != nil {
		t.Fatal(err)
	}
	return dynamodb.New(client, tableName)
}

// handle invokes with an event and gives the outcomes of the records that came back.
func (e emulator) handle(t *testing.T, event []byte) []remedy.Outcome {
	t.Helper()
	var answer struct {
		Records []remedy.Record `json:"records"`
	}
	e.invoke(t, event, &answer)
	var out []remedy.Outcome
	for _, r := range answer.Records {
		out = append(out, r.Outcome)
	}
	return out
}

// kept gives the ledger's records, newest first. Each must say what was there
// before, which calls were made and when it was verified.
func kept(t *testing.T, ledger remedy.Ledger) []string {
	t.Helper()
	recs, _, err := ledger.Records(t.Context(), remedy.Query{})
	check(t, err)
	var out []string
	for _, r := range recs {
		out = append(out, r.Event.ID+" "+string(r.Outcome))
		if len(r.Before) == 0 || len(r.Changes) == 0 || r.Times.Verified.IsZero() || r.TraceID == "" {
			t.Errorf("record %s lacks a part of the evidence: %+v", r.ID, r)
		}
	}
	return out
}

func deadLetters(t *testing.T, ledger remedy.Ledger) []string {
	t.Helper()
	letters, err := ledger.DeadLetters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, l := range letters {
		whole, err := ledger.DeadLetter(t.Context(), l.ID)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, whole.Function+" "+string(whole.Payload))
	}
	return out
}

// sample gives a sample event of an account.
func sample(t *testing.T, name string, account mototest.Account) []byte {
	t.Helper()
	event, err := functionstest.Sample("..", name, account.ID)
	check(t, err)
	return event
}

func eventID(t *testing.T, event []byte) string {
	t.Helper()
	m, err := bus.Decode(event)
	if err != nil {
		t.Fatal(err)
	}
	return m.Event.ID
}

// sqsBatch gives what SQS invokes a function with.
func sqsBatch(t *testing.T, bodies ...string) []byte {
	t.Helper()
	var records []map[string]any
	for i, b := range bodies {
		records = append(records, map[string]any{
			"messageId": fmt.Sprint("message-", i), "body": b, "eventSource": "aws:sqs",
			"attributes": map[string]string{"AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"},
		})
	}
	out, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func want[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
