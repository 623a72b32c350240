//go:build linux

package functions_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ebb-ops/ebb/functions/functionstest"
	"github.com/ebb-ops/ebb/pkg/bus"
	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/host/rie"
	"github.com/ebb-ops/ebb/pkg/saas/github/githubtest"
)

// TestReceiverOnLambda sends signed deliveries as API Gateway hands them on.
func TestReceiverOnLambda(t *testing.T) {
	account := mototest.New(t)
	queue := listen(t, account, `{"source":["github"],"detail-type":["repository.publicized"]}`)
	settings := lambdaSettings(t, account)
	settings["EBB_GITHUB_WEBHOOK_SECRET"] = "new"
	settings["EBB_GITHUB_WEBHOOK_SECRET_PREVIOUS"] = "old"
	f := emulate(t, bootstrap(t, "githubwebhook", hostArch), settings)
	body := sample(t, "github-webhook/publicized.json", account)

	tests := []struct {
		name   string
		secret string
		edit   func(*events.APIGatewayV2HTTPRequest)
		status int
		answer string
	}{
		{"signed", "new", nil, 202, `{"id":"signed"}`},
		{"signed-with-the-previous-secret", "old", nil, 202, `{"id":"signed-with-the-previous-secret"}`},
		{"in-base64", "new", func(r *events.APIGatewayV2HTTPRequest) {
			r.Body, r.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(r.Body)), true
		}, 202, `{"id":"in-base64"}`},
		{"signed-with-another-secret", "guess", nil, 401, "error"},
		{"changed-on-the-way", "new", func(r *events.APIGatewayV2HTTPRequest) { r.Body += " " }, 401, "error"},
		{"signed-twice", "new", func(r *events.APIGatewayV2HTTPRequest) {
			h := "x-hub-signature-256"
			r.Headers[h] += "," + r.Headers[h]
		}, 401, "error"},
		{"read", "new", func(r *events.APIGatewayV2HTTPRequest) { r.RequestContext.HTTP.Method = http.MethodGet }, 405, "error"},
	}
	for _, tt := range tests {
		in := gatewayRequest(t, body, tt.name, tt.secret)
		if tt.edit != nil {
			tt.edit(&in)
		}
		payload, err := json.Marshal(in)
		check(t, err)
		var got events.APIGatewayV2HTTPResponse
		f.invoke(t, payload, &got)
		if got.StatusCode != tt.status || !strings.Contains(got.Body, tt.answer) || got.IsBase64Encoded || got.Headers["Content-Type"] != "application/json" {
			t.Errorf("%s: answer = %+v, want %d with %s", tt.name, got, tt.status, tt.answer)
		}
	}
	want(t, "events on the bus", []string{
		"github repository.publicized signed",
		"github repository.publicized signed-with-the-previous-secret",
		"github repository.publicized in-base64",
	}, queue(t, 3))
}

// TestReceiverOnLambda_without_a_secret shows that it does not start.
func TestReceiverOnLambda_without_a_secret(t *testing.T) {
	settings := lambdaSettings(t, mototest.New(t))
	settings["AWS_LAMBDA_RUNTIME_API"] = "127.0.0.1:1"
	cmd := exec.Command(bootstrap(t, "githubwebhook", hostArch))
	cmd.Env = rie.Environ(settings)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "EBB_GITHUB_WEBHOOK_SECRET: ") {
		t.Errorf("it ended with %v: %s; want a refusal that names the setting", err, out)
	}
}

// gatewayRequest gives a signed delivery as API Gateway hands it on.
func gatewayRequest(t *testing.T, body []byte, delivery, secret string) events.APIGatewayV2HTTPRequest {
	t.Helper()
	r, err := githubtest.Deliver("https://example.com/github", body, "repository", delivery, secret)
	check(t, err)
	in, err := functionstest.GatewayRequest(r)
	check(t, err)
	return in
}

// listen makes the account's bus and gives what its events that match the
// pattern are, once there are n of them: source, name and id of each.
func listen(t *testing.T, account mototest.Account, pattern string) func(t *testing.T, n int) []string {
	t.Helper()
	newBus(t, account)
	receive := subscribe(t, account, busName, pattern)
	return func(t *testing.T, n int) (got []string) {
		t.Helper()
		for _, event := range receive(t, n) {
			msg, err := bus.Decode(event)
			check(t, err)
			got = append(got, msg.Event.Source+" "+msg.Event.Name+" "+msg.Event.ID)
		}
		return got
	}
}

func newBus(t *testing.T, account mototest.Account) {
	t.Helper()
	_, err := eventbridge.NewFromConfig(account.Config).CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String(busName)})
	check(t, err)
}

// subscribe puts a rule on the account's bus and a queue of that name behind
// it, and gives the events that have come, once there are n of them.
func subscribe(t *testing.T, account mototest.Account, queueName, pattern string) func(t *testing.T, n int) [][]byte {
	t.Helper()
	buses, queues := eventbridge.NewFromConfig(account.Config), sqs.NewFromConfig(account.Config)
	name, bus := aws.String(queueName), aws.String(busName)
	_, err := buses.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: name, EventBusName: bus, EventPattern: &pattern})
	check(t, err)
	queue, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: name})
	check(t, err)
	_, err = buses.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
		Rule: name, EventBusName: bus,
		Targets: []ebtypes.Target{{Id: name, Arn: aws.String("arn:aws:sqs:" + mototest.Region + ":" + account.ID + ":" + queueName)}},
	})
	check(t, err)
	return func(t *testing.T, n int) (got [][]byte) {
		t.Helper()
		for deadline := time.Now().Add(patience); len(got) < n && time.Now().Before(deadline); {
			out, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, WaitTimeSeconds: 1})
			check(t, err)
			for _, m := range out.Messages {
				got = append(got, []byte(*m.Body))
			}
		}
		if len(got) != n {
			t.Fatalf("%d events came to queue %s, want %d", len(got), queueName, n)
		}
		return got
	}
}
